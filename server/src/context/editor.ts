import type { TextDocuments } from 'vscode-languageserver';
import { textAt } from './beginning.ts';
import type { IgnoreFiles } from './ignore-files.ts';
import type { OpenDocument } from '../open-document.ts';
import { pathOf } from './ignored.ts';
import { Neighbours } from './neighbours.ts';

/** What is beside the documents of an editor, by its own events, the ignore files on the disk, and the clock. */
export function neighboursIn(
  documents: TextDocuments<OpenDocument>,
  ignored: Pick<IgnoreFiles, 'exclusionOf'>,
  room: () => number,
): Neighbours {
  const neighbours = new Neighbours({
    room,
    open: () => documents.keys(),
    textOf: (uri) => documents.get(uri)?.text,
    // Where the ignore files cannot be read, nobody knows what they say.
    allowed: async (uri) => pathOf(uri).local && (await ignored.exclusionOf(uri, 'context')) === undefined,
    read: textAt,
    clock: {
      now: () => performance.now(),
      after: (ms, then) => {
        const timer = setTimeout(then, ms);
        return () => clearTimeout(timer);
      },
    },
  });
  documents.onDidOpen(({ document: { uri } }) => neighbours.opened(uri));
  documents.onDidSave(({ document: { uri } }) => neighbours.saved(uri));
  documents.onDidClose(({ document }) => neighbours.closed(document.uri, document.text));
  return neighbours;
}
