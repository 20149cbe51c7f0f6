/** Pure: how long to wait before work is begun for a key, since the next one may make it useless. */

export interface Typing {
  /** Milliseconds in which drafts came of late; null before the first. */
  readonly draftMs: number | null;
  readonly power: 'mains' | 'battery' | 'saver';
  /** Texts in a row that were shown and not wanted. */
  readonly rejected: number;
  /** Nothing stands before the cursor on its line but blanks: a line was begun, and whoever did that looks up. */
  readonly newLine: boolean;
}

/** Milliseconds at the least; the editor itself waits 50 before it asks. */
const LEAST = 25;
/** Share of a draft's own time, and the most of it in milliseconds: what is quick to make is cheap to make in vain. */
const OF_DRAFT = 0.5;
const MOST = 75;
/** On battery a key in vain costs more than a moment. */
const FACTOR = { mains: 1, battery: 2, saver: 4 };
/** Rejections that everybody has, and milliseconds for the next one, doubled for each further; as Copilot backs off. */
const FREE = 2;
const BACKOFF = { first: 50, most: 3000 };

/** Milliseconds to wait. What is known already is given before this is asked. */
export function pauseFor({ draftMs, power, rejected, newLine }: Typing): number {
  const after = rejected > FREE ? Math.min(BACKOFF.most, BACKOFF.first * 2 ** (rejected - FREE - 1)) : 0;
  if (newLine) return after;
  const work = Math.min(MOST, Math.max(LEAST, OF_DRAFT * (draftMs ?? 0)));
  return Math.max(work * FACTOR[power], after);
}
