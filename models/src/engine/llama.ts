/**
 * The engine on node-llama-cpp, which only this file and `llama-slot.ts` know. It runs inside the engine's own process
 * (see `child.ts`): a native crash in here ends that process and no other.
 */
import {
  getLlama,
  LlamaLogLevel,
  type Llama,
  type LlamaContext,
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
import type { GgufValue } from '../gguf.ts';
import { kvBytesPerToken } from '../kv.ts';
import { endsLine } from '../line.ts';
import { largest, probabilityOf, withLuck, type Sampling } from '../sampling.ts';
import { judge } from '../speculation.ts';
import { fingerprintOfTables } from '../tokenizer.ts';
import { checkWeights } from '../weights.ts';
import { bytesOf, fittingTokens, leftAfter, leftAlong, piecesOf, type Piece } from './leading.ts';
import { CHOOSE, EXACT_BATCH, LlamaSlot, LOOK, lookAt, WEIGH, weigh } from './llama-slot.ts';
import { reuseSamplers } from './samplers.ts';
import { Slots, type Lease } from './slots.ts';
import type { EngineSpec, NamedWeights } from './spec.ts';
import { Turns } from './turns.ts';

/**
 * Checks the files, loads the model and makes it ready; adapters are read when they are first asked for.
 * @param verified see {@link checkWeights}.
 * @param log receives the native library's warnings, a line each.
 * @throws EngineError `model-invalid` where a file or its tokenizer is not what the specification says.
 */
export async function loadLlama(
  asked: EngineSpec,
  verified: Set<string>,
  log: (line: string) => void,
): Promise<AdoptingEngine> {
  await Promise.all([asked.weights, ...asked.adapters].map((weights) => checkWeights(weights, verified)));
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: asked.threads,
    logLevel: LlamaLogLevel.warn,
    logger: (_level, message) => log(message.trimEnd()),
  });
  reuseSamplers(llama);
  // The checksum has proved the file, so a failure here is the machine's (memory, say) and may pass.
  const vocabOnly = asked.sequences === 0;
  const model = await llama.loadModel({ modelPath: asked.weights.path, vocabOnly });
  const tokenizer = fingerprintOfTables(Object.entries(model.fileInfo.metadata.tokenizer.ggml));
  if (tokenizer !== asked.tokenizer) {
    throw new EngineError(
      'model-invalid',
      `The tokenizer in ${asked.weights.path} has the fingerprint ${tokenizer.slice(0, 12)}…, the family expects ${asked.tokenizer.slice(0, 12)}…; install the model family again.`,
    );
  }
  if (vocabOnly) return new LlamaEngine(asked, llama, model, undefined);
  const spec = { ...asked, sequences: sequencesOf(asked, model) };
  const context = await model.createContext({
    // Room for a filler, and one more: the library shifts a sequence that fills its last place, and changes its text.
    contextSize: spec.context + 2,
    sequences: spec.sequences,
    batchSize: EXACT_BATCH,
    threads: spec.threads,
  });
  return new LlamaEngine(spec, llama, model, context);
}

/** How many KV slots fit the memory for them; two where the file does not say how large one is. */
function sequencesOf({ sequences, kvBytes, context }: EngineSpec, { fileInfo }: LlamaModel): number {
  if (kvBytes === undefined) return sequences;
  const { architecture } = fileInfo.metadata.general;
  const metadata = new Map<string, GgufValue>([['general.architecture', architecture]]);
  const collect = (prefix: string, values: object) => {
    for (const [key, value] of Object.entries(values) as [string, GgufValue | object][]) {
      if (typeof value === 'object' && !Array.isArray(value)) collect(`${prefix}.${key}`, value);
      else metadata.set(`${prefix}.${key}`, value);
    }
  };
  collect(architecture, fileInfo.metadata[architecture as keyof typeof fileInfo.metadata] ?? {});
  try {
    const fitting = Math.floor(kvBytes / (kvBytesPerToken({ metadata }) * (context + 2)));
    return Math.min(sequences, Math.max(2, fitting));
  } catch {
    return Math.min(sequences, 2);
  }
}

/** So many tokens are looked for one by one; where more fit, all logits are taken. */
const AMONG_MOST = 32;

/** Choices after a context, and after each drafted token. */
interface Wanted {
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** Bytes that the first choice must go on with. */
  readonly left: string;
  readonly sampling?: Sampling | undefined;
}

/** An engine that takes on adapters after it was loaded. */
export interface AdoptingEngine extends Engine {
  /** See `EngineHost.adopt`. */
  adopt(adapter: NamedWeights): Promise<void>;
}

class LlamaEngine implements AdoptingEngine {
  readonly #spec: EngineSpec;
  /** Paths by name. The library caches adapters by path and frees them with the model only. */
  readonly #adapters: Map<string, string>;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #vocabulary: number;
  readonly #end: ReadonlySet<Token>;
  #pieces: readonly Piece[] | undefined;
  /** KV computed under one adapter means nothing under another (llama.cpp #26207), so that each slot is one's. */
  readonly #slots: Slots<LlamaSlot> | undefined;

  /** @param context absent where the model has a vocabulary only. */
  constructor(spec: EngineSpec, llama: Llama, model: LlamaModel, context: LlamaContext | undefined) {
    this.#spec = spec;
    this.#adapters = new Map(spec.adapters.map(({ name, path }) => [name, path]));
    if (context) {
      const attach = attaching(context, this.#adapters);
      const options = { context, turns: new Turns(EXACT_BATCH, () => performance.now()), attach };
      this.#slots = new Slots(Array.from({ length: spec.sequences }, () => new LlamaSlot(options)));
    }
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

  async adopt(adapter: NamedWeights): Promise<void> {
    await checkWeights(adapter);
    this.#adapters.set(adapter.name, adapter.path);
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
    const lease = await this.#acquire(adapter, context, signal);
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
    const lease = await this.#acquire(adapter, context, signal);
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
    const lease = await this.#acquire(adapter, context, signal);
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
    const lease = await this.#acquire(adapter, context, signal);
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
    const fitting = this.#lefts(left, drafted).map((one) =>
      one === '' ? undefined : fittingTokens(one, this.#vocabularyPieces()),
    );
    const free = drafted.length === 0 ? WEIGH : CHOOSE;
    const wish = (at: number) => {
      const among = fitting[at];
      if (among) return among.length > 0 && among.length <= AMONG_MOST ? lookAt(among) : LOOK;
      return sampling ? LOOK : free;
    };
    const { results, evaluated } = await slot.evaluate(context, drafted, wish, signal);
    return results.map(({ token, logits, totalLogitWeight }, at) => {
      const among = fitting[at];
      const found = logits && among ? some(logits, among) : logits;
      const values = found && sampling ? withLuck(found, sampling, context.length + at) : found;
      // A free greedy choice is the engine's own.
      const chosen = values && (among ?? sampling) ? largest(values) : token;
      if (chosen !== undefined && chosen !== null) {
        const single = drafted.length === 0 && !among;
        const weight = totalLogitWeight === undefined ? null : 1 / totalLogitWeight;
        const probability = single && sampling && logits ? probabilityOf(logits, chosen) : weight;
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

  async #acquire(adapter = '', context: readonly Token[], signal?: AbortSignal): Promise<Lease<LlamaSlot>> {
    if (!this.#slots)
      throw new EngineError(
        'engine-failed',
        'Only the vocabulary of the model is loaded, which writes nothing.',
      );
    if (adapter !== '' && !this.#adapters.has(adapter))
      throw new EngineError('unknown-adapter', `There is no adapter named "${adapter}".`);
    const lease = await this.#slots.acquire({ adapter, context }, signal);
    lease.slot.enter(adapter);
    return lease;
  }
}

/** An adapter on a context, as the library's own `createContext` sets it; its types do not tell of it. */
interface Attachable {
  _setLoras(loras: readonly { readonly filePath: string }[]): Promise<void>;
}

/**
 * Changes the adapter that a context evaluates with. One context serves all of them, so that the memory for KV is the
 * same however many there are; the weights of an adapter are read when it is first attached, and stay.
 */
function attaching(
  context: LlamaContext,
  paths: ReadonlyMap<string, string>,
): (adapter: string) => Promise<void> {
  let attached = '';
  return async (adapter) => {
    if (adapter === attached) return;
    const path = paths.get(adapter);
    try {
      await (context as unknown as Attachable)._setLoras(path === undefined ? [] : [{ filePath: path }]);
    } catch (cause) {
      const message = `The adapter "${adapter}" cannot be loaded: ${String(cause)}`;
      throw new EngineError('unknown-adapter', message, { cause });
    }
    attached = adapter;
  };
}

function some(logits: ReadonlyMap<Token, number>, tokens: readonly Token[]): Map<Token, number> {
  return new Map(tokens.map((token) => [token, logits.get(token) ?? -Infinity]));
}
