import type { Engine, Token } from '@foretype/models';
import type { Prompt } from './prompt.ts';

/**
 * The local draft of one completion. It writes on until the line ends, whether or not somebody waits, so that what comes
 * after a draft is there when its verdict arrives; where the verdict departs from it, it begins anew behind that.
 */
export class WriteAhead {
  readonly #engine: Engine;
  readonly #prompt: Prompt;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  /** Tokens of the continuation: what was committed when it began, then what it wrote. */
  #written: Token[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #stop = new AbortController();
  #news = Promise.withResolvers<undefined>();

  /**
   * Begins to write at once.
   * @param limit the most tokens of the whole continuation.
   * @param signal ends it; calls then reject with the signal's reason.
   */
  constructor(engine: Engine, prompt: Prompt, limit: number, signal: AbortSignal) {
    this.#engine = engine;
    this.#prompt = prompt;
    this.#limit = limit;
    this.#signal = signal;
    this.#begin([]);
  }

  /**
   * What it writes after `context`, which is the prompt and what of the continuation was committed.
   * @returns at most `count` tokens; fewer where its text ends. Rejects with the engine's error.
   */
  async draft(context: readonly Token[], count: number): Promise<readonly Token[]> {
    const begun = context.slice(this.#prompt.context.length);
    await this.#until(() => this.#written.length >= begun.length);
    if (begun.some((token, index) => token !== this.#written[index])) this.#begin(begun);
    await this.#until(() => this.#written.length >= begun.length + count);
    return this.#written.slice(begun.length, begun.length + count);
  }

  /** The whole continuation as it stands when its text has ended: what was committed, and the draft of the rest. */
  async whole(): Promise<readonly Token[]> {
    await this.#until(() => false);
    return this.#written;
  }

  #begin(begun: readonly Token[]): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#written = [...begun];
    this.#ended = begun.length >= this.#limit;
    if (!this.#ended) void this.#write(begun, this.#stop.signal);
  }

  async #write(begun: readonly Token[], stop: AbortSignal): Promise<void> {
    const { context, leading } = this.#prompt;
    const request = {
      context: [...context, ...begun],
      begun: begun.length,
      limit: this.#limit - begun.length,
      until: 'line' as const,
      leading: leading.text,
    };
    try {
      for await (const { token } of this.#engine.write(request, AbortSignal.any([this.#signal, stop]))) {
        if (stop.aborted) return;
        this.#written.push(token);
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
