/** Pure: texts that were found for places in documents, to be found again while the user types through them. */
import { LRUCache } from 'lru-cache';
import type { Cursor } from '../anchor.ts';
import { AFTER, formerlyBehind } from './typed-through.ts';

/** What makes texts good for each other. */
export interface Scope {
  /** Names the family and how tokens are chosen: all that a draft depends on. */
  readonly model: string;
  /** Id of the adapter, in one version, by which the target writes; empty for the backbone. */
  readonly adapter: string;
}

/** A text that was found for a place. */
export interface Known<T> {
  readonly text: string;
  /** The adapter that the target wrote it with, empty for the backbone; null where it is a draft, which has none. */
  readonly verifiedBy: string | null;
  /** What else is to be known of it. */
  readonly about: T;
}

/** What was found again: the rest of the text behind what was typed of it. */
export interface Found<T> extends Known<T> {
  readonly typed: string;
}

/** Places remembered; llama.vim and llama.vscode have as many. */
const PLACES = 250;
/**
 * UTF-16 code units before the cursor by which a place is known again, see also `AFTER`. What is further away may have
 * changed since: whoever scrolls, or edits elsewhere in the file, still finds the text.
 */
const BEFORE = 256;
/** The most that can be typed of a text and find it: longer than lines are. */
const TYPED = 160;
/** UTF-16 code units right before a place, by which most others are told from it before all is compared. */
const TAIL = 8;
/** Texts of one place: a draft, and those of two adapters, since versions change. */
const TEXTS = 3;

/** A map from what stands around a cursor to the texts that were found there, by model. */
export class CompletionCache<T> {
  readonly #known = new LRUCache<string, { readonly tail: string; readonly texts: readonly Known<T>[] }>({
    max: PLACES,
    dispose: ({ tail }) => this.#count(tail, -1),
  });
  /** How many places are known by what stands right before them. */
  readonly #tails = new Map<string, number>();

  /**
   * The texts of the place, or of those before it from which the user has typed what they say: the target's and the
   * draft, of each the one from the nearest place.
   */
  find(
    { uri, text, offset }: Cursor,
    { model, adapter }: Scope,
  ): { readonly verified: Found<T> | undefined; readonly draft: Found<T> | undefined } {
    const least = Math.max(0, offset - TYPED);
    let verified: Found<T> | undefined;
    let draft: Found<T> | undefined;
    // A verified text from further back is worth more than a draft made since.
    for (let at = offset; at >= least && !verified; at--) {
      // Nearly all places are told apart by this, which costs a hundredth of a key.
      if (!this.#tails.has(text.slice(Math.max(0, at - TAIL), at))) continue;
      const typed = text.slice(at, offset);
      const before = text.slice(Math.max(0, at - BEFORE), at);
      for (const after of formerlyBehind(typed, text, offset)) {
        for (const known of this.#known.get(keyOf(model, uri, before, after))?.texts ?? []) {
          if (!known.text.startsWith(typed)) continue;
          const found = { ...known, text: known.text.slice(typed.length), typed };
          if (known.verifiedBy === null) draft ??= found;
          else if (known.verifiedBy === adapter) verified ??= found;
        }
      }
    }
    return { verified, draft };
  }

  /** Remembers a text for a place: the last draft, and the last that each adapter wrote. */
  keep({ uri, text, offset }: Cursor, { model }: Pick<Scope, 'model'>, known: Known<T>): void {
    const before = text.slice(Math.max(0, offset - BEFORE), offset);
    const key = keyOf(model, uri, before, text.slice(offset, offset + AFTER));
    const others = (this.#known.get(key)?.texts ?? []).filter(
      ({ verifiedBy }) => verifiedBy !== known.verifiedBy,
    );
    const tail = before.slice(-TAIL);
    // What is replaced is disposed of, and so is the oldest.
    this.#count(tail, 1);
    this.#known.set(key, { tail, texts: [known, ...others].slice(0, TEXTS) });
  }

  #count(tail: string, change: number): void {
    const count = (this.#tails.get(tail) ?? 0) + change;
    if (count > 0) this.#tails.set(tail, count);
    else this.#tails.delete(tail);
  }
}

function keyOf(model: string, uri: string, before: string, after: string): string {
  return [model, uri, before, after].join('\0');
}
