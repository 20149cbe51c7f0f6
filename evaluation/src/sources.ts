/** Where drafts may come from. */
import type { Engine, Token } from '@foretype/models';
import { LIMIT } from '@foretype/server/prompt';
import { tokensAround } from './counting.ts';
import type { Hole } from './holes.ts';
import { lookUp } from './lookup.ts';
import type { NgramModel } from './ngram.ts';

/** `blend` takes the lookup where enough tokens agree, else the draft model. */
export const SOURCES = ['neural', 'lookup', 'n-gram', 'blend'] as const;
export type Source = (typeof SOURCES)[number];

/** A match as long as this is taken before the draft model is asked. */
const TRUSTED = 4;

export interface DraftPlace {
  readonly hole: Hole;
  readonly ngram: NgramModel;
}

/** Proposes at most `count` tokens after `context`. */
export type Drafts = (context: readonly Token[], count: number) => Promise<readonly Token[]>;

/** What each source proposes after `prompt` and what is written behind it. */
export async function sourcesAt(draft: Engine, prompt: readonly Token[], { hole, ngram }: DraftPlace) {
  const around = await tokensAround(draft, hole);
  const write = (context: readonly Token[], limit: number) =>
    Array.fromAsync(draft.write({ context, limit, until: 'line' }));
  const first = await write(prompt, LIMIT);
  const inFile = (context: readonly Token[]) => [...around.prefix, ...context.slice(prompt.length)];
  const find = (context: readonly Token[], count: number) =>
    lookUp([around.suffix, inFile(context)], inFile(context), count);
  // As the server does it: the first draft is used up as long as it stands.
  const neural: Drafts = async (context, count) => {
    const agreed = context.slice(prompt.length);
    const stands = agreed.length < first.length && agreed.every((token, at) => token === first[at]);
    return stands ? first.slice(agreed.length, agreed.length + count) : await write(context, count);
  };
  return {
    neural,
    lookup: (context, count) => Promise.resolve(find(context, count)?.tokens ?? []),
    'n-gram': (context, count) => {
      const text = inFile(context);
      const tokens = Array.from({ length: count }, () => {
        text.push(ngram.predict(text));
        return text.at(-1)!;
      });
      return Promise.resolve(tokens);
    },
    blend: (context, count) => {
      const match = find(context, count);
      return match && match.length >= TRUSTED ? Promise.resolve(match.tokens) : neural(context, count);
    },
  } satisfies Record<Source, Drafts>;
}
