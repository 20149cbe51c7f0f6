import {
  EngineError,
  type ChooseRequest,
  type Engine,
  type EngineState,
  type ModelFacts,
  type ReadRequest,
  type ScoreRequest,
  type Token,
  type WriteRequest,
  type Written,
} from '@foretype/models';

export interface RestingState {
  /** `asleep`: its memory is given back; the next call, or {@link RestingEngine.wake}, brings it up again. */
  readonly status: EngineState['status'] | 'asleep';
  readonly reason: string | null;
}

export interface RestingOptions {
  readonly start: (onState: (state: EngineState) => void) => Engine;
  readonly onState: (state: RestingState) => void;
  /** Milliseconds without a call after which it goes to sleep, asked whenever they begin; 0 for never. */
  readonly idleMs: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/**
 * An engine that gives its memory back while nobody asks anything of it. Calls wait while it comes up again, as they do
 * when it is first started.
 */
export class RestingEngine implements Engine {
  readonly #options: RestingOptions;
  #engine: Engine | undefined;
  /** Counts the times it came up and went to sleep. */
  #turn = 0;
  #status: RestingState['status'] = 'asleep';
  /** Calls under way. */
  #calls = 0;
  #stopWaiting: () => void = () => undefined;
  #disposed = false;

  constructor(options: RestingOptions) {
    this.#options = options;
  }

  /** Brings it up in the background, and has it stay for another while. */
  wake(): void {
    if (this.#disposed) return;
    this.#wait();
    if (this.#engine) return;
    this.#enter({ status: 'loading', reason: null });
    const turn = ++this.#turn;
    this.#engine = this.#options.start((state) => {
      // One that was given up has no say any more.
      if (turn !== this.#turn) return;
      this.#enter(state);
      // A large model on a slow disk may take longer to load than it may be idle.
      if (state.status === 'ready') this.#wait();
    });
  }

  /**
   * Gives its memory back, unless somebody waits for it or it is only coming up; one that failed stays as it is, for no
   * start would mend it.
   */
  async sleep(): Promise<void> {
    const engine = this.#engine;
    if (!engine || this.#calls > 0 || this.#status !== 'ready') return;
    this.#stopWaiting();
    this.#engine = undefined;
    this.#turn++;
    this.#enter({ status: 'asleep', reason: null });
    await engine.dispose();
  }

  facts(): Promise<ModelFacts> {
    return this.#ask((engine) => engine.facts());
  }

  tokenize(text: string, signal?: AbortSignal): Promise<Token[]> {
    return this.#ask((engine) => engine.tokenize(text, signal));
  }

  detokenize(tokens: readonly Token[], signal?: AbortSignal): Promise<string> {
    return this.#ask((engine) => engine.detokenize(tokens, signal));
  }

  choose(request: ChooseRequest, signal?: AbortSignal): Promise<Token[]> {
    return this.#ask((engine) => engine.choose(request, signal));
  }

  async *write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    const engine = this.#begin();
    try {
      yield* engine.write(request, signal);
    } finally {
      this.#end();
    }
  }

  read(request: ReadRequest, signal?: AbortSignal): Promise<void> {
    return this.#ask((engine) => engine.read(request, signal));
  }

  score(request: ScoreRequest, signal?: AbortSignal): Promise<number[]> {
    return this.#ask((engine) => engine.score(request, signal));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#stopWaiting();
    await this.#engine?.dispose();
  }

  async #ask<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    const engine = this.#begin();
    try {
      return await work(engine);
    } finally {
      this.#end();
    }
  }

  #begin(): Engine {
    this.wake();
    if (this.#disposed || !this.#engine)
      throw new EngineError('engine-disposed', 'The engine was shut down.');
    this.#calls++;
    this.#stopWaiting();
    return this.#engine;
  }

  #end(): void {
    this.#calls--;
    this.#wait();
  }

  #wait(): void {
    this.#stopWaiting();
    const ms = this.#options.idleMs();
    if (this.#disposed || ms === 0 || this.#calls > 0) return;
    this.#stopWaiting = this.#options.after(ms, () => void this.sleep().catch(() => undefined));
  }

  #enter(state: RestingState): void {
    if (this.#disposed) return;
    this.#status = state.status;
    this.#options.onState(state);
  }
}
