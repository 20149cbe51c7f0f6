/**
 * Pure: where the text is split for a prompt. A split that stays where a burst of typing began lets every keystroke append
 * to the prompt, since what was typed stands behind the marker of the middle. Without it a prompt that has the suffix
 * behind the prefix would have the whole suffix read again at each key.
 */

/** A cursor in a document. */
export interface Cursor {
  readonly uri: string;
  readonly text: string;
  /** UTF-16 offset. */
  readonly offset: number;
  /** The word before it is whole: the editor's own list has it so, and would insert no more of it. */
  readonly wholeWord?: boolean;
}

export interface Anchored extends Cursor {
  /** UTF-16 offset of the split, at or before the cursor. */
  readonly anchor: number;
}

/** UTF-16 code units from the split to the cursor beyond which a new one is made: a few lines. */
const FAR = 200;

/** The split for `cursor`: that of the last prompt while all that changed since is between it and the cursor. */
export function anchorFor(cursor: Cursor, last: Anchored | undefined): number {
  const { uri, text, offset } = cursor;
  const stays =
    last?.uri === uri &&
    offset >= last.anchor &&
    offset - last.anchor <= FAR &&
    text.startsWith(last.text.slice(0, last.anchor)) &&
    text.slice(offset) === last.text.slice(last.offset);
  if (stays) return last.anchor;
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  if (offset - lineStart <= FAR) return lineStart;
  // Behind the start of a long line there would be no room for what is typed; a word is not cut, where it is one.
  const [word] = /[\w$]*$/u.exec(text.slice(offset - FAR, offset))!;
  return word.length < FAR ? offset - word.length : offset;
}
