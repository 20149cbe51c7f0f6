/** Pure: how long to wait before work is begun for a key, since the next one may make it useless. */
import type { Unwanted } from './mood.ts';

export interface Typing {
  /** Milliseconds in which drafts came of late; null before the first. */
  readonly draftMs: number | null;
  readonly power: 'mains' | 'battery' | 'saver';
  /** See `Mood`. */
  readonly mood: Unwanted;
  /** Nothing stands before the cursor on its line but blanks: a line was begun, and whoever did that looks up. */
  readonly newLine: boolean;
}

/**
 * Share of a draft's own time, and the most of it in milliseconds: what is quick to make is cheap to make in vain, and
 * VS Code waits 50 before it asks.
 */
const OF_DRAFT = 0.5;
const MOST = 75;
/** On battery a key in vain costs more than a moment. */
const FACTOR = { mains: 1, battery: 2, saver: 4 };
/**
 * What everybody has of it, milliseconds for the next one, doubled for each further, and the most. Who sends texts away
 * wants peace, so that it backs off as far as Copilot does; who writes on without them has only not found them useful,
 * which says more of the model than of the wish.
 */
const FREE = 2;
const FIRST = 50;
const MOST_AFTER = { overwritten: 300, dismissed: 3000 };

/** Milliseconds to wait. What is known already is given before this is asked. */
export function pauseFor({ draftMs, power, mood, newLine }: Typing): number {
  const dismissed = backoff(mood.dismissed, MOST_AFTER.dismissed);
  if (newLine) return dismissed;
  const work = Math.min(MOST, OF_DRAFT * (draftMs ?? 0));
  return Math.max(work * FACTOR[power], dismissed, backoff(mood.overwritten, MOST_AFTER.overwritten));
}

function backoff(times: number, most: number): number {
  return times > FREE ? Math.min(most, FIRST * 2 ** (times - FREE - 1)) : 0;
}
