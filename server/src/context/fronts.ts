/** From what is shown of other files to the tokens that prompts begin with. */
import { frontOf, roomForOthers, type Family, type Front, type PromptParts } from '@foretype/models';
import type { Candidate } from '../completion.ts';
import type { Explanation } from '../protocol.ts';
import type { Beside } from './neighbours.ts';

/** A token of code has that many characters on average, or more: what was gathered by characters has room in tokens. */
const CHARACTERS_PER_TOKEN = 3;

/** UTF-16 code units of other files that a prompt of the family has room for. */
export function roomBeside(family: Family | undefined): number {
  return family ? roomForOthers(family) * CHARACTERS_PER_TOKEN : 0;
}

/** Makes the front of each {@link Beside} once, since that stays for many keys; undefined where the engine cannot. */
export function fronts(): (parts: PromptParts, beside: Beside) => Promise<Front | undefined> {
  const made = new WeakMap<
    Beside,
    { readonly family: unknown; readonly front: Promise<Front | undefined> }
  >();
  return (parts, beside) => {
    const known = made.get(beside);
    if (known?.family === parts.family) return known.front;
    const front = frontOf(parts, beside).catch(() => {
      // An engine that restarts: the next key tries again.
      made.delete(beside);
      return undefined;
    });
    made.set(beside, { family: parts.family, front });
    return front;
  };
}

/** A candidate with its report saying what its prompt began with. */
export function besideOf(candidate: Candidate, { shown }: Front): Candidate {
  if (shown.length === 0) return candidate;
  const files = new Set(shown.map(({ name }) => name)).size;
  return { ...candidate, report: { ...candidate.report, beside: { chunks: shown.length, files } } };
}

/** An explanation with a sentence on that, where there is something to say. */
export function explained(explanation: Explanation | null): Explanation | null {
  const beside = explanation?.report?.beside;
  if (!explanation || !beside) return explanation;
  const { chunks, files } = beside;
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  const step = `Read besides: ${count(chunks, 'chunk')} of ${count(files, 'file')}.`;
  return { ...explanation, steps: [...explanation.steps, step] };
}
