/** Pure: what the filters do, as people are told of it. */
import type { Filtered, FilterName } from './filtered.ts';

/** Ends a sentence that says that not all of a text is shown, or nothing. */
const REASONS: Readonly<Record<FilterName, string>> = {
  'line-ends': 'its lines did not end as the document’s do',
  'special-tokens': 'it had a marker of the model’s in it',
  echo: 'it began with what stands before the cursor',
  indentation: 'it was not indented as the document is',
  literal: 'it went beyond the string or comment that the cursor is in',
  repetition: 'it repeated itself, or lines above',
  suffix: 'it had in it what stands behind the cursor',
  following: 'it had in it what stands in the lines below',
  closers: 'it closed a bracket that is not open, or left it to what stands below',
  'one-line': 'it had several lines where text stands behind the cursor',
  'trailing-space': 'it ended in blanks',
  'mid-word': 'it would have become one word with what stands beside it',
  blank: 'there was nothing in it to see',
};

/** What a completion lost; the last of the filters that took something is the one that took all of it. */
export function lossesOf({ text, by }: Filtered): string[] {
  if (text !== '') return by.map((name) => `Not all of it is shown: ${REASONS[name]}.`);
  const [last] = by.slice(-1);
  return last ? [`It is not shown: ${REASONS[last]}.`] : [];
}
