import type { Token } from './engine.ts';

/**
 * Speculative decoding by matching: the target makes its own choice at every drafted position and the longest agreeing
 * prefix is accepted, plus one token of the target's own. With greedy choices the output is exactly what the target
 * alone would write (Leviathan et al., arXiv 2211.17192, at temperature 0), whatever is drafted and however much.
 *
 * The words are vLLM's: *accepted* tokens are the draft's, the *recovered* token replaces the first rejected one, the
 * *bonus* token follows a draft that was accepted whole; output = accepted + (recovered or bonus).
 */
export interface Judgement {
  /** How many drafted tokens stand, 0 ≤ accepted ≤ drafted.length. */
  readonly accepted: number;
  /** The target's own token after them: recovered, or bonus where the whole draft stands. */
  readonly next: Token;
}

/**
 * @param drafted K proposed tokens.
 * @param choices the target's K + 1 choices, see `Engine.choose`.
 * @throws RangeError unless there is exactly one choice more than there are drafted tokens.
 */
export function judge(drafted: readonly Token[], choices: readonly Token[]): Judgement {
  if (choices.length !== drafted.length + 1) {
    throw new RangeError(
      `Expected ${drafted.length + 1} choices for ${drafted.length} drafted tokens, got ${choices.length}.`,
    );
  }
  let accepted = 0;
  while (accepted < drafted.length && drafted[accepted] === choices[accepted]) accepted++;
  return { accepted, next: choices[accepted]! };
}

/** A target's answer to one draft: how much of it stands, then the target's own tokens (at least one). */
export interface Verdict {
  readonly accepted: number;
  readonly tokens: readonly Token[];
}

export interface Speculation {
  readonly prompt: readonly Token[];
  /** The most tokens to commit. */
  readonly limit: number;
  /** The most tokens to draft a round (K); 0 leaves all the writing to the target. */
  readonly draftLength: number;
  /** Tokens that end a completion; the first one committed is the last. */
  readonly end: ReadonlySet<Token>;
  /** Proposes at most `count` tokens after `context`; fewer, or none, is fine. */
  readonly draft: (context: readonly Token[], count: number) => Promise<readonly Token[]>;
  /** The target's verdict on `drafted` after `context`. */
  readonly verify: (context: readonly Token[], drafted: readonly Token[]) => Promise<Verdict>;
}

/** One round: a draft sent, a verdict back, and what it committed. */
export interface Round {
  readonly drafted: number;
  readonly accepted: number;
  /** Accepted tokens and the target's own, cut at the first end token and at the limit. */
  readonly committed: readonly Token[];
}

/**
 * Runs rounds until an end token or the limit; the caller may stop earlier by leaving the loop.
 * The tokens committed over all rounds are the target's own greedy continuation of `prompt`.
 * @throws RangeError at a verdict without a token of the target's own: it would never end.
 */
export async function* speculate(speculation: Speculation): AsyncGenerator<Round, void> {
  const { prompt, limit, draftLength, end, draft, verify } = speculation;
  let context = prompt;
  let room = limit;
  while (room > 0) {
    // One place of the room is the target's own token, so a longer draft could not be committed whole.
    const count = Math.min(draftLength, room - 1);
    const drafted = count > 0 ? (await draft(context, count)).slice(0, count) : [];
    const verdict = await verify(context, drafted);
    if (verdict.tokens.length === 0)
      throw new RangeError('A verdict must hold at least one token of the target.');
    const committed = upToEnd([...drafted.slice(0, verdict.accepted), ...verdict.tokens].slice(0, room), end);
    yield { drafted: drafted.length, accepted: Math.min(verdict.accepted, committed.length), committed };
    if (end.has(committed.at(-1)!)) return;
    context = [...context, ...committed];
    room -= committed.length;
  }
}

/** The tokens up to and including the first that is in `end`. */
export function upToEnd(tokens: readonly Token[], end: ReadonlySet<Token>): readonly Token[] {
  const index = tokens.findIndex((token) => end.has(token));
  return index === -1 ? tokens : tokens.slice(0, index + 1);
}
