/** Pure: drafting without a model, by what followed the same tokens the last time (prompt lookup). */
import type { Token } from './engine.ts';

/** The longest match that is looked for, in tokens. */
export const LONGEST_MATCH = 8;
const SHORTEST = 2;

export interface Match {
  /** Tokens that agree, {@link SHORTEST} to {@link LONGEST_MATCH}. */
  readonly length: number;
  /** What followed them: at most as many tokens as were asked for. */
  readonly tokens: readonly Token[];
}

/**
 * Looks for the last tokens of `context` earlier in `texts`: the longest match, and among equals the latest.
 * @param texts what may be copied from, the nearest last; the last one ends with `context`'s own end.
 */
export function lookUp(
  texts: readonly (readonly Token[])[],
  context: readonly Token[],
  count: number,
): Match | undefined {
  let best: { readonly length: number; readonly text: readonly Token[]; readonly end: number } | undefined;
  for (const text of texts.toReversed()) {
    // A match must be followed by something, so the end of the context does not match itself.
    for (let end = text.length - 1; end >= SHORTEST; end--) {
      const length = agreeing(text, end, context);
      if (length > (best?.length ?? SHORTEST - 1)) best = { length, text, end };
      if (length === LONGEST_MATCH) break;
    }
    if (best?.length === LONGEST_MATCH) break;
  }
  return best && { length: best.length, tokens: best.text.slice(best.end, best.end + count) };
}

/** How many tokens before `end` agree with the last ones of `context`; no more than matter. */
function agreeing(text: readonly Token[], end: number, context: readonly Token[]): number {
  const most = Math.min(LONGEST_MATCH, end, context.length);
  let length = 0;
  while (length < most && text[end - 1 - length] === context[context.length - 1 - length]) length++;
  return length;
}
