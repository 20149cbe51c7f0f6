/** Pure: the `FILE:LINE:COL` of the command line, and where it lies in a text. */

export interface Place {
  readonly file: string;
  /** From 1, as editors and compilers print it. */
  readonly line: number;
  /** From 1, in UTF-16 code units; one past the last character of the line is its end. */
  readonly column: number;
}

/** Something that the user must put right; `message` is one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function parsePlace(argument: string): Place {
  const [, file, line, column] = /^(.+):([0-9]+):([0-9]+)$/u.exec(argument) ?? [];
  if (!file || !Number(line) || !Number(column)) {
    throw new UsageError(`Expected FILE:LINE:COL with line and column counted from 1, got "${argument}".`);
  }
  return { file, line: Number(line), column: Number(column) };
}

/**
 * The LSP position (from 0) of `place` in `text`.
 * @throws UsageError where the text has no such place.
 */
export function positionIn(text: string, { file, line, column }: Place): { line: number; character: number } {
  const lines = text.split(/\r\n|\n|\r/u);
  const content = lines[line - 1];
  if (content === undefined) {
    throw new UsageError(`${file} has ${count(lines.length, 'line')}, so there is no line ${line}.`);
  }
  if (column > content.length + 1) {
    throw new UsageError(
      `Line ${line} of ${file} ends at column ${content.length + 1}, so there is no column ${column}.`,
    );
  }
  return { line: line - 1, character: column - 1 };
}

/** @throws UsageError where `bytes` are not UTF-8. */
export function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file} is not UTF-8 text, so nothing can be completed in it.`);
  }
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}
