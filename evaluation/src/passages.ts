/** Pure: pieces of real text whose probability is asked for, and the windows in which a model reads them. */
import type { Token } from '@foretype/models';
import type { HeldOutFile } from './heldout.ts';
import { shuffled, type Random } from './random.ts';

export interface Passage {
  readonly package: string;
  /** All that stands before it in its file. */
  readonly before: string;
  /** Whole lines, the line end before the first of them included: a token begins there in nearly any tokenizer. */
  readonly text: string;
}

/** Characters of a passage, at most: short enough that many files have a part in a sample. */
const LENGTH = 3000;

/** Passages drawn by lot until they hold `bytes` of UTF-8; no text is in two of them. */
export function passagesOf(files: readonly HeldOutFile[], bytes: number, random: Random): Passage[] {
  const taken: Passage[] = [];
  let left = bytes;
  for (const passage of shuffled(files.flatMap(cut), random)) {
    if (left <= 0) break;
    taken.push(passage);
    left -= Buffer.byteLength(passage.text);
  }
  return taken;
}

function cut(file: HeldOutFile): Passage[] {
  const passages: Passage[] = [];
  for (let from = 0; from < file.text.length;) {
    const lineEnd = file.text.lastIndexOf('\n', from + LENGTH);
    // Less than a passage is left, or one line is longer than a passage.
    const to = file.text.length - from <= LENGTH || lineEnd <= from ? file.text.length : lineEnd;
    passages.push({
      package: file.package,
      before: file.text.slice(0, from),
      text: file.text.slice(from, to),
    });
    from = to;
  }
  return passages;
}

/** One request of `Engine.score`. */
export interface ScoreWindow {
  readonly context: readonly Token[];
  readonly tokens: readonly Token[];
}

/**
 * Windows of at most `capacity` tokens, `start` included, that together ask for each token of `text` once. Each token
 * has half a window behind it, or all there is.
 * @param start the token that begins every window, as it begins every prompt.
 */
export function windowsOver(
  start: Token,
  before: readonly Token[],
  text: readonly Token[],
  capacity: number,
): ScoreWindow[] {
  const all = [...before, ...text];
  const half = Math.floor(capacity / 2);
  const windows: ScoreWindow[] = [];
  for (let at = before.length; at < all.length;) {
    const behind = all.slice(Math.max(0, at - half), at);
    const tokens = all.slice(at, at + capacity - 1 - behind.length);
    windows.push({ context: [start, ...behind], tokens });
    at += tokens.length;
  }
  return windows;
}
