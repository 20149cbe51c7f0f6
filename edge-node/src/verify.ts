import type { Engine, Sampling, Token, VerdictPart } from '@foretype/models';

/** A part of a verdict, and the work behind it that was not foreseen. */
export interface TargetPart extends VerdictPart {
  /** Tokens of the context, but its last, that the target had not read yet. */
  readonly fresh: number;
}

export interface VerifyRequest {
  /** Absent for the backbone itself. */
  readonly adapter: string | undefined;
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** The most tokens to write on after the target's own. */
  readonly more: number;
  /** See `WriteRequest.leading`. */
  readonly leading: string;
  /** See `WriteRequest.begun`. */
  readonly begun: number;
  /** Stops after the token that ends a line. */
  readonly untilLine: boolean;
  /** Absent for the greedy choice. */
  readonly sampling?: Sampling | undefined;
}

/**
 * The target's answer to a draft: one evaluation judges it, then the target writes on from its own token.
 * Errors are the engine's; an aborted `signal` rejects with the signal's reason.
 */
export async function* verify(
  engine: Engine,
  { adapter, context, drafted, more, leading, begun, untilLine, sampling }: VerifyRequest,
  signal: AbortSignal,
): AsyncGenerator<TargetPart, void> {
  const until = untilLine ? ('line' as const) : undefined;
  const request = { adapter, context, drafted, limit: more + 1, leading, begun, until, sampling };
  let accepted = 0;
  let judged = false;
  let last: Token | undefined;
  let fresh = 0;
  for await (const { token, evaluated } of engine.write(request, signal)) {
    // The last token of the context and the draft are evaluated in any case.
    if (last === undefined && !judged) fresh = Math.max(0, evaluated - drafted.length - 1);
    if (judged) {
      yield { accepted: 0, tokens: [token], fresh: 0 };
    } else if (token === drafted[accepted]) {
      accepted++;
      last = token;
    } else {
      judged = true;
      yield { accepted, tokens: [token], fresh };
    }
  }
  // A completion that ends inside the draft has no token after it: its last one counts as the target's own.
  if (!judged && last !== undefined) yield { accepted: accepted - 1, tokens: [last], fresh };
}
