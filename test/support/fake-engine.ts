import {
  endsLine,
  EngineError,
  type ChooseRequest,
  type Engine,
  type ModelFacts,
  type ReadRequest,
  type ScoreRequest,
  type Token,
  type WriteRequest,
  type Written,
} from '@foretype/models';
import { setTimeout as sleep } from 'node:timers/promises';

/** The fake vocabulary: ids 0-255 are the bytes of UTF-8, then come the specials. */
export const FAKE = {
  end: 256,
  prefix: 257,
  suffix: 258,
  middle: 259,
  vocabulary: 300,
  context: 512,
  tokenizer: 'f'.repeat(64),
} as const;

export interface FakeCall {
  readonly kind: 'choose' | 'write' | 'read' | 'score';
  readonly adapter: string | undefined;
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** How the call ended; `running` until it has. */
  outcome: 'running' | 'done' | 'aborted' | 'failed';
}

export interface FakeOptions {
  /** Another seed is another model. */
  readonly seed?: number;
  /** Milliseconds that every evaluation takes; a function may hold a call back for as long as it likes. */
  readonly delay?: number | ((call: FakeCall) => Promise<unknown>);
  /** Throws what an evaluation of this call should fail with. */
  readonly fail?: (call: FakeCall) => void;
  /** Works on after an abort, as an engine may whose answer was already on its way. */
  readonly deaf?: boolean;
  /** Stands in for a model that loads, or cannot. */
  readonly facts?: () => Promise<ModelFacts>;
}

/**
 * The rule in place of a model: the next token depends on every token before it, on the adapter and on the seed, so
 * that any slip in a context shows in the text. It writes words, line ends, and at times an end token.
 */
export function fakeNext(context: readonly Token[], adapter = '', seed = 0): Token {
  let hash = 2166136261 ^ seed;
  for (const code of [...Buffer.from(adapter), 999, ...context]) hash = Math.imul(hash ^ code, 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519);
  const roll = ((hash >>> 8) ^ (hash >>> 20)) % 100;
  if (roll < 3) return FAKE.end;
  if (roll < 9) return '\n'.charCodeAt(0);
  return roll < 20 ? ' '.charCodeAt(0) : 'a'.charCodeAt(0) + (roll % 8);
}

/** What the fake writes on its own after `context`; an end token is given out and is the last one. */
export function fakeWrite(
  context: readonly Token[],
  limit: number,
  adapter?: string,
  seed?: number,
): Token[] {
  const written: Token[] = [];
  while (written.length < limit && written.at(-1) !== FAKE.end) {
    written.push(fakeNext([...context, ...written], adapter, seed));
  }
  return written;
}

/** An {@link Engine} that follows {@link fakeNext}, at once or as slowly and badly as a test wants. */
export class FakeEngine implements Engine {
  readonly calls: FakeCall[] = [];
  disposed = false;
  readonly #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  async facts(): Promise<ModelFacts> {
    const { vocabulary, context, tokenizer } = FAKE;
    return this.#options.facts ? this.#options.facts() : { vocabulary, context, tokenizer };
  }

  tokenize(text: string): Promise<Token[]> {
    return Promise.resolve([...Buffer.from(text)]);
  }

  detokenize(tokens: readonly Token[]): Promise<string> {
    return Promise.resolve(Buffer.from(tokens.filter((token) => token < 256)).toString());
  }

  async choose(
    { adapter, context, drafted, leading = '' }: ChooseRequest,
    signal?: AbortSignal,
  ): Promise<Token[]> {
    const call = this.#begin({ kind: 'choose', adapter, context, drafted });
    await this.#evaluate(call, signal);
    call.outcome = 'done';
    const seen = (count: number) => [...context, ...drafted.slice(0, count)];
    const bytes = Buffer.from(leading);
    return [...drafted.keys(), drafted.length].map((count) => {
      const led = drafted.slice(0, count).every((token, at) => at >= bytes.length || token === bytes[at]);
      return (led ? bytes[count] : undefined) ?? fakeNext(seen(count), adapter, this.#options.seed);
    });
  }

  async *write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    const { adapter, context, drafted = [], limit, begun = 0, until, leading = '', sampling } = request;
    const call = this.#begin({ kind: 'write', adapter, context, drafted });
    const written: Token[] = [];
    let own = 0;
    try {
      await this.#evaluate(call, signal);
      while (own < limit) {
        if (own > 0) await this.#evaluate(call, signal);
        const read = [...context, ...written];
        // Another seed of chance is as good as another model.
        const free = fakeNext(read, adapter, (this.#options.seed ?? 0) + 1000 * (sampling?.seed ?? 0));
        const next = Buffer.from(leading)[begun + written.length] ?? free;
        const guessed = own === 0 && next === drafted[written.length];
        if (!guessed) own++;
        written.push(next);
        const fresh = written.length === 1 ? context.length + drafted.length : 0;
        const evaluated = fresh || (guessed || own < 2 ? 0 : 1);
        yield { token: next, probability: drafted.length > 0 && own < 2 ? null : 0.5, evaluated };
        const whole = [...context.slice(context.length - begun), ...written];
        const text = (await this.detokenize(whole)).slice(leading.length);
        if (next === FAKE.end || (until === 'line' && endsLine(text))) break;
      }
      call.outcome = 'done';
    } finally {
      // Still running here means that the reader left its loop.
      if (call.outcome === 'running') call.outcome = 'aborted';
    }
  }

  async read({ adapter, context }: ReadRequest, signal?: AbortSignal): Promise<void> {
    const call = this.#begin({ kind: 'read', adapter, context, drafted: [] });
    await this.#evaluate(call, signal);
    call.outcome = 'done';
  }

  /** The rule's own choice has one chance in two, all others share the rest. */
  async score({ adapter, context, tokens }: ScoreRequest, signal?: AbortSignal): Promise<number[]> {
    const call = this.#begin({ kind: 'score', adapter, context, drafted: tokens });
    await this.#evaluate(call, signal);
    call.outcome = 'done';
    return tokens.map((token, at) => {
      const own = fakeNext([...context, ...tokens.slice(0, at)], adapter, this.#options.seed);
      return Math.log(token === own ? 0.5 : 0.5 / (FAKE.vocabulary - 1));
    });
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }

  #begin(call: Omit<FakeCall, 'outcome'>): FakeCall {
    const begun: FakeCall = { ...call, outcome: 'running' };
    this.calls.push(begun);
    return begun;
  }

  async #evaluate(call: FakeCall, signal?: AbortSignal): Promise<void> {
    const { delay = 0, deaf = false, fail } = this.#options;
    try {
      signal?.throwIfAborted();
      if (this.disposed) throw new EngineError('engine-disposed', 'The engine was shut down.');
      fail?.(call);
      if (delay === 0) return;
      const work = typeof delay === 'number' ? sleep(delay) : delay(call);
      await (deaf ? work : abortable(work, signal));
    } catch (error) {
      call.outcome = signal?.aborted ? 'aborted' : 'failed';
      throw error;
    }
  }
}

async function abortable(work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  if (!signal) {
    await work;
    return;
  }
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
