/** Pure: keys with the time between them, and what an editor makes of them. */
import type { Random } from '../../../evaluation/src/random.ts';
import type { Key } from '../keystrokes/traces.ts';

/** A document after a key. */
export interface Stroke {
  readonly key: Key;
  readonly text: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
}

/** What a key did to the document: `[from, to)` became `text`. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** All that a key changes ends at the cursor. */
export function changeOf(
  before: Pick<Stroke, 'text'>,
  { text, offset }: Pick<Stroke, 'text' | 'offset'>,
): Change {
  const added = text.length - before.text.length;
  return added > 0
    ? { from: offset - added, to: offset - added, text: text.slice(offset - added, offset) }
    : { from: offset, to: offset - added, text: '' };
}

/**
 * Milliseconds before a key: medians of log-normal times by what is typed, for a mean of about 239, which is that of
 * 168,000 people (Dhakal et al., Observations on Typing from 136 Million Keystrokes, 2018). Who writes code is quick
 * within a word, looks up where a line begins and now and then before a word.
 */
const MEDIAN = { inWord: 160, between: 215, deleted: 140, lineStart: 480 };
const SPREAD = 0.45;
const LOOK = { share: 1 / 15, least: 700, most: 2000 };

export function gapBefore({ key, text, offset }: Stroke, random: Random): number {
  const drawn = (median: number) => median * Math.exp(SPREAD * normal(random));
  if (key === 'deleted') return drawn(MEDIAN.deleted);
  if (key === 'open' || key === 'jumped') return drawn(MEDIAN.lineStart);
  const [before = '\n', typed = ''] = text.slice(Math.max(0, offset - 2), offset);
  if (text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset - 1).trim() === '' && key === 'typed')
    return drawn(MEDIAN.lineStart);
  const word = /[\w$]/u;
  if (!word.test(typed)) return drawn(MEDIAN.between);
  if (word.test(before)) return drawn(MEDIAN.inWord);
  const look = random() < LOOK.share ? LOOK.least + (LOOK.most - LOOK.least) * random() : 0;
  return drawn(MEDIAN.between) + look;
}

/** Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** What is left at the cursor of a text that is shown, after a key: editors keep what is typed as it says. */
export function leftOf(shown: string, { text }: Change): string {
  return text !== '' && shown.startsWith(text) ? shown.slice(text.length) : '';
}

/** The position of an offset in a text whose lines end with `\n`. */
export function positionAt(
  text: string,
  offset: number,
): { readonly line: number; readonly character: number } {
  const start = text.slice(0, offset).lastIndexOf('\n') + 1;
  let line = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < start; at = text.indexOf('\n', at + 1)) line++;
  return { line, character: offset - start };
}
