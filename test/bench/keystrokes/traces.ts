/** Pure: what somebody types, key by key. */
import { goldOf, placeOf, type Hole } from '../../../evaluation/src/holes.ts';
import { anchorFor } from '../../../server/src/anchor.ts';

/**
 * What the key did: it typed, ended a line (with the indentation that an editor adds), deleted, or was the first one at
 * another place. `open` is no key at all: the document as it was opened, for which everything has to be read.
 */
export type Key = 'open' | 'typed' | 'line end' | 'deleted' | 'jumped';
export const KEYS = ['typed', 'line end', 'deleted', 'jumped'] as const satisfies readonly Key[];

export interface Keystroke {
  readonly key: Key;
  /** The document after it. */
  readonly text: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
  /** Where the server would split a prompt that is split, see `server/src/anchor.ts`. */
  readonly anchor: number;
}

/** Deletions of the `deletion` traces, in keys. */
const DELETED = 4;

/** Types what stood in a hole. */
export function lineTrace(hole: Hole): Keystroke[] {
  const typist = new Typist(placeOf(hole));
  for (const key of keysOf(goldOf(hole))) typist.type(key);
  return typist.strokes;
}

/** Types half of it, takes some of that back, and types on. */
export function deletionTrace(hole: Hole): Keystroke[] {
  const typist = new Typist(placeOf(hole));
  const keys = keysOf(goldOf(hole));
  const half = keys.length >> 1;
  const kept = Math.max(0, half - DELETED);
  for (const key of keys.slice(0, half)) typist.type(key);
  for (const key of keys.slice(kept, half).reverse()) typist.delete(key);
  for (const key of keys.slice(kept)) typist.type(key);
  return typist.strokes;
}

/** Types half of what stood in a hole, goes to another hole of the same file and fills it, comes back and types on. */
export function jumpTrace(hole: Hole, other: Hole): Keystroke[] {
  const [first, last] = hole.from < other.from ? [hole, other] : [other, hole];
  const { text } = hole.file;
  const without = text.slice(0, first.from) + text.slice(first.to, last.from) + text.slice(last.to);
  /** The cursor in a hole, by how much of either is filled. */
  const cursorIn = (self: Hole, typed: number, elsewhere: number) => {
    const another = self === hole ? other : hole;
    return self.from + typed + (another.from < self.from ? elsewhere - (another.to - another.from) : 0);
  };
  const keys = keysOf(goldOf(hole));
  const half = keys.length >> 1;
  const typed = keys.slice(0, half).join('').length;
  const whole = goldOf(other).length;
  const typist = new Typist({ text: without, offset: cursorIn(hole, 0, 0) });
  for (const key of keys.slice(0, half)) typist.type(key);
  typist.jump(cursorIn(other, 0, typed));
  for (const key of keysOf(goldOf(other))) typist.type(key);
  typist.jump(cursorIn(hole, typed, whole));
  for (const key of keys.slice(half)) typist.type(key);
  return typist.strokes;
}

/** What each key adds: a character, or a line end with the indentation behind it. */
function keysOf(text: string): string[] {
  return text.match(/\n[ \t]*|[^\n]/gu) ?? [];
}

class Typist {
  readonly strokes: Keystroke[] = [];
  #text: string;
  #offset: number;
  #jumped = false;

  constructor({ text, offset }: { text: string; offset: number }) {
    [this.#text, this.#offset] = [text, offset];
    this.#record('open');
  }

  type(added: string): void {
    this.#text = this.#text.slice(0, this.#offset) + added + this.#text.slice(this.#offset);
    this.#offset += added.length;
    this.#record(added.startsWith('\n') ? 'line end' : 'typed');
  }

  delete(removed: string): void {
    const before = this.#offset - removed.length;
    this.#text = this.#text.slice(0, before) + this.#text.slice(this.#offset);
    this.#offset = before;
    this.#record('deleted');
  }

  /** No editor asks for a completion where only the cursor moves, so that it shows with the next key. */
  jump(offset: number): void {
    this.#offset = offset;
    this.#jumped = true;
  }

  #record(key: Key): void {
    const cursor = { uri: '', text: this.#text, offset: this.#offset };
    const last = this.strokes.at(-1);
    const anchor = anchorFor(cursor, last && { uri: '', ...last });
    this.strokes.push({
      key: this.#jumped ? 'jumped' : key,
      text: cursor.text,
      offset: cursor.offset,
      anchor,
    });
    this.#jumped = false;
  }
}
