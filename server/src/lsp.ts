import {
  InlineCompletionTriggerKind,
  TextDocuments,
  TextDocumentSyncKind,
  type CancellationToken,
  type Connection,
  type InlineCompletionItem,
  type Position,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Candidate } from './completion.ts';
import { SettingsNotification, StatusNotification } from './protocol.ts';
import { CompletionService } from './service.ts';
import { readSettings } from './settings.ts';
import { wholeCharacter } from '@foretype/models';

/** Run by the client when a completion was accepted whole; LSP 3.18 has no other sign of it. */
const ACCEPTED = 'foretype.accepted';

/**
 * Milliseconds that a completion made while typing waits for the target once the draft is there. A completion that was
 * asked for by a key waits longer: who asks wants the answer.
 */
const PATIENCE = {
  [InlineCompletionTriggerKind.Automatic]: 400,
  [InlineCompletionTriggerKind.Invoked]: 10_000,
};

/** Binds every message to what answers it. The connection must not be listening yet. */
export function serve(
  connection: Connection,
  options: { readonly family: string; readonly version: string },
): void {
  const documents = new TextDocuments(TextDocument);
  const settings = (sent: unknown) => {
    const read = readSettings(sent);
    read.problems.forEach((problem) => connection.console.warn(problem));
    return read.settings;
  };
  const service = new CompletionService({
    family: options.family,
    settings: readSettings({}).settings,
    onStatus: (status) => void connection.sendNotification(StatusNotification, status),
    log: (message) => connection.console.info(message),
  });

  connection.onInitialize(({ initializationOptions }) => {
    service.configure(settings(initializationOptions));
    return {
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        inlineCompletionProvider: true,
        executeCommandProvider: { commands: [ACCEPTED] },
      },
      serverInfo: { name: 'foretype', version: options.version },
    };
  });
  // Only now, so that a model on a slow disk cannot delay the answer to `initialize`.
  connection.onInitialized(() => service.start());
  connection.onNotification(SettingsNotification, (sent) => service.configure(settings(sent)));
  connection.onDidChangeConfiguration((change: { settings?: { foretype?: unknown } | null }) => {
    if (change.settings?.foretype) service.configure(settings(change.settings.foretype));
  });
  connection.onExecuteCommand(() => null);
  connection.onShutdown(() => service.dispose());

  connection.languages.inlineCompletion.on(async (params, token) => {
    const document = documents.get(params.textDocument.uri);
    // A position beyond the document belongs to a version of it that is gone.
    if (!document || params.position.line >= document.lineCount) return null;
    const signal = signalOf(token);
    try {
      const text = document.getText();
      // Clamped to the line and to whole characters once, so that what was completed is what will be replaced.
      const offset = wholeCharacter(text, document.offsetAt(params.position));
      // The document goes on changing while the completion is made.
      const itemOf = itemsAt(document, document.positionAt(offset));
      const candidate = await service.complete(
        { uri: document.uri, text, offset },
        PATIENCE[params.context.triggerKind],
        signal,
      );
      return candidate ? { items: [itemOf(candidate)] } : null;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  });

  documents.onDidOpen(({ document }) => service.opened(document.uri));
  documents.listen(connection);
}

/**
 * Makes items for a place in the document as it is now. They replace from the start of the line: editors match
 * `filterText` against what stands there, so that the text stays while the user types through it.
 */
function itemsAt(document: TextDocument, position: Position): (candidate: Candidate) => InlineCompletionItem {
  const start = { line: position.line, character: 0 };
  const before = document.getText({ start, end: position });
  const lineEnd = document.getText().includes('\r\n') ? '\r\n' : '\n';
  return ({ text }) => {
    const insertText = before + text.replaceAll('\n', lineEnd);
    return {
      insertText,
      filterText: insertText,
      range: { start, end: position },
      command: { command: ACCEPTED, title: 'Completion accepted' },
    };
  };
}

function signalOf(token: CancellationToken): AbortSignal {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}
