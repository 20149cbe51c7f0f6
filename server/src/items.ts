/** Pure: an item in the form that an editor understands. */
import type { InlineCompletionItem, Position } from 'vscode-languageserver';
import type { ItemForm } from './editors.ts';

/** A completion of the whole line: what stands before the cursor is the beginning of its text. */
export interface LineItem {
  readonly text: string;
  /** Where the line begins. */
  readonly start: Position;
  /** Where the completion begins: the cursor, or the beginning of what the editor's own list would insert. */
  readonly from: Position;
  /** What of the text stands behind the cursor already and is replaced. */
  readonly replaced: string;
  /** The end of that. */
  readonly end: Position;
}

/** The item, undefined where the form cannot express it. */
export function itemIn(
  form: ItemForm,
  { text, start, from, replaced, end }: LineItem,
): Pick<InlineCompletionItem, 'insertText' | 'filterText' | 'range'> | undefined {
  if (form === 'line') return { insertText: text, filterText: text, range: { start, end } };
  const completion = text.slice(from.character - start.character);
  if (form === 'cursor') {
    // coc.nvim would indent anew a text that begins with blanks, so that it begins with what stands before them.
    const head = text.slice(0, text.length - completion.length);
    const kept = /^[ \t]/u.test(completion) ? (/\S$/u.exec(head)?.[0].length ?? 0) : 0;
    const begin = { line: from.line, character: from.character - kept };
    return { insertText: text.slice(head.length - kept), range: { start: begin, end } };
  }
  // What would be replaced by itself can stay.
  if (!completion.endsWith(replaced)) return undefined;
  const insertText = completion.slice(0, completion.length - replaced.length);
  const until = { line: end.line, character: end.character - replaced.length };
  return insertText === '' ? undefined : { insertText, range: { start: from, end: until } };
}
