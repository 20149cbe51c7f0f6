/** Pure: what of a completion may be shown. */
import { wholeCharacter } from '@foretype/models';
import { withoutStrayClosers } from './closers.ts';
import { fittingTheWord, onOneLine, withoutTrailingSpace, worthShowing } from './ends.ts';
import { withoutFollowing } from './following.ts';
import { withDocumentIndentation, withoutDoubleIndentation } from './indentation.ts';
import { withinLiteral } from './literals.ts';
import { siteOf, type Place, type Site } from './place.ts';
import {
  withoutEcho,
  withoutLinesAbove,
  withoutLoop,
  withoutRepeatedLines,
  withoutStutter,
} from './repetition.ts';
import { withoutSpecialTokens } from './special-tokens.ts';
import { withoutSuffix } from './suffix.ts';

/** What is to stand at the cursor. */
export interface Candidate {
  /** Line ends as `\n`; empty for nothing. */
  readonly text: string;
  /**
   * UTF-16 code units after the cursor, on its line, that the text has in it and therefore replaces. They are in the text
   * in their order, so that an editor shows only what is new.
   */
  readonly replaces: number;
}

export interface Filtered extends Candidate {
  /** The names of the filters that changed it, in their order; the last of them dropped it where the text is empty. */
  readonly by: readonly FilterName[];
}

interface Filter {
  readonly name: string;
  readonly apply: (candidate: Candidate, site: Site) => Candidate;
}

/** A filter that has nothing to do with what is replaced. */
function ofText<const Name extends string>(
  name: Name,
  ...steps: readonly ((text: string, site: Site) => string)[]
) {
  return {
    name,
    apply: ({ text, replaces }: Candidate, site: Site): Candidate => ({
      text: steps.reduce((kept, step) => step(kept, site), text),
      replaces,
    }),
  };
}

/** A filter that has. */
function ofCandidate<const Name extends string>(
  name: Name,
  step: (candidate: Candidate, site: Site) => string,
) {
  return {
    name,
    apply: (candidate: Candidate, site: Site): Candidate => ({
      text: step(candidate, site),
      replaces: candidate.replaces,
    }),
  };
}

/**
 * In this order, since each may rely on those before it: first what is no text of the completion at all, then where it
 * begins, then how far it goes by itself, then how it meets what stands after the cursor, and at last whether there is
 * anything left that fits.
 */
export const FILTERS = [
  ofText('line-ends', (text) => text.replace(/\r\n?/gu, '\n')),
  ofText('special-tokens', withoutSpecialTokens),
  // Before the indentation, which belongs to the line that is echoed.
  ofText('echo', withoutEcho),
  ofText('indentation', withoutDoubleIndentation, withDocumentIndentation),
  // Before all that reads the text as code.
  ofText('literal', withinLiteral),
  ofText('repetition', withoutLinesAbove, withoutRepeatedLines, withoutStutter, withoutLoop),
  // Says which closers after the cursor are replaced; those are no longer there for what comes next.
  { name: 'suffix', apply: withoutSuffix },
  // Before the closers: a line of brackets that stands below is the same whether or not it is missing.
  ofCandidate('following', withoutFollowing),
  ofCandidate('closers', ({ text, replaces }, site) => withoutStrayClosers(text, site, replaces)),
  ofCandidate('one-line', onOneLine),
  ofCandidate('trailing-space', withoutTrailingSpace),
  ofCandidate('mid-word', fittingTheWord),
  ofCandidate('blank', worthShowing),
] as const satisfies readonly Filter[];

export type FilterName = (typeof FILTERS)[number]['name'];

/** UTF-16 code units of a candidate that are looked at; no completion that anybody reads is longer. */
const LONGEST = 8000;
/** What one filter leaves, an earlier one may find fault with. Each makes the text shorter, so that it comes to an end. */
const ROUNDS = 8;

/** What of `text` may be shown at `place`; nothing of it where the text is empty. */
export function filtered(text: string, place: Place, filters: readonly Filter[] = FILTERS): Filtered {
  const site = siteOf(place);
  const by = new Set<string>();
  let candidate: Candidate = { text: text.slice(0, wholeCharacter(text, LONGEST)), replaces: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const before = candidate;
    candidate = { ...candidate, replaces: 0 };
    for (const { name, apply } of filters) {
      if (candidate.text === '') break;
      const kept = apply(candidate, site);
      if (kept.text !== candidate.text || kept.replaces !== candidate.replaces) {
        // Behind the others, since it may have changed it before them, too.
        by.delete(name);
        by.add(name);
      }
      candidate = kept;
    }
    if (candidate.text === before.text) break;
  }
  if (candidate.text === '') candidate = { text: '', replaces: 0 };
  return { ...candidate, by: [...by] as FilterName[] };
}
