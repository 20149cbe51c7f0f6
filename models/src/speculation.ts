import type { Token } from './engine.ts';

/**
 * Speculative decoding by matching: the target makes its own choice at every drafted position and the longest agreeing
 * prefix is accepted, plus one token of the target's own. Where choices depend on the context alone (greedy ones, or those
 * by a shared luck) the output is exactly what the target alone would write (Leviathan et al., arXiv 2211.17192, at
 * temperature 0), whatever is drafted and however much.
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

/**
 * A target's answer to one draft, in one part or several. The first part says how much of the draft stands and bears the
 * target's own token (at least); later ones bear what it wrote on, and accept nothing.
 */
export interface VerdictPart {
  readonly accepted: number;
  readonly tokens: readonly Token[];
}

/** How a round is to be made; nothing drafted is plain streaming. */
export interface Plan {
  /** The most tokens to draft (K). */
  readonly draft: number;
  /** The most tokens the target may write on after its own (m). */
  readonly more: number;
}

export interface Speculation {
  readonly prompt: readonly Token[];
  /** The most tokens to commit. */
  readonly limit: number;
  /** Tokens that end a completion; the first one committed is the last. */
  readonly end: ReadonlySet<Token>;
  /** The plan of the round after `context`, when `room` tokens may still be committed; undefined ends the text there. */
  readonly plan: (context: readonly Token[], room: number) => Plan | undefined | Promise<Plan | undefined>;
  /** Proposes at most `count` tokens after `context`; fewer, or none, is fine. */
  readonly draft: (context: readonly Token[], count: number) => Promise<readonly Token[]>;
  /** The target's verdict on `drafted` after `context`, with at most `more` tokens behind it. */
  readonly verify: (
    context: readonly Token[],
    drafted: readonly Token[],
    more: number,
  ) => AsyncIterable<VerdictPart>;
}

/** What one part of a verdict committed. */
export interface Commit {
  /** Whether a round begins with it. */
  readonly first: boolean;
  /** Tokens that were drafted for the round; 0 where it is not the first part. */
  readonly drafted: number;
  readonly accepted: number;
  /** Accepted tokens and the target's own, cut at the first end token and at the limit. */
  readonly committed: readonly Token[];
}

/**
 * Runs rounds until an end token or the limit; the caller may stop earlier by leaving the loop.
 * The tokens committed over all rounds are the target's own continuation of `prompt`.
 * @throws RangeError at a verdict without a token of the target's own: it would never end.
 */
export async function* speculate(speculation: Speculation): AsyncGenerator<Commit, void> {
  const { prompt, limit, end, plan, draft, verify } = speculation;
  let context = prompt;
  let room = limit;
  while (room > 0) {
    const planned = await plan(context, room);
    if (!planned) return;
    // One place of the room is the target's own token, so a longer draft could not be committed whole.
    const count = Math.min(planned.draft, room - 1);
    const drafted = count > 0 ? (await draft(context, count)).slice(0, count) : [];
    const more = Math.min(planned.more, room - drafted.length - 1);
    let first = true;
    for await (const part of verify(context, drafted, more)) {
      if (first && part.tokens.length === 0) break;
      const committed = upToEnd([...drafted.slice(0, part.accepted), ...part.tokens].slice(0, room), end);
      const accepted = Math.min(part.accepted, committed.length);
      yield { first, drafted: first ? drafted.length : 0, accepted, committed };
      first = false;
      if (committed.length > 0 && end.has(committed.at(-1)!)) return;
      context = [...context, ...committed];
      room -= committed.length;
      if (room <= 0) return;
    }
    if (first) throw new RangeError('A verdict must hold at least one token of the target.');
  }
}

/** The tokens up to and including the first that is in `end`. */
export function upToEnd(tokens: readonly Token[], end: ReadonlySet<Token>): readonly Token[] {
  const index = tokens.findIndex((token) => end.has(token));
  return index === -1 ? tokens : tokens.slice(0, index + 1);
}
