import type { Engine, Sampling, Token } from '@foretype/models';
import type { Prompt } from './prompt.ts';

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
  #pace = { tokens: 0, ms: 0 };

  /** Begins to write at once. */
  constructor(parts: WriteAheadParts) {
    this.#parts = parts;
    this.#begin([]);
  }

  /** Tokens written so far and the time that took, without what it took to read the prompt. */
  get pace(): { readonly tokens: number; readonly ms: number } {
    return this.#pace;
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
    await this.#until(() => this.#written.length >= begun.length);
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
    return begun.every((token, index) => token === this.#written[index]?.token);
  }

  #begin(begun: readonly Token[]): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#written = begun.map((token) => ({ token, sureness: 1 }));
    this.#ended = begun.length >= this.#parts.limit;
    if (!this.#ended) void this.#write(begun, this.#stop.signal);
  }

  async #write(begun: readonly Token[], stop: AbortSignal): Promise<void> {
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
        if (stop.aborted) return;
        const at = now();
        if (last !== undefined) this.#pace = { tokens: this.#pace.tokens + 1, ms: this.#pace.ms + at - last };
        last = at;
        // A token that had to go on with the text before the cursor was hardly a choice.
        this.#written.push({ token, sureness: probability ?? 1 });
        this.#tell();
      }
      this.#ended = true;
    } catch (reason) {
      if (stop.aborted) return;
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
