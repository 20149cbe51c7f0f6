import { toLineFeeds } from '@foretype/models';
import type { InlineCompletionItem, Position, SelectedCompletionInfo } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Cursor } from './anchor.ts';
import type { ItemForm } from './editors.ts';
import { itemIn } from './items.ts';
import type { Offered } from './suggestions/parts.ts';

/** Run by the client when a completion was accepted whole; LSP 3.18 has no other sign of it. */
export const ACCEPTED = 'foretype.accepted';

/**
 * UTF-16 code units of a document before and after the cursor that are looked at: more than the longest prompt takes, so
 * that a key costs the same in a document of any length. The beginning moves in steps: the texts of two keys are compared.
 */
const BEFORE = 96 * 1024;
const AFTER = 48 * 1024;
const STEP = 16 * 1024;

/** A place in a document, and what makes items for it. */
export interface Placed {
  readonly cursor: Cursor;
  /** Undefined where the form that the editor understands cannot express it. */
  readonly itemOf: (offered: Offered, form: ItemForm) => InlineCompletionItem | undefined;
}

/**
 * A place in the document as it is now, line ends as `\n`. Items usually replace from the start of the line, where editors
 * match `filterText` against it, so that the text stays while the user types through it; see {@link ItemForm}.
 * @param selected what the editor's own list would insert, which a completion must go on from.
 */
export function placed(
  document: TextDocument,
  position: Position,
  selected: SelectedCompletionInfo | undefined,
): Placed {
  const text = document.getText();
  const start = { line: position.line, character: 0 };
  const until = selected?.range.start ?? position;
  const before = document.getText({ start, end: until }) + (selected?.text ?? '');
  const end = selected?.range.end ?? position;
  const lineStart = document.offsetAt(start);
  const behind = document.offsetAt(end);
  const head = toLineFeeds(text.slice(windowStart(text, lineStart), lineStart) + before);
  const tail = toLineFeeds(text.slice(behind, behind + AFTER));
  return {
    cursor: { uri: document.uri, text: head + tail, offset: head.length },
    itemOf: ({ text: completion, replaces }, form) => {
      const line = {
        text: before + completion.replaceAll('\n', lineEndOf(text)),
        start,
        from: until,
        replaced: text.slice(behind, behind + replaces),
        end: { line: end.line, character: end.character + replaces },
      };
      const item = itemIn(form, line);
      const command = { command: ACCEPTED, title: 'Completion accepted', arguments: [document.uri] };
      return item && { ...item, command };
    },
  };
}

/** The start of a line, at least {@link BEFORE} units before the one at `lineStart`, or of the document. */
function windowStart(text: string, lineStart: number): number {
  const earliest = Math.floor((lineStart - BEFORE) / STEP) * STEP;
  return earliest <= 0 ? 0 : text.lastIndexOf('\n', earliest) + 1;
}

/** As the first line ends. */
function lineEndOf(text: string): string {
  const end = text.indexOf('\n');
  return end > 0 && text[end - 1] === '\r' ? '\r\n' : '\n';
}
