/** Pure: what became of a text that was shown, by where the cursor is now. */
import type { Cursor } from '../anchor.ts';
import { AFTER, formerlyBehind } from './typed-through.ts';

/** UTF-16 code units before a text by which it is told that the user goes on from there. */
const LOOKED_BACK = 256;

/**
 * `stands`: what was typed since is its beginning, and there is more of it. `done`: it was typed or accepted to its end.
 * `departed`: something else was typed in its place. `left`: the user went elsewhere, or changed what is around it, which
 * says nothing of the text.
 */
export type Fate =
  | { readonly kind: 'stands'; readonly typed: string; readonly rest: string }
  | { readonly kind: 'done' | 'departed' | 'left' };

/** The fate of `text`, shown at `from`, for a cursor of now. */
export function fateOf(text: string, from: Cursor, now: Cursor): Fate {
  if (text === '' || now.uri !== from.uri || now.offset < from.offset) return { kind: 'left' };
  const typed = now.text.slice(from.offset, now.offset);
  const before = from.text.slice(Math.max(0, from.offset - LOOKED_BACK), from.offset);
  const after = from.text.slice(from.offset, from.offset + AFTER);
  const goesOn =
    now.text.startsWith(before, from.offset - before.length) &&
    formerlyBehind(typed, now.text, now.offset).includes(after);
  if (!goesOn) return { kind: 'left' };
  if (typed.startsWith(text)) return { kind: 'done' };
  if (!text.startsWith(typed)) return { kind: 'departed' };
  return { kind: 'stands', typed, rest: text.slice(typed.length) };
}
