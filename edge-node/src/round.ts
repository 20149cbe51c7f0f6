import { EngineError, unless, type EngineErrorCode, type Token } from '@foretype/models';
import type { encodeNodeFrame, FailureCode, VerifyFrame } from './protocol/index.ts';
import { BusyError, type Place } from './scheduler.ts';
import type { Target } from './target.ts';
import { verify, type VerifyRequest } from './verify.ts';

export type NodeBody = Parameters<typeof encodeNodeFrame>[0];

/**
 * Milliseconds in which tokens that come one after the other travel in one frame, which costs more bytes than they, and a
 * wakeup at the other end. Nobody shows them before the line ends, and what ends it is sent at once.
 */
const TOGETHER_MS = 40;

/**
 * Milliseconds that a round waits for an adapter that is not in memory: less than an editor waits while somebody types, so
 * that it hears of it. The node goes on loading.
 */
const LOADING_MS = 300;

export interface RoundParts {
  readonly target: Target;
  /** See `SessionOptions.client`. */
  readonly client: string;
  readonly conversation: string;
  /** A clock in milliseconds, and its time when the round came. */
  readonly now: () => number;
  readonly started: number;
}

/** What a round came to. */
export interface Outcome {
  readonly accepted: number;
  /** Tokens of the target's own. */
  readonly own: number;
  /** Tokens of the context that had to be read. */
  readonly fresh: number;
}

/** The adapter is not in memory yet. */
class LoadingError extends Error {
  override readonly name = 'LoadingError';
}

/**
 * The frames that answer a round, once the adapter is in memory and it is the client's turn: a verdict as soon as the
 * draft is judged, then what the target writes on, the last of them closed. Of what it throws {@link failureOf} makes a
 * failure; an aborted `signal` rejects with its reason.
 */
export async function* answersTo(
  parts: RoundParts,
  frame: VerifyFrame,
  context: readonly Token[],
  signal: AbortSignal,
): AsyncGenerator<NodeBody, Outcome> {
  const { target, client, conversation } = parts;
  const { adapter } = frame;
  // Of a backbone that is not in memory, too: who waits for it must not keep a place from others.
  await soon(target.prepare(adapter), signal);
  const place = await target.scheduler.enter({ client, conversation, adapter, context }, signal);
  try {
    return yield* written(parts, frame, { context, place }, signal);
  } finally {
    place.leave();
  }
}

async function* written(
  { target: { engine, end }, now, started }: RoundParts,
  { id, adapter, drafted, more, leading, begun, untilLine, temperature, seed }: VerifyFrame,
  { context, place }: { readonly context: readonly Token[]; readonly place: Place },
  signal: AbortSignal,
): AsyncGenerator<NodeBody, Outcome> {
  const request: VerifyRequest = {
    adapter: adapter || undefined,
    context,
    drafted,
    more,
    leading: leading.length > 0 ? await engine.detokenize(leading, signal) : '',
    begun,
    untilLine,
    sampling: temperature > 0 ? { temperature, seed } : undefined,
  };
  const spentUs = () => Math.round((now() - started) * 1000);
  const outcome = { accepted: 0, own: 0, fresh: 0 };
  let open = true;
  let sentAt = 0;
  let held: Token[] = [];
  const together = (): NodeBody => {
    const start = outcome.own - held.length;
    const frame = { case: 'written' as const, value: { id, tokens: held, spentUs: spentUs(), open, start } };
    sentAt = now();
    held = [];
    return frame;
  };
  for await (const { accepted, tokens, fresh } of verify(engine, request, signal)) {
    signal.throwIfAborted();
    open = outcome.own < more && !end.has(tokens.at(-1)!);
    if (outcome.own === 0) {
      place.answered();
      Object.assign(outcome, { accepted, fresh });
      const value = { id, tokens: [...tokens], spentUs: spentUs(), open, accepted, fresh };
      yield { case: 'verdict', value };
      sentAt = now();
    } else held.push(...tokens);
    outcome.own += tokens.length;
    if (held.length > 0 && (!open || now() - sentAt >= TOGETHER_MS)) yield together();
  }
  signal.throwIfAborted();
  // The line ended before the tokens did.
  if (open) {
    open = false;
    yield together();
  }
  return outcome;
}

/** What a client is told of an error, or undefined where it is a fault of the node itself. */
export function failureOf(error: unknown): [code: FailureCode, message: string] | undefined {
  if (error instanceof LoadingError) return ['loading', error.message];
  if (error instanceof BusyError) return ['busy', error.message];
  return error instanceof EngineError ? [FAILURE[error.code], error.message] : undefined;
}

/** What an engine's failure means to a client. */
const FAILURE = {
  'context-full': 'context-full',
  'unknown-adapter': 'unknown-adapter',
  'unknown-token': 'invalid',
  'model-invalid': 'unavailable',
  'memory-full': 'unavailable',
  // The backbone can answer.
  'not-placed': 'loading',
  'engine-lost': 'unavailable',
  'engine-disposed': 'unavailable',
  'engine-failed': 'unavailable',
} as const satisfies Record<EngineErrorCode, FailureCode>;

/** Waits for an adapter, but not for ever. */
async function soon(loaded: Promise<void>, signal: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<never>();
  const message = 'The edge node is loading this adapter; the backbone can answer meanwhile.';
  const timer = setTimeout(() => late.reject(new LoadingError(message)), LOADING_MS);
  try {
    await unless(signal, Promise.race([loaded, late.promise]));
  } finally {
    clearTimeout(timer);
  }
}
