/** Pure: a text that was given to an editor, and what becomes of it while the document changes. */
import type { Change } from './change.ts';

/** What an item puts where, in UTF-16 code units. */
export interface Item {
  /** Where the user is. */
  readonly cursor: number;
  /** Where in the document the item begins, mostly before the cursor, and what it replaces from there. */
  readonly start: number;
  readonly removed: string;
  readonly inserted: string;
}

/** A text, and how much of it stands in the document. */
export interface Offered {
  /** Where the text begins in the document. */
  readonly at: number;
  readonly text: string;
  /** How much of the text stands before the cursor. */
  readonly typed: number;
  /** What stands in the document from `at` on and will be replaced by the text, what of it was typed among it. */
  readonly local: string;
}

const PAIRS: ReadonlySet<string> = new Set(['()', '[]', '{}', "''", '""', '``', '<>']);

/** What an item offers beyond what stands there; undefined where that is nothing. */
export function offeredBy({ cursor, start, removed, inserted }: Item): Offered | undefined {
  const shorter = Math.min(removed.length, inserted.length);
  // What stands behind the cursor can still be typed over, so it remains a part of the text.
  const most = Math.min(shorter, cursor - start);
  let front = 0;
  while (front < most && removed[front] === inserted[front]) front++;
  let back = 0;
  while (back < shorter - front && removed.at(-1 - back) === inserted.at(-1 - back)) back++;
  const text = inserted.slice(front, inserted.length - back);
  if (text === '') return undefined;
  return { at: start + front, text, typed: 0, local: removed.slice(front, removed.length - back) };
}

/** The text after a change that leaves it fitting; undefined where the change says something else, or elsewhere. */
export function after(offered: Offered, change: Change): Offered | undefined {
  const { at, text, typed, local } = offered;
  const { removed, inserted } = change;
  const from = change.offset - at;
  const to = from + removed;
  if (from < 0 || to > local.length) return undefined;
  // The keys before the cursor were taken back, or something comes at the cursor or behind what was typed over.
  const fits = inserted === '' ? from < typed && typed <= to : from >= typed;
  const now = local.slice(0, from) + inserted + local.slice(to);
  // Of brackets that are closed as they are opened, one was typed.
  const cursor = from + (PAIRS.has(inserted) ? 1 : inserted.length);
  if (!fits || cursor > text.length || now.slice(0, cursor) !== text.slice(0, cursor)) return undefined;
  return { at, text, typed: cursor, local: now };
}

/** The text that takes the place of one, where it is for the same place and what stands there is the same; else undefined. */
export function continued(before: Offered, next: Offered): Offered | undefined {
  const skipped = next.at - before.at;
  if (skipped < 0 || skipped > before.local.length || before.at + before.typed !== next.at) return undefined;
  const stood = before.local.slice(0, skipped);
  return { ...before, text: stood + next.text, local: stood + next.local };
}

/** Whether nothing but a length changed between two texts of a place: one begins with the other. */
export function agrees(one: Offered, other: Offered): boolean {
  return one.text.startsWith(other.text) || other.text.startsWith(one.text);
}

/** Whether a change is where the text is, and not somewhere else in the document. */
export function touches({ at, local }: Offered, { offset, removed }: Change): boolean {
  return offset + removed >= at && offset <= at + local.length;
}

/** Whether a change is what one key does: Tab and Enter bring blanks along, and what opens may bring what closes. */
export function isKey({ removed, inserted }: Change): boolean {
  return removed === 0 && (PAIRS.has(inserted) || /^(?:.|(?:\r?\n)?[ \t]*)$/su.test(inserted));
}

/** What was accepted of a text: a word, signs between two words, or a line. */
export function unitOf(text: string, from: number, to: number): 'word' | 'line' {
  const part = text.slice(from, to);
  if (/^\s*(?:[\p{L}\p{N}_$]+|[^\s\p{L}\p{N}_$]+)?\s*$/u.test(part)) return 'word';
  return /^(?:$|[\r\n])/u.test(text.slice(to, to + 1)) || /\n[ \t]*$/u.test(part) ? 'line' : 'word';
}
