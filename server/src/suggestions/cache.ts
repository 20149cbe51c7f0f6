/** Pure: texts that were found for places in documents, to be found again while the user types through them. */
import { LRUCache } from 'lru-cache';
import type { Cursor } from '../anchor.ts';
import { AFTER, formerlyBehind } from './typed-through.ts';

/** A text that was found for a place. */
export interface Known<T> {
  readonly text: string;
  /** Whether it is the target's. */
  readonly verified: boolean;
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

/**
 * A map from what stands around a cursor to the text that was found there. Texts of one scope, which names the model and
 * its adapter in one version, are of no use in another.
 */
export class CompletionCache<T> {
  /** The target's text first, where it is there: what it does not say may still be what is typed. */
  readonly #known = new LRUCache<string, readonly Known<T>[]>({ max: PLACES });

  /** The text of the place, or of one before it from which the user has typed what it says. The nearest place wins. */
  find({ uri, text, offset }: Cursor, scope: string): Found<T> | undefined {
    const least = Math.max(0, offset - TYPED);
    let found: Found<T> | undefined;
    for (let at = offset; at >= least; at--) {
      const typed = text.slice(at, offset);
      const before = text.slice(Math.max(0, at - BEFORE), at);
      for (const after of formerlyBehind(typed, text, offset)) {
        const there = this.#known.get(keyOf(scope, uri, before, after));
        const known = there?.find((one) => one.text.startsWith(typed));
        if (!known) continue;
        // A verified text from further back is worth more than a draft made since.
        if (known.verified) return { ...known, text: known.text.slice(typed.length), typed };
        found ??= { ...known, text: known.text.slice(typed.length), typed };
      }
    }
    return found;
  }

  /** Remembers a text for a place, the last draft and the last that was verified. */
  keep({ uri, text, offset }: Cursor, scope: string, known: Known<T>): void {
    const before = text.slice(Math.max(0, offset - BEFORE), offset);
    const key = keyOf(scope, uri, before, text.slice(offset, offset + AFTER));
    const other = this.#known.get(key)?.find(({ verified }) => verified !== known.verified);
    this.#known.set(
      key,
      [known, ...(other ? [other] : [])].sort((a, b) => Number(b.verified) - Number(a.verified)),
    );
  }
}

function keyOf(scope: string, uri: string, before: string, after: string): string {
  return [scope, uri, before, after].join('\0');
}
