import { type Engine, type Token, windowAt } from '@foretype/models';
import { anchorFor, type Anchored, type Cursor } from './anchor.ts';
import type { Remembered } from './drafts.ts';

/** How many other documents may be copied from, and UTF-16 code units taken on each side of where the cursor was. */
const OTHERS = 3;
const AROUND = { before: 12_000, after: 12_000 };

/** What earlier completions leave for the drafts of later ones: nothing of it decides what is shown, only how fast. */
export class Recollection {
  readonly #tokenizer: Pick<Engine, 'tokenize'>;
  readonly #allowed: (uri: string) => Promise<boolean>;
  #last: (Anchored & { readonly completed: Remembered }) | undefined;
  /** Tokens by document, the one left last at the end. */
  readonly #others = new Map<string, readonly Token[]>();

  /** @param allowed - whether a document may be shown to others; a draft travels as a prompt does. */
  constructor(
    tokenizer: Pick<Engine, 'tokenize'>,
    allowed: (uri: string) => Promise<boolean> = () => Promise.resolve(true),
  ) {
    this.#tokenizer = tokenizer;
    this.#allowed = allowed;
  }

  /** What the last completion said would come after the cursor; undefined where something else was typed since. */
  rememberedAt({ uri, text, offset }: Cursor): Remembered | undefined {
    const last = this.#last;
    const typed = last ? offset - last.offset : -1;
    if (last?.uri !== uri || typed < 0 || typed >= last.completed.text.length) return undefined;
    const { completed } = last;
    const foretold = last.text.slice(0, last.offset) + completed.text.slice(0, typed);
    return text.startsWith(foretold) ? { ...completed, text: completed.text.slice(typed) } : undefined;
  }

  /** Where a prompt for the cursor is split, see {@link anchorFor}. */
  anchorAt(cursor: Cursor): number {
    return anchorFor(cursor, this.#last);
  }

  /** The documents worked on before this one, the latest last. */
  othersThan(uri: string): readonly (readonly Token[])[] {
    // What was allowed may not be any more; asked again each time, since nobody tells.
    for (const other of this.#others.keys()) if (other !== uri) void this.#judge(other);
    return [...this.#others].filter(([other]) => other !== uri).map(([, tokens]) => tokens);
  }

  /** Takes note of a completion; `completed` is the text that was found for the cursor. */
  keep(cursor: Cursor, completed: Remembered): void {
    const left = this.#last;
    this.#last = { ...cursor, anchor: this.anchorAt(cursor), completed };
    if (left && left.uri !== cursor.uri) void this.#read(left);
  }

  async #read({ uri, text, offset }: Cursor): Promise<void> {
    const { prefix, suffix } = windowAt(text, offset, AROUND);
    try {
      if (!(await this.#judge(uri))) return;
      const tokens = await this.#tokenizer.tokenize(prefix + suffix);
      this.#others.delete(uri);
      this.#others.set(uri, tokens);
      for (const oldest of this.#others.keys()) if (this.#others.size > OTHERS) this.#others.delete(oldest);
    } catch {
      // An engine that restarts: there is less to copy from, and nothing else.
    }
  }

  /** Whether a document may be copied from; one that may not is forgotten. */
  async #judge(uri: string): Promise<boolean> {
    const allowed = await this.#allowed(uri).catch(() => false);
    if (!allowed) this.#others.delete(uri);
    return allowed;
  }
}
