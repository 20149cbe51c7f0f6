/** Pure: the part of a document that a prompt is made of. Offsets are UTF-16 code units, as in LSP. */

export interface Window {
  /** Text before the cursor, line ends as `\n`. */
  readonly prefix: string;
  /** Text after the cursor, line ends as `\n`. */
  readonly suffix: string;
}

export interface WindowSize {
  /** The most UTF-16 code units taken before and after the cursor. */
  readonly before: number;
  readonly after: number;
}

/** UTF-16 code units by which the start of a window moves on, so that it stays while the user types; see `fitParts`. */
const STEP = 512;

/**
 * The window around `offset`. It starts at a line start where one is near enough, since half a line is no context.
 * An offset between the halves of a surrogate pair counts as before the pair, so that no character is torn.
 */
export function windowAt(text: string, offset: number, size: WindowSize): Window {
  const cursor = wholeCharacter(text, offset);
  return {
    prefix: toLineFeeds(text.slice(windowStart(text, cursor, size.before), cursor)),
    suffix: toLineFeeds(text.slice(cursor, wholeCharacter(text, Math.min(text.length, cursor + size.after)))),
  };
}

/** `offset`, or the one before it where it would tear a surrogate pair. */
export function wholeCharacter(text: string, offset: number): number {
  const torn = isHighSurrogate(text.charCodeAt(offset - 1)) && isLowSurrogate(text.charCodeAt(offset));
  return torn ? offset - 1 : offset;
}

function windowStart(text: string, cursor: number, before: number): number {
  if (cursor <= before) return 0;
  const earliest = Math.min(cursor, Math.ceil((cursor - before) / STEP) * STEP);
  const lineEnd = text.indexOf('\n', earliest - 1);
  // A line longer than the window has no start inside it.
  return lineEnd === -1 || lineEnd >= cursor ? wholeCharacter(text, earliest) : lineEnd + 1;
}

// The models were trained on line feeds; a carriage return would be an unknown habit to them.
export function toLineFeeds(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
