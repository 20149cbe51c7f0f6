import { wholeCharacter, type WindowSize } from '@foretype/models';
import type { InlineCompletionItem, Position, SelectedCompletionInfo } from 'vscode-languageserver';
import type { Cursor } from './anchor.ts';
import type { ItemForm } from './editors.ts';
import { itemIn } from './items.ts';
import { type OpenDocument, withLineFeeds } from './open-document.ts';
import type { Offered } from './suggestions/parts.ts';

/** Run by the client when a completion was accepted whole; LSP 3.18 has no other sign of it. */
export const ACCEPTED = 'foretype.accepted';

/**
 * UTF-16 code units of a document before and after the cursor that are looked at, at the least: more than filters, drafts
 * and most prompts take. V8 collects strings of more than 128 KiB at a high price, and a character beyond Latin-1 makes
 * two bytes of each. The beginning moves in steps, since the texts of two keys are compared.
 */
const LEAST = { before: 24 * 1024, after: 12 * 1024 };
const STEP = 8 * 1024;

/** A place in a document, and what makes items for it. */
export interface Placed {
  /** UTF-16 offset in the document; the cursor has a part of it. */
  readonly offset: number;
  readonly cursor: Cursor;
  /**
   * Undefined where the form that the editor understands cannot express it.
   * @param index of the text among those of the answer.
   */
  readonly itemOf: (offered: Offered, form: ItemForm, index?: number) => InlineCompletionItem | undefined;
}

/**
 * A place in the document, before the character that it would tear. Items usually replace from the start of the line,
 * where editors match `filterText` against it, so that the text stays while the user types through it; see {@link ItemForm}.
 * @param selected what the editor's own list would insert, which a completion must go on from.
 * @param reach UTF-16 code units that prompts take before and after a cursor.
 */
export function placed(
  document: OpenDocument,
  position: Position,
  selected: SelectedCompletionInfo | undefined,
  reach: WindowSize = LEAST,
): Placed {
  const start = { line: position.line, character: 0 };
  const lineStart = document.offsetAt(start);
  const typed = document.slice(lineStart, document.offsetAt(position) + 1);
  const character = wholeCharacter(typed, document.offsetAt(position) - lineStart);
  const at = { line: position.line, character };
  const until = selected?.range.start ?? at;
  const before = document.slice(lineStart, document.offsetAt(until)) + withLineFeeds(selected?.text ?? '');
  const end = selected?.range.end ?? at;
  const behind = document.offsetAt(end);
  const head = document.slice(windowStart(document, lineStart, reach.before), lineStart) + before;
  const tail = document.slice(behind, Math.min(document.length, behind + Math.max(LEAST.after, reach.after)));
  return {
    offset: lineStart + character,
    cursor: { uri: document.uri, text: head + tail, offset: head.length, wholeWord: selected !== undefined },
    itemOf: ({ text: completion, replaces }, form, index = 0) => {
      const line = {
        text: (before + completion).replaceAll('\n', document.lineEnd),
        start,
        from: until,
        replaced: document.slice(behind, behind + replaces),
        end: { line: end.line, character: end.character + replaces },
      };
      const item = itemIn(form, line);
      const command = { command: ACCEPTED, title: 'Completion accepted', arguments: [document.uri, index] };
      return item && { ...item, command };
    },
  };
}

/** The start of a line, at least so many units before the one at `lineStart`, or of the document. */
function windowStart(document: OpenDocument, lineStart: number, before: number): number {
  const earliest = Math.floor((lineStart - Math.max(LEAST.before, before)) / STEP) * STEP;
  return earliest <= 0 ? 0 : document.lineStartAt(earliest);
}
