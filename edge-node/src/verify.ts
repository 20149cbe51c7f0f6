import { judge, type Engine, type Token, type Verdict } from '@foretype/models';

export interface VerifyRequest {
  /** Absent for the backbone itself. */
  readonly adapter: string | undefined;
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** The most tokens to write on after the target's own. */
  readonly more: number;
  readonly end: ReadonlySet<Token>;
}

/**
 * The target's verdict on a draft: one evaluation judges it, then the target writes on from its own token.
 * Errors are the engine's; an aborted `signal` rejects with the signal's reason.
 */
export async function verify(engine: Engine, request: VerifyRequest, signal: AbortSignal): Promise<Verdict> {
  const { adapter, context, drafted, more, end } = request;
  const choices = await engine.choose({ adapter, context, drafted }, signal);
  const { accepted, next } = judge(drafted, choices);
  const settled = [...drafted.slice(0, accepted), next];
  const tokens = [next];
  // What follows an end token is no part of the completion, whoever wrote it.
  if (more > 0 && !settled.some((token) => end.has(token))) {
    const written = engine.write({ adapter, context: [...context, ...settled], limit: more }, signal);
    for await (const token of written) tokens.push(token);
  }
  return { accepted, tokens };
}
