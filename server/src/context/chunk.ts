/** Pure: pieces of other places that a prompt may show beside its own, and how like they are. */

/** Why a chunk is there. */
export type Origin = 'visited' | 'opened' | 'saved' | 'edited' | 'imported';

export interface Chunk {
  readonly uri: string;
  readonly origin: Origin;
  /** Line, from 0, at which it began when it was taken. */
  readonly line: number;
  /** Whole lines, each ended by a line feed. */
  readonly text: string;
  /** What it is compared by, see {@link keysOf}. */
  readonly keys: ReadonlySet<string>;
}

/** Lines with something to say that a piece must have, so that it is worth its place. */
const LEAST = 3;
/** Mean UTF-16 code units of a line beyond which nobody wrote it by hand. */
const WIDEST = 200;

export function makeChunk(place: Pick<Chunk, 'uri' | 'origin' | 'line'>, lines: readonly string[]): Chunk {
  const text = lines.map((line) => `${line}\n`).join('');
  // Of the text and not of the lines, which are slices of a document and would keep all of it in memory.
  return { ...place, text, keys: keysOf(text.split('\n')) };
}

/**
 * The lines around `line`, `size` at most. They are counted from the top of the document in steps of `size`, so that who
 * goes back and forth in it comes upon the same chunks, not upon many that overlap.
 * @returns undefined where there is too little on them, or more than somebody writes.
 */
export function chunkAround(
  { uri, text }: { readonly uri: string; readonly text: string },
  line: number,
  { size, origin }: { readonly size: number; readonly origin: Origin },
): Chunk | undefined {
  const start = Math.floor(line / size) * size;
  const lines = linesOf(text).slice(start, start + size);
  const chunk = makeChunk({ uri, origin, line: start }, lines);
  return chunk.keys.size < LEAST || chunk.text.length > lines.length * WIDEST ? undefined : chunk;
}

export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/u);
}

/** The different lines, without indentation; those that have no word (`});`) are alike everywhere and say nothing. */
export function keysOf(lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.map((line) => line.trim()).filter((line) => /[\p{L}\p{N}_]/u.test(line)));
}

/** From 0 to 1: the lines that two have in common, among those that either has (Jaccard). */
export function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const common = inBoth(one, other);
  const all = one.size + other.size - common;
  return all === 0 ? 1 : common / all;
}

/** From 0 to 1: the share of the lines of `piece` that are in `whole`, however much else is there. */
export function shareIn(whole: ReadonlySet<string>, piece: ReadonlySet<string>): number {
  return piece.size === 0 ? 0 : inBoth(piece, whole) / piece.size;
}

function inBoth(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let count = 0;
  for (const key of one) if (other.has(key)) count++;
  return count;
}
