import type { Engine, Prompt, Sampling, Token } from '@foretype/models';

/** How fast it wrote: tokens and the time between them, and what it took to get to the first. */
export interface Pace {
  readonly tokens: number;
  readonly ms: number;
  /** Null before the first token. */
  readonly startMs: number | null;
}

/** Made once: an abort without a reason makes an exception, with its stack, each time. */
const OVERTAKEN = new DOMException('The target has written something else.', 'AbortError');
/** Committed tokens that the draft may be behind without being begun anew. */
const LAG = 2;

/** A proposed token, and how sure its source is of it: 0 to 1, by a measure of the source's own. */
export interface Drafted {
  readonly token: Token;
  readonly sureness: number;
}

export interface WriteAheadParts {
  readonly engine: Pick<Engine, 'write'>;
  readonly prompt: Prompt;
  /** The most tokens of the whole continuation. */
  readonly limit: number;
  readonly sampling: Sampling | undefined;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** Ends it; calls then reject with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * The local draft of one completion. It writes on until the line ends, whether or not somebody waits, so that what comes
 * after a draft is there when its verdict arrives; where the verdict departs from it, it begins anew behind that.
 */
export class WriteAhead {
  readonly #parts: WriteAheadParts;
  /** Tokens of the continuation: what was committed when it began, then what it wrote. */
  #written: Drafted[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #stop = new AbortController();
  #news = Promise.withResolvers<undefined>();
  #pace: Pace = { tokens: 0, ms: 0, startMs: null };
  readonly #began: number;
  /** The writing under way, which has the engine's cache of this prompt in its hands. */
  #writing: Promise<void> = Promise.resolve();

  /** Begins to write at once. */
  constructor(parts: WriteAheadParts) {
    this.#parts = parts;
    this.#began = parts.now();
    this.#begin([]);
  }

  get pace(): Pace {
    return this.#pace;
  }

  /** Milliseconds since it began. */
  get age(): number {
    return this.#parts.now() - this.#began;
  }

  /** Whether its engine failed, so that there is nothing to wait for. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** What is written after `begun`, the continuation so far, without waiting; nothing where it departs from that. */
  hand(begun: readonly Token[]): readonly Drafted[] {
    return this.#agrees(begun) ? this.#written.slice(begun.length) : [];
  }

  /**
   * What it writes after `begun`, as far as `wanted` says of what is there so far. It ends where the text does.
   * Rejects with the engine's error.
   */
  async draft(
    begun: readonly Token[],
    wanted: (drafted: readonly Drafted[]) => boolean,
  ): Promise<readonly Drafted[]> {
    // What is committed already is faster read than written again.
    const lags = this.#written.length + LAG < begun.length;
    if (lags || !this.#agreesSoFar(begun)) this.#begin(begun);
    await this.#until(() => this.#written.length >= begun.length || !this.#agreesSoFar(begun));
    if (!this.#agrees(begun)) this.#begin(begun);
    const drafted: Drafted[] = [];
    while (wanted(drafted)) {
      const at = begun.length + drafted.length;
      await this.#until(() => this.#written.length > at);
      const next = this.#written[at];
      if (!next) break;
      drafted.push(next);
    }
    return drafted;
  }

  /** The whole continuation as it stands when its text has ended: what was committed, and the draft of the rest. */
  async whole(): Promise<readonly Token[]> {
    await this.#until(() => false);
    return this.#written.map(({ token }) => token);
  }

  #agrees(begun: readonly Token[]): boolean {
    return this.#written.length >= begun.length && this.#agreesSoFar(begun);
  }

  #agreesSoFar(begun: readonly Token[]): boolean {
    return this.#written.every(({ token }, index) => index >= begun.length || token === begun[index]);
  }

  #begin(begun: readonly Token[]): void {
    this.#stop.abort(OVERTAKEN);
    this.#stop = new AbortController();
    this.#failure = undefined;
    this.#written = begun.map((token) => ({ token, sureness: 1 }));
    this.#ended = begun.length >= this.#parts.limit;
    if (this.#ended) {
      this.#tell();
      return;
    }
    const before = this.#writing;
    const stop = this.#stop.signal;
    // Asked at once, the engine would read the whole prompt again elsewhere, since the old writing still holds its cache.
    this.#writing = before.then(() => this.#write(begun, stop));
  }

  async #write(begun: readonly Token[], stop: AbortSignal): Promise<void> {
    const replaced = () => stop.aborted;
    if (replaced()) return;
    const { engine, prompt, limit, sampling, now, signal } = this.#parts;
    const { context, leading } = prompt;
    const request = {
      context: [...context, ...begun],
      begun: begun.length,
      limit: limit - begun.length,
      until: 'line' as const,
      leading: leading.text,
      sampling,
    };
    try {
      let last: number | undefined;
      for await (const { token, probability } of engine.write(request, AbortSignal.any([signal, stop]))) {
        if (replaced()) return;
        const at = now();
        const { tokens, ms, startMs } = this.#pace;
        this.#pace = {
          tokens: tokens + (last === undefined ? 0 : 1),
          ms: ms + at - (last ?? at),
          startMs: startMs ?? at - this.#began,
        };
        last = at;
        // A token that had to go on with the text before the cursor was hardly a choice.
        this.#written.push({ token, sureness: probability ?? 1 });
        this.#tell();
      }
      // The engine may have come to its end before it heard that it should stop.
      if (replaced()) return;
      this.#ended = true;
    } catch (reason) {
      if (replaced()) return;
      this.#failure = { reason };
    }
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve(undefined);
    this.#news = Promise.withResolvers();
  }

  /** Waits until `enough` holds, or there is nothing more to wait for. */
  async #until(enough: () => boolean): Promise<void> {
    while (!enough() && !this.#ended) {
      if (this.#failure) throw this.#failure.reason;
      await this.#news.promise;
    }
  }
}
