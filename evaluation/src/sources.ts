/** Where drafts may come from. */
import { COMPLETION_LIMIT, type Engine, lookUp, type Prompt, type Token, tokensOf } from '@foretype/models';
import { tokensAround } from './counting.ts';
import type { Hole } from './holes.ts';
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
export async function sourcesAt(draft: Engine, prompt: Prompt, { hole, ngram }: DraftPlace) {
  const around = await tokensAround(draft, hole);
  const { text: leading, tokens: taken } = prompt.leading;
  const begunOf = (context: readonly Token[]) => context.slice(prompt.context.length);
  const write = (context: readonly Token[], limit: number) =>
    tokensOf(draft.write({ context, limit, begun: begunOf(context).length, until: 'line', leading }));
  const first = await write(prompt.context, COMPLETION_LIMIT + taken.length);
  const before = around.prefix.slice(0, around.prefix.length - taken.length);
  const inFile = (context: readonly Token[]) => [...before, ...begunOf(context)];
  // A source that knows nothing of the leading text is not heard where it says something else.
  const fitting = async (context: readonly Token[], tokens: readonly Token[]) => {
    const text = await draft.detokenize([...begunOf(context), ...tokens]);
    return text.startsWith(leading) || leading.startsWith(text) ? tokens : [];
  };
  const find = (context: readonly Token[], count: number) =>
    lookUp([around.suffix, inFile(context)], inFile(context), count);
  // As the server does it: the first draft is used up as long as it stands.
  const neural: Drafts = async (context, count) => {
    const agreed = begunOf(context);
    const stands = agreed.length < first.length && agreed.every((token, at) => token === first[at]);
    return stands ? first.slice(agreed.length, agreed.length + count) : await write(context, count);
  };
  return {
    neural,
    lookup: (context, count) => fitting(context, find(context, count)?.tokens ?? []),
    'n-gram': (context, count) => {
      const text = inFile(context);
      const tokens = Array.from({ length: count }, () => {
        text.push(ngram.predict(text));
        return text.at(-1)!;
      });
      return fitting(context, tokens);
    },
    blend: async (context, count) => {
      const match = find(context, count);
      const copied = match && match.length >= TRUSTED ? await fitting(context, match.tokens) : [];
      return copied.length > 0 ? copied : neural(context, count);
    },
  } satisfies Record<Source, Drafts>;
}
