/** How families come to a machine, a node or a laptop: what is known of them, and what brings them. */
export { CatalogueError, catalogueSentence, type CatalogueErrorCode } from './error.ts';
export { freeBytes, ggufOf, machineMemory, needsOf, sha256Of, sizeOf } from './files.ts';
export { cameBefore, type Pulled } from './install.ts';
export { KNOWN_FAMILIES, type KnownFamily } from './known.ts';
export { manifestOf } from './manifest.ts';
export { memoryNeeded } from './memory.ts';
export { manifestUrl, progressLines } from './network.ts';
export { ROOM_LEFT } from './part.ts';
export { importFrom, pullFrom, pullKnown } from './pull.ts';
export { removeFrom } from './remove.ts';
export { memoryText, sizeText } from './size.ts';
export { systemCode, systemSentence } from './system.ts';
export type { PullTools, Wants } from './tools.ts';
