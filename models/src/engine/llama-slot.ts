/** One sequence of node-llama-cpp's, and what can be asked of it. */
import type {
  ControlledEvaluateInputItem,
  LlamaContext,
  LlamaContextSequence,
  Token as LlamaToken,
} from 'node-llama-cpp';
import { EngineError, type Token } from '../engine.ts';
import type { Slot } from './slots.ts';
import type { Turns } from './turns.ts';

/**
 * The most tokens evaluated at once, of all sequences together. On CPU a batch of 64 or more takes a tiled attention
 * kernel that rounds differently from the one-token kernel (logits off by up to 0.14), so that what the target writes
 * would depend on how its prompt was chunked. With Q8_0 weights every chunking into at most 63 tokens gives bit-equal
 * logits; f16 weights never do (off by 0.006), see `test/model/kernel.test.ts`.
 */
export const EXACT_BATCH = 32;
/** Tokens of a prompt that are read at once where somebody else is waited for, who then waits half as long: 5 % slower. */
const SHARED_BATCH = 16;

/** Greedy choice: the token with the largest logit. */
export const CHOOSE = { generateNext: { token: true, options: { temperature: 0 } } } as const;
/**
 * Greedy choice with the sum of exp(logit - largest), of which its probability is the reciprocal. The library's own
 * `confidence` is the same number, but has the whole vocabulary sorted for it: of a small draft, half of its time.
 */
export const WEIGH = {
  generateNext: {
    token: true,
    logits: { filter: { tokens: [] as LlamaToken[], includeSelected: true } },
    totalLogitWeight: true,
    options: { temperature: 0 },
  },
} as const;
/** All logits, for choices by chance. */
export const LOOK = { generateNext: { logits: true, options: { temperature: 0 } } } as const;
/** The logits of some tokens; the library looks each of the vocabulary up in them, so that they must be few. */
export function lookAt(tokens: readonly Token[]) {
  const logits = { filter: { tokens: tokens as LlamaToken[] } };
  return { generateNext: { logits, options: { temperature: 0 } } } as const;
}
/**
 * What the probability of one token is made of: its logit, the largest one (at temperature 0 the selected token's) and
 * the sum of exp(logit - largest). No sampler but the greedy one takes part, so that these are the model's raw logits.
 */
export function weigh(token: Token) {
  const logits = { filter: { tokens: [token as LlamaToken], includeSelected: true } };
  return { generateNext: { logits, totalLogitWeight: true, options: { temperature: 0 } } } as const;
}

export type Wish = typeof CHOOSE | typeof WEIGH | typeof LOOK | ReturnType<typeof lookAt | typeof weigh>;

export interface LlamaSlotOptions {
  readonly context: LlamaContext;
  readonly turns: Turns;
  /** Has the context evaluate with this adapter from now on; nothing is being evaluated when it is called. */
  readonly attach: (adapter: string) => Promise<void>;
}

/** One sequence of a context: the KV cache of one line of tokens, as one adapter read them. */
export class LlamaSlot implements Slot {
  readonly #sequence: LlamaContextSequence;
  readonly #turns: Turns;
  readonly #attach: LlamaSlotOptions['attach'];
  #adapter = '';
  /** What is in the cache is of another adapter. */
  #stale = false;

  constructor({ context, turns, attach }: LlamaSlotOptions) {
    this.#sequence = context.getSequence();
    this.#turns = turns;
    this.#attach = attach;
  }

  get adapter(): string {
    return this.#adapter;
  }

  /** Uses it with that adapter from now on. */
  enter(adapter: string): void {
    this.#stale ||= adapter !== this.#adapter;
    this.#adapter = adapter;
  }

  /**
   * The fewest tokens evaluated, and asked for, at once. The f32 weights of an adapter take another kernel for one token
   * than for more; its rounding, rarely, turns a choice (1 of 200 prompts, logits off by 0.13).
   */
  get #least(): 1 | 2 {
    return this.#adapter === '' ? 1 : 2;
  }

  get tokens(): readonly Token[] {
    return this.#sequence.contextTokens;
  }

  /**
   * What the model says after `context` and after each token of `drafted`: `drafted.length + 1` results, and how many
   * tokens were evaluated for them.
   * Aborting takes effect between batches: the native call itself cannot be interrupted.
   */
  async evaluate(
    context: readonly Token[],
    drafted: readonly Token[],
    wish: (at: number) => Wish,
    signal?: AbortSignal,
  ) {
    // From the last token of the context on there is something to ask.
    return this.#run([...context, ...drafted], context.length - 1, wish, signal);
  }

  /** Reads `context` up to its last token, which is left for whoever asks what comes after it. */
  async read(context: readonly Token[], signal?: AbortSignal): Promise<void> {
    await this.#run(context.slice(0, -1), context.length - 1, () => CHOOSE, signal);
  }

  /** Evaluates what of `tokens` is not in the cache, and asks for results from number `first` on. */
  async #run(
    tokens: readonly Token[],
    first: number,
    wish: (at: number) => Wish,
    signal: AbortSignal | undefined,
  ) {
    const all = tokens as LlamaToken[];
    const results = [];
    try {
      if (this.#stale) await this.#sequence.clearHistory();
      this.#stale = false;
      // `false`: aligning by shifting the cache would change what the model writes.
      await this.#sequence.adaptStateToTokens(all.slice(0, first), false);
      const cached = this.#sequence.nextTokenIndex;
      const since = this.#turns.now;
      for (let at = cached; at < all.length;) {
        signal?.throwIfAborted();
        const most = at + EXACT_BATCH <= first && this.#turns.isShared ? SHARED_BATCH : EXACT_BATCH;
        const batch = all.slice(at, at + most);
        const filler = this.#fillerFor(batch);
        const whole = [...batch, ...filler];
        const asking = Math.max(0, batch.length - Math.max(0, first - at));
        // What nobody asks for is left out of the last layer, where one that is asked for alone would be a single token.
        const company =
          asking > 0 && asking < this.#least ? (filler.length > 0 ? batch.length : batch.length - 2) : -1;
        const asked = whole.map((token, index): ControlledEvaluateInputItem => {
          const place = at + index - first;
          if (index === company) return [token, CHOOSE];
          return place < 0 || index >= batch.length ? token : [token, wish(place)];
        });
        const job = {
          lane: this.#adapter,
          tokens: whole.length,
          urgent: asking > 0,
          since,
          // Several calls in one batch are cut into parts of which one may be a single token.
          alone: this.#least > 1,
        };
        const evaluate = async () => {
          await this.#attach(job.lane);
          return this.#sequence.controlledEvaluate(asked);
        };
        const found = await this.#turns.take(job, evaluate, signal);
        const answers = found.slice(Math.max(0, first - at), batch.length);
        results.push(...answers.map((result) => result!.next));
        at += batch.length;
        // A filler left behind at the very end is taken for a rejected draft by the next call.
        if (filler.length > 0 && at < all.length)
          await this.#sequence.adaptStateToTokens(all.slice(0, at), false);
      }
      return { results, evaluated: all.length - cached };
    } catch (cause) {
      if (signal?.aborted && cause === signal.reason) throw cause;
      // Nothing was evaluated: the adapter is not there.
      if (cause instanceof EngineError) throw cause;
      await this.#forget();
      throw new EngineError('engine-failed', `The model could not be evaluated: ${String(cause)}`, { cause });
    }
  }

  /** Tokens to evaluate behind `batch` and forget, where it is too small by itself. */
  #fillerFor(batch: readonly LlamaToken[]): LlamaToken[] {
    return batch.length < this.#least ? batch.slice(0, 1) : [];
  }

  /** What a failed evaluation left in the cache is unknown, and a wrong cache would be a wrong answer later. */
  async #forget(): Promise<void> {
    try {
      // There is nothing to clear in an empty one, though the library may have left something there.
      if (this.#sequence.nextTokenIndex === 0) throw new Error('The first evaluation of a sequence failed.');
      await this.#sequence.clearHistory();
    } catch (error) {
      // Ends this process; its host starts another, with an empty cache.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
