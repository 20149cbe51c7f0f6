/**
 * A sentence in the user's language: `message` is the English one, with `{0}`, `{1}`, … for the arguments. Modules that
 * know nothing of VS Code take it as an argument named `t`, by which the test of the bundle finds their sentences.
 */
export type Translate = (message: string, ...values: readonly (string | number)[]) => string;

/** The English messages themselves, for where there is no VS Code to translate them. */
export const english: Translate = (message, ...values) =>
  message.replaceAll(/\{(\d+)\}/g, (place, index) => String(values[Number(index)] ?? place));
