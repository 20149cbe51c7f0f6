import {
  CancellationTokenSource,
  type MessageConnection,
  type RequestParam,
  type RequestType,
} from 'vscode-jsonrpc/node';
import { unless } from '../abort.ts';
import {
  EngineError,
  type ChooseRequest,
  type Engine,
  type EngineErrorCode,
  type ModelFacts,
  type ReadRequest,
  type ScoreRequest,
  type Token,
  type WriteRequest,
  type Written,
} from '../engine.ts';
import { ownProcess, type Link } from './link.ts';
import {
  Adopt,
  Choose,
  Detokenize,
  fromResponseError,
  Load,
  type Loaded,
  Read,
  Score,
  Tokenize,
  Write,
  Wrote,
} from './rpc.ts';
import type { EngineSpec, NamedWeights } from './spec.ts';

export interface EngineState {
  /** `failed` is final: the files are not what they should be. */
  readonly status: 'loading' | 'ready' | 'restarting' | 'failed';
  /** One sentence, where something went wrong. */
  readonly reason: string | null;
}

/** An engine in a process of its own. */
export interface EngineHost extends Engine {
  readonly state: EngineState;
  /** The process now running, if one is. */
  readonly pid: number | undefined;
  /**
   * Has requests ask for one more adapter, also after a restart. It takes memory when it is first asked for, and gives it
   * back only when the engine ends.
   * @throws EngineError `model-invalid` where the file is not what it should be: the engine goes on without it.
   */
  adopt(adapter: NamedWeights): Promise<void>;
}

/**
 * Starts an engine process and keeps one running: when it ends (a native crash, out of memory, a kill) the requests in
 * it reject with `engine-lost`, and it is started again, at once the first time, then with growing pauses. Requests wait
 * while a model loads; during a pause they reject at once, so that a caller can do without.
 */
export function startEngine(
  spec: EngineSpec,
  onState: (state: EngineState) => void = () => undefined,
): EngineHost {
  return startLinked(spec, ownProcess, onState);
}

/** {@link startEngine} for processes that are come by in another way; `open` is called for the first one and for each after it. */
export function startLinked(
  spec: EngineSpec,
  open: () => Link | Promise<Link>,
  onState: (state: EngineState) => void,
): EngineHost {
  const host = new ProcessHost(spec, open, onState);
  host.start();
  return host;
}

/** Milliseconds to wait before start number `attempt` (0 is the first after a loss). */
export function restartPause(attempt: number): number {
  return attempt === 0 ? 0 : Math.min(30_000, 250 * 2 ** attempt);
}

/** An engine that ran this long, in milliseconds, counts as healthy again. */
const HEALTHY_AFTER = 60_000;

/**
 * Weights whose checksum was found right by engines of this process, see `checkWeights`: an engine that was put to sleep
 * comes back without reading a large file twice.
 */
const verified = new Set<string>();

/** One process with a loaded model in it. */
interface Run {
  readonly connection: MessageConnection;
  readonly facts: ModelFacts;
}

class ProcessHost implements EngineHost {
  readonly #spec: EngineSpec;
  readonly #open: () => Link | Promise<Link>;
  readonly #onState: (state: EngineState) => void;
  #state: EngineState = { status: 'loading', reason: null };
  #link: Link | undefined;
  #pid: number | undefined;
  #run: Promise<Run> = Promise.reject(new EngineError('engine-lost', 'The engine was not started.'));
  #losses = 0;
  #streams = 0;
  #pause: NodeJS.Timeout | undefined;
  #disposed = false;
  readonly #adopted: NamedWeights[] = [];

  constructor(spec: EngineSpec, open: () => Link | Promise<Link>, onState: (state: EngineState) => void) {
    this.#spec = spec;
    this.#open = open;
    this.#onState = onState;
    this.#run.catch(() => undefined);
  }

  get state(): EngineState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#link?.pid ?? this.#pid;
  }

  start(): void {
    this.#run = this.#launch();
    // Whoever calls gets the failure; with nobody calling it must not count as unhandled.
    this.#run.catch(() => undefined);
  }

  async adopt(adapter: NamedWeights): Promise<void> {
    await this.#request(Adopt, adapter);
    this.#adopted.push(adapter);
  }

  async facts(): Promise<ModelFacts> {
    return (await this.#run).facts;
  }

  tokenize(text: string, signal?: AbortSignal): Promise<Token[]> {
    return this.#request(Tokenize, text, signal);
  }

  detokenize(tokens: readonly Token[], signal?: AbortSignal): Promise<string> {
    return this.#request(Detokenize, tokens, signal);
  }

  choose(request: ChooseRequest, signal?: AbortSignal): Promise<Token[]> {
    return this.#request(Choose, request, signal);
  }

  score(request: ScoreRequest, signal?: AbortSignal): Promise<number[]> {
    return this.#request(Score, request, signal);
  }

  async read(request: ReadRequest, signal?: AbortSignal): Promise<void> {
    await this.#request(Read, request, signal);
  }

  write(request: WriteRequest, signal?: AbortSignal): AsyncIterable<Written> {
    const left = new AbortController();
    const stop = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
    const stream = this.#streams++;
    return new ReadableStream<Written>({
      start: async (controller) => {
        const { connection } = await unless(stop, this.#run);
        const listener = connection.onProgress(Wrote, stream, (written) => {
          if (!stop.aborted) controller.enqueue(written);
        });
        try {
          await this.#request(Write, { ...request, stream }, stop);
          controller.close();
        } catch (error) {
          if (!left.signal.aborted) throw error;
        } finally {
          listener.dispose();
        }
      },
      // The reader left its loop: what it did not want must not be written.
      cancel: () => left.abort(),
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#pause);
    this.#refuse(new EngineError('engine-disposed', 'The engine was shut down.'));
    await this.#link?.close();
  }

  async #launch(): Promise<Run> {
    const link = await this.#opened();
    const { connection } = link;
    const started = performance.now();
    let isOver = false;
    const over = (how: string) => {
      if (isOver) return;
      isOver = true;
      if (performance.now() - started > HEALTHY_AFTER) this.#losses = 0;
      this.#ended(connection, how);
    };
    void link.ended.then(over);
    connection.listen();
    try {
      const spec = { ...this.#spec, ...link.resources };
      const loaded = await connection.sendRequest(Load, { spec, verified: [...verified] });
      this.#mustBeAsked(loaded, link);
      this.#pid = loaded.pid;
      // What a process says that others may have started counts for it alone.
      if (link.pid !== undefined) loaded.verified.forEach((stamp) => verified.add(stamp));
      // One whose file has gone since is refused to those who ask for it; the others are not its prisoners.
      await Promise.all(
        this.#adopted.map((adapter) => connection.sendRequest(Adopt, adapter).catch(() => undefined)),
      );
      this.#enter({ status: 'ready', reason: null });
      return { connection, facts: loaded.facts };
    } catch (error) {
      const failure = fromResponseError(error);
      // Files do not mend themselves, so only a lost process is worth another start.
      if (failure.code === 'model-invalid') this.#enter({ status: 'failed', reason: failure.message });
      else if (failure.code !== 'engine-lost') over(`could not load the model (${failure.message})`);
      link.drop();
      throw failure;
    }
  }

  /** What was come by is looked at before it is believed. */
  #mustBeAsked({ facts, weights }: Loaded, link: Link): void {
    const { weights: asked, tokenizer, context } = this.#spec;
    if (weights === asked.sha256 && facts.tokenizer === tokenizer && facts.context === context) return;
    link.distrust?.();
    throw new EngineError('engine-failed', 'it has loaded another model than it was asked for');
  }

  async #opened(): Promise<Link> {
    try {
      const opening = this.#open();
      const link = opening instanceof Promise ? await opening : opening;
      if (!this.#isDisposed) return (this.#link = link);
      link.drop();
    } catch (cause) {
      // Want of memory, say: it may pass, but not at once.
      const reason = `could not be started (${String(cause)})`;
      this.#losses = Math.max(1, this.#losses);
      this.#ended(undefined, reason);
      throw new EngineError('engine-lost', `The model process ${reason}; it is being restarted.`, { cause });
    }
    throw new EngineError('engine-disposed', 'The engine was shut down.');
  }

  // The compiler takes a field for unchanged across an `await`.
  get #isDisposed(): boolean {
    return this.#disposed;
  }

  #ended(connection: MessageConnection | undefined, how: string): void {
    connection?.dispose();
    if (this.#disposed || this.#state.status === 'failed') return;
    const reason = `The model process ${how}; it is being restarted.`;
    this.#enter({ status: 'restarting', reason });
    const pause = restartPause(this.#losses++);
    if (pause === 0) {
      this.start();
      return;
    }
    this.#refuse(new EngineError('engine-lost', reason));
    this.#pause = setTimeout(() => this.start(), pause);
  }

  #refuse(error: EngineError): void {
    this.#run = Promise.reject(error);
    this.#run.catch(() => undefined);
  }

  #enter(state: EngineState): void {
    if (this.#disposed) return;
    this.#state = state;
    this.#onState(state);
  }

  async #request<P, R>(
    type: RequestType<P, R, EngineErrorCode>,
    params: RequestParam<P>,
    signal?: AbortSignal,
  ): Promise<R> {
    const cancellation = new CancellationTokenSource();
    const cancel = () => cancellation.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const { connection } = await unless(signal, this.#run);
      return await connection.sendRequest(type, params, cancellation.token);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof EngineError ? error : fromResponseError(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
      cancellation.dispose();
    }
  }
}
