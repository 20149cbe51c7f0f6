/**
 * The one file that knows node-llama-cpp. It runs inside the engine's own process (see `child.ts`): a native crash in
 * here ends that process and no other.
 */
import { createHash } from 'node:crypto';
import {
  getLlama,
  LlamaLogLevel,
  type ControlledEvaluateInputItem,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaModel,
  type Token as LlamaToken,
} from 'node-llama-cpp';
import {
  EngineError,
  type ChooseRequest,
  type Engine,
  type ModelFacts,
  type ReadRequest,
  type ScoreRequest,
  type Token,
  type WriteRequest,
  type Written,
} from '../engine.ts';
import { checkWeights } from '../family.ts';
import { endsLine } from '../line.ts';
import { largest, probabilityOf, withLuck, type Sampling } from '../sampling.ts';
import { judge } from '../speculation.ts';
import { bestFitting, bytesOf, leftAfter, leftAlong, piecesOf, type Piece } from './leading.ts';
import { Slots, type Slot } from './slots.ts';
import type { EngineSpec } from './spec.ts';

/**
 * The most tokens evaluated at once, of all sequences together. On CPU a batch of 64 or more takes a tiled attention
 * kernel that rounds differently from the one-token kernel (logits off by up to 0.14), so that what the target writes
 * would depend on how its prompt was chunked. With Q8_0 weights every chunking into at most 63 tokens gives bit-equal
 * logits; f16 weights never do (off by 0.006), see `test/model/kernel.test.ts`.
 */
export const EXACT_BATCH = 32;

/** Greedy choice: the token with the largest logit. */
const CHOOSE = { generateNext: { token: true, options: { temperature: 0 } } } as const;
/** Greedy choice with its probability. */
const WEIGH = { generateNext: { token: true, confidence: true, options: { temperature: 0 } } } as const;
/** All logits, for choices among some, or by chance. */
const LOOK = { generateNext: { logits: true, options: { temperature: 0 } } } as const;
/**
 * What the probability of one token is made of: its logit, the largest one (at temperature 0 the selected token's) and
 * the sum of exp(logit - largest). No sampler but the greedy one takes part, so that these are the model's raw logits.
 */
function weigh(token: Token) {
  const logits = { filter: { tokens: [token as LlamaToken], includeSelected: true } };
  return { generateNext: { logits, totalLogitWeight: true, options: { temperature: 0 } } } as const;
}

type Wish = typeof CHOOSE | typeof WEIGH | typeof LOOK | ReturnType<typeof weigh>;

/**
 * Checks the files, loads the model and makes it ready; adapters are read when they are first asked for.
 * @param log receives the native library's warnings, a line each.
 * @throws EngineError `model-invalid` where a file or its tokenizer is not what the specification says.
 */
export async function loadLlama(spec: EngineSpec, log: (line: string) => void): Promise<Engine> {
  await Promise.all([spec.weights, ...spec.adapters].map(checkWeights));
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: spec.threads,
    logLevel: LlamaLogLevel.warn,
    logger: (_level, message) => log(message.trimEnd()),
  });
  // The checksum has proved the file, so a failure here is the machine's (memory, say) and may pass.
  const model = await llama.loadModel({ modelPath: spec.weights.path });
  const tokenizer = tokenizerFingerprint(model);
  if (tokenizer !== spec.tokenizer) {
    throw new EngineError(
      'model-invalid',
      `The tokenizer in ${spec.weights.path} has the fingerprint ${tokenizer.slice(0, 12)}…, the family expects ${spec.tokenizer.slice(0, 12)}…; install the model family again.`,
    );
  }
  return new LlamaEngine(spec, llama, model);
}

/** Choices after a context, and after each drafted token. */
interface Wanted {
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** Bytes that the first choice must go on with. */
  readonly left: string;
  readonly sampling?: Sampling | undefined;
}

class LlamaEngine implements Engine {
  readonly #spec: EngineSpec;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #vocabulary: number;
  readonly #end: ReadonlySet<Token>;
  #pieces: readonly Piece[] | undefined;
  /**
   * One context, and with it one set of KV slots, for each adapter: KV computed under one adapter means nothing under
   * another (llama.cpp #26207). The key is the adapter's name, or empty for the backbone.
   */
  readonly #lanes = new Map<string, Promise<Slots<LlamaSlot>>>();

  constructor(spec: EngineSpec, llama: Llama, model: LlamaModel) {
    this.#spec = spec;
    this.#llama = llama;
    this.#model = model;
    this.#vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
    this.#end = new Set(spec.end);
  }

  facts(): Promise<ModelFacts> {
    return Promise.resolve({
      vocabulary: this.#vocabulary,
      context: this.#spec.context,
      tokenizer: this.#spec.tokenizer,
    });
  }

  tokenize(text: string): Promise<Token[]> {
    return Promise.resolve(this.#model.tokenize(text, false));
  }

  async detokenize(tokens: readonly Token[]): Promise<string> {
    this.#mustKnow(tokens);
    return Promise.resolve(this.#model.detokenize(tokens as LlamaToken[], false));
  }

  async choose(
    { adapter, context, drafted, leading = '' }: ChooseRequest,
    signal?: AbortSignal,
  ): Promise<Token[]> {
    this.#mustFit(context.length + drafted.length);
    this.#mustKnow(context);
    this.#mustKnow(drafted);
    const lease = await (await this.#lane(adapter)).acquire(context, signal);
    try {
      const wanted = { context, drafted, left: bytesOf(leading) };
      const chosen = await this.#choose(lease.slot, wanted, signal);
      return chosen.map(({ token }) => token);
    } finally {
      lease.release();
    }
  }

  async *write(
    { adapter, context, drafted = [], limit, begun = 0, until, leading = '', sampling }: WriteRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<Written, void> {
    this.#mustFit(context.length + drafted.length + limit - 1);
    this.#mustKnow(context);
    this.#mustKnow(drafted);
    const lease = await (await this.#lane(adapter)).acquire(context, signal);
    try {
      // What follows is about the whole continuation, of which the context may hold the beginning.
      const output = begun > 0 ? context.slice(-begun) : [];
      let left = this.#lefts(bytesOf(leading), output).at(-1)!;
      const ends = async ({ token }: Written) => {
        output.push(token);
        if (left !== '') left = leftAfter(left, this.#vocabularyPieces()[token]) ?? '';
        if (this.#end.has(token)) return true;
        if (until !== 'line' || left !== '') return false;
        return endsLine((await this.detokenize(output)).slice(leading.length));
      };
      const first = { context, drafted, left, sampling };
      const guessed = await this.#choose(lease.slot, first, signal);
      const choices = guessed.map(({ token }) => token);
      for (const written of guessed.slice(0, judge(drafted, choices).accepted + 1)) {
        yield written;
        if (await ends(written)) return;
      }
      for (let own = 1; own < limit; own++) {
        const before = [...context, ...output.slice(begun)];
        const next = { context: before, drafted: [], left, sampling };
        const [written] = await this.#choose(lease.slot, next, signal);
        yield written!;
        if (await ends(written!)) return;
      }
    } finally {
      lease.release();
    }
  }

  async read({ adapter, context }: ReadRequest, signal?: AbortSignal): Promise<void> {
    this.#mustFit(context.length);
    this.#mustKnow(context);
    const lease = await (await this.#lane(adapter)).acquire(context, signal);
    try {
      await lease.slot.read(context, signal);
    } finally {
      lease.release();
    }
  }

  async score({ adapter, context, tokens }: ScoreRequest, signal?: AbortSignal): Promise<number[]> {
    this.#mustFit(context.length + tokens.length - 1);
    this.#mustKnow(context);
    this.#mustKnow(tokens);
    if (tokens.length === 0) return [];
    const lease = await (await this.#lane(adapter)).acquire(context, signal);
    try {
      const wish = (at: number) => weigh(tokens[at]!);
      const { results } = await lease.slot.evaluate(context, tokens.slice(0, -1), wish, signal);
      return results.map(({ logits, totalLogitWeight }, at) => {
        const largest = Math.max(...logits!.values());
        return logits!.get(tokens[at] as LlamaToken)! - largest - Math.log(totalLogitWeight!);
      });
    } finally {
      lease.release();
    }
  }

  async dispose(): Promise<void> {
    await this.#llama.dispose();
  }

  /** The choices after `context` and after each drafted token; a single one comes with its probability. */
  async #choose(
    slot: LlamaSlot,
    { context, drafted, left, sampling }: Wanted,
    signal?: AbortSignal,
  ): Promise<Written[]> {
    const lefts = this.#lefts(left, drafted);
    const free = drafted.length === 0 ? WEIGH : CHOOSE;
    const wish = (at: number) => (lefts[at] === '' && !sampling ? free : LOOK);
    const { results, evaluated } = await slot.evaluate(context, drafted, wish, signal);
    return results.map(({ token, confidence, logits }, at) => {
      const values = logits && sampling ? withLuck(logits, sampling, context.length + at) : logits;
      const fitting = (found: ReadonlyMap<Token, number>) =>
        lefts[at] === '' ? largest(found) : bestFitting(lefts[at]!, this.#vocabularyPieces(), found);
      const chosen = values ? fitting(values) : token;
      if (chosen !== undefined && chosen !== null) {
        const single = drafted.length === 0 && lefts[at] === '';
        const probability = single && logits ? probabilityOf(logits, chosen) : (confidence ?? null);
        return { token: chosen, probability, evaluated: at === 0 ? evaluated : 0 };
      }
      throw new EngineError(
        'engine-failed',
        'The vocabulary has no token that the leading text may go on with.',
      );
    });
  }

  /** What the text must go on with at each place, empty where the choice is free. */
  #lefts(left: string, drafted: readonly Token[]): string[] {
    if (left === '') return ['', ...drafted.map(() => '')];
    return leftAlong(
      left,
      drafted.map((token) => this.#vocabularyPieces()[token]),
    );
  }

  /** Made when a leading text is first asked for: a model without one never needs it. */
  #vocabularyPieces(): readonly Piece[] {
    const textOf = (id: Token) => this.#model.detokenize([id as LlamaToken], false);
    return (this.#pieces ??= piecesOf(this.#model.fileInfo.metadata.tokenizer.ggml, textOf));
  }

  #mustFit(tokens: number): void {
    if (tokens > this.#spec.context) {
      throw new EngineError(
        'context-full',
        `${tokens} tokens do not fit the model's context of ${this.#spec.context}.`,
      );
    }
  }

  // The native library reads past its tables when it is given an id that is not in them.
  #mustKnow(tokens: readonly Token[]): void {
    const stranger = tokens.find(
      (token) => !Number.isInteger(token) || token < 0 || token >= this.#vocabulary,
    );
    if (stranger !== undefined) {
      throw new EngineError(
        'unknown-token',
        `${stranger} is not a token of this model (0 to ${this.#vocabulary - 1}).`,
      );
    }
  }

  #lane(adapter = ''): Promise<Slots<LlamaSlot>> {
    const found = this.#lanes.get(adapter);
    if (found) return found;
    const made = this.#makeLane(adapter);
    this.#lanes.set(adapter, made);
    // A lane that could not be made must not stay, or every later request would repeat the first failure.
    made.catch(() => this.#lanes.delete(adapter));
    return made;
  }

  async #makeLane(name: string): Promise<Slots<LlamaSlot>> {
    const adapter = this.#spec.adapters.find((known) => known.name === name);
    if (name !== '' && !adapter) {
      throw new EngineError('unknown-adapter', `There is no adapter named "${name}".`);
    }
    const context = await this.#model.createContext({
      // Room for a filler, and one more: the library shifts a sequence that fills its last place, and changes its text.
      contextSize: this.#spec.context + 2,
      sequences: this.#spec.sequences,
      batchSize: EXACT_BATCH,
      threads: this.#spec.threads,
      ...(adapter && { lora: { adapters: [{ filePath: adapter.path }] } }),
    });
    return new Slots(
      Array.from({ length: this.#spec.sequences }, () => new LlamaSlot(context, adapter ? 2 : 1)),
    );
  }
}

/** One sequence of a context: the KV cache of one line of tokens. */
class LlamaSlot implements Slot {
  readonly #sequence: LlamaContextSequence;
  readonly #least: number;

  /**
   * @param least the fewest tokens evaluated at once, 1 or 2. The f32 weights of an adapter take another kernel for one
   *   token than for more; its rounding, rarely, turns a choice (1 of 200 prompts, logits off by 0.13).
   */
  constructor(context: LlamaContext, least: number) {
    this.#sequence = context.getSequence();
    this.#least = least;
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
      // `false`: aligning by shifting the cache would change what the model writes.
      await this.#sequence.adaptStateToTokens(all.slice(0, first), false);
      const cached = this.#sequence.nextTokenIndex;
      for (let at = cached; at < all.length;) {
        signal?.throwIfAborted();
        const batch = all.slice(at, at + EXACT_BATCH);
        const filler = this.#fillerFor(batch);
        const asked = batch.map((token, index): ControlledEvaluateInputItem => {
          const place = at + index - first;
          return place < 0 ? token : [token, wish(place)];
        });
        const found = await this.#sequence.controlledEvaluate([...asked, ...filler]);
        const asking = found.slice(Math.max(0, first - at), batch.length);
        results.push(...asking.map((result) => result!.next));
        at += batch.length;
        // A filler left behind at the very end is taken for a rejected draft by the next call.
        if (filler.length > 0 && at < all.length)
          await this.#sequence.adaptStateToTokens(all.slice(0, at), false);
      }
      return { results, evaluated: all.length - cached };
    } catch (cause) {
      if (signal?.aborted && cause === signal.reason) throw cause;
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
      await this.#sequence.clearHistory();
    } catch (error) {
      // Ends this process; its host starts another, with an empty cache.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** SHA-256 over the tokenizer's tables as they stand in the GGUF file, keys sorted. */
function tokenizerFingerprint(model: LlamaModel): string {
  const tables = Object.entries(model.fileInfo.metadata.tokenizer.ggml).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(tables)).digest('hex');
}
