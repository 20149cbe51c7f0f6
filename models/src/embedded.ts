import { fileURLToPath } from 'node:url';

/**
 * Directory of the family that ships with the product. It stands one level above this module both in the source tree
 * (`models/src`, `models/families`) and in the extension (`dist`, `families`).
 */
export const EMBEDDED_FAMILY = fileURLToPath(new URL('../families/small', import.meta.url));
