/** Pure: how a completion ends, and whether there is enough of it to be shown. */
import type { Candidate } from './filtered.ts';
import { onlyCloses } from './lines.ts';
import type { Site } from './place.ts';

const ENDS_IN_WORD = /[\p{L}\p{M}\p{N}_$]$/u;
const BEGINS_WITH_WORD = /^[\p{L}\p{M}\p{N}_$]/u;

/** One line of `text` where other text stands behind the cursor: it would be torn away from what it belongs to. */
export function onOneLine({ text, replaces }: Candidate, { tail }: Site): string {
  return onlyCloses(tail.slice(replaces)) ? text : text.split('\n', 1)[0]!;
}

/** Nothing of a text that would become one word with what stands behind the cursor, or before it where that is whole. */
export function fittingTheWord({ text, replaces }: Candidate, { head, tail, wholeWord }: Site): string {
  const goesOn = wholeWord && ENDS_IN_WORD.test(head) && BEGINS_WITH_WORD.test(text);
  const runsInto = ENDS_IN_WORD.test(text) && BEGINS_WITH_WORD.test(tail.slice(replaces));
  return goesOn || runsInto ? '' : text;
}

/** `text` without white space at its end, where nothing follows or white space does. */
export function withoutTrailingSpace({ text, replaces }: Candidate, { tail }: Site): string {
  return /^(?:\s|$)/u.test(tail.slice(replaces)) ? text.trimEnd() : text;
}

/** Nothing where there is nothing to see: white space, invisible characters, the beginning of a comment that says nothing. */
export function worthShowing({ text, replaces }: Candidate, { tail, syntax, literal }: Site): string {
  const visible = text.replace(/[\s\p{C}\u2800\u3164]+/gu, '');
  if (visible === '' || tail.slice(0, replaces) === text) return '';
  return !literal && syntax.lineComments.includes(visible) ? '' : text;
}
