/** The first line of `text` that has something on it, with the blank lines before it and without its own line end. */
const FIRST_LINE = /^\s*\S[^\r\n]*(?=[\r\n])/u;

/**
 * Whether `text` already holds a whole line: something that is not white space, then a line end.
 * A completion that starts with a line end (the cursor stands after a finished line) goes on to the next line.
 */
export function endsLine(text: string): boolean {
  return FIRST_LINE.test(text);
}

/** `text` cut after its first line with something on it, without white space at its end. */
export function firstLine(text: string): string {
  return (FIRST_LINE.exec(text)?.[0] ?? text).trimEnd();
}
