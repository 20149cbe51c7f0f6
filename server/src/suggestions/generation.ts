import { unless } from '@foretype/models';
import type { Cursor } from '../anchor.ts';
import type { Candidate } from '../completion.ts';
import type { Scope } from './cache.ts';
import { AFTER, formerlyBehind } from './typed-through.ts';

/** UTF-16 code units before the cursor by which it is told that the text there is the same. */
const COMPARED = 2048;

/**
 * A completion under way, which belongs to nobody: who asked for it may type on and have its result at the next key, as
 * long as what is typed is what it says.
 */
export class Generation {
  readonly cursor: Cursor;
  readonly scope: Scope;
  readonly #abort = new AbortController();
  #latest: Candidate | undefined;
  #done = false;
  #waiting = 0;
  #news = Promise.withResolvers<undefined>();

  /** Begins at once; `found` is told of each text. */
  constructor(
    { cursor, scope }: { readonly cursor: Cursor; readonly scope: Scope },
    make: (signal: AbortSignal) => AsyncIterable<Candidate>,
    found: (generation: Generation, candidate: Candidate) => void,
  ) {
    this.cursor = cursor;
    this.scope = scope;
    void this.#run(make, found);
  }

  /** Its best text so far. */
  get latest(): Candidate | undefined {
    return this.#latest;
  }

  get done(): boolean {
    return this.#done;
  }

  /** How many wait for it. */
  get waiting(): number {
    return this.#waiting;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** What was typed since it began, where a cursor is there and nothing else has changed around it. */
  typedAt({ uri, text, offset }: Cursor, { model, adapter }: Scope): string | undefined {
    const { cursor, scope } = this;
    if (this.#abort.signal.aborted || scope.model !== model || scope.adapter !== adapter) return undefined;
    if (uri !== cursor.uri || offset < cursor.offset) return undefined;
    const start = Math.max(0, cursor.offset - COMPARED);
    if (!text.startsWith(cursor.text.slice(start, cursor.offset), start)) return undefined;
    const between = text.slice(cursor.offset, offset);
    const after = cursor.text.slice(cursor.offset, cursor.offset + AFTER);
    return formerlyBehind(between, text, offset).includes(after) ? between : undefined;
  }

  /**
   * Its first text, or undefined where it ended without one.
   * @throws the reason of `signal` when that is aborted; the generation goes on.
   */
  async first(signal: AbortSignal): Promise<Candidate | undefined> {
    await this.#until(() => this.#latest !== undefined, signal);
    return this.#latest;
  }

  /** Its last text, when it has ended. @throws as {@link first} */
  async last(signal: AbortSignal): Promise<Candidate | undefined> {
    await this.#until(() => false, signal);
    return this.#latest;
  }

  async #until(enough: () => boolean, signal: AbortSignal): Promise<void> {
    this.#waiting++;
    try {
      while (!enough() && !this.#done) await unless(signal, this.#news.promise);
    } finally {
      this.#waiting--;
    }
  }

  async #run(
    make: (signal: AbortSignal) => AsyncIterable<Candidate>,
    found: (generation: Generation, candidate: Candidate) => void,
  ): Promise<void> {
    try {
      for await (const candidate of make(this.#abort.signal)) {
        this.#latest = candidate;
        found(this, candidate);
        this.#tell();
      }
    } catch {
      // Whoever made it has said why, and what was found before stays good.
    }
    this.#done = true;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve(undefined);
    this.#news = Promise.withResolvers();
  }
}
