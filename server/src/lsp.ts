import {
  InlineCompletionTriggerKind,
  TextDocuments,
  TextDocumentSyncKind,
  type CancellationToken,
  type Connection,
  type InlineCompletionItem,
  type Position,
  type SelectedCompletionInfo,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Cursor } from './anchor.ts';
import { IgnoreFiles } from './context/ignore-files.ts';
import { filtered } from './filters/filtered.ts';
import { placeAt } from './filters/place.ts';
import {
  DismissedNotification,
  ExplainRequest,
  SettingsNotification,
  StatusNotification,
  VerifiedNotification,
} from './protocol.ts';
import { CompletionService } from './service.ts';
import { readSettings } from './settings.ts';
import { Suggestions, type Suggestion } from './suggestions/suggestions.ts';
import { toLineFeeds, wholeCharacter } from '@foretype/models';

/** Run by the client when a completion was accepted whole; LSP 3.18 has no other sign of it. */
const ACCEPTED = 'foretype.accepted';

/**
 * Milliseconds after the draft for which the target's text is still worth while: for a completion made while typing it
 * takes the place of what is shown, which nobody wants to change under their eyes later; who asked for one by a key waits
 * for the answer.
 */
const PATIENCE = { typing: 1000, asked: 10_000 };

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

  let followsFolders = false;
  const ignored = new IgnoreFiles({
    folders: [],
    log: (message) => connection.console.warn(message),
    now: () => performance.now(),
  });
  const suggestions = new Suggestions({
    make: (cursor, explicit, signal) =>
      service.candidates(cursor, explicit ? PATIENCE.asked : PATIENCE.typing, signal),
    cut: (text, { cursor, language }) => filtered(text, placeAt(cursor.text, cursor.offset, language)),
    scope: (uri) => service.scopeOf(uri),
    verifies: () => service.verifies,
    typing: () => service.typing,
    onVerified: (place) => void connection.sendNotification(VerifiedNotification, place),
    now: () => performance.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });

  connection.onInitialize(({ initializationOptions, workspaceFolders, capabilities }) => {
    service.configure(settings(initializationOptions));
    ignored.setFolders(workspaceFolders?.map(({ uri }) => uri) ?? []);
    followsFolders = capabilities.workspace?.workspaceFolders === true;
    return {
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        inlineCompletionProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
        executeCommandProvider: { commands: [ACCEPTED] },
      },
      serverInfo: { name: 'foretype', version: options.version },
    };
  });
  // Only now, so that a model on a slow disk cannot delay the answer to `initialize`.
  connection.onInitialized(() => {
    service.start();
    if (!followsFolders) return;
    connection.workspace.onDidChangeWorkspaceFolders(async () => {
      const folders = await connection.workspace.getWorkspaceFolders();
      ignored.setFolders(folders?.map(({ uri }) => uri) ?? []);
    });
  });
  connection.onNotification(SettingsNotification, (sent) => service.configure(settings(sent)));
  connection.onDidChangeConfiguration((change: { settings?: { foretype?: unknown } | null }) => {
    if (change.settings?.foretype) service.configure(settings(change.settings.foretype));
  });
  connection.onNotification(DismissedNotification, ({ uri }) => suggestions.dismissed(uri));
  connection.onRequest(ExplainRequest, ({ uri }) => suggestions.explain(uri));
  connection.onExecuteCommand(({ command, arguments: [uri] = [] }) => {
    if (command === ACCEPTED && typeof uri === 'string') suggestions.accepted(uri);
    return null;
  });
  connection.onShutdown(() => service.dispose());

  connection.languages.inlineCompletion.on(async ({ textDocument, position, context }, token) => {
    const document = documents.get(textDocument.uri);
    // A position beyond the document belongs to a version of it that is gone.
    if (!document || position.line >= document.lineCount) return null;
    const signal = signalOf(token);
    const explicit = context.triggerKind === InlineCompletionTriggerKind.Invoked;
    const { uri, languageId: language, version } = document;
    // Clamped to the line and to whole characters once, so that what was completed is what will be replaced; and read
    // before anything is waited for, since the document goes on changing.
    const offset = wholeCharacter(document.getText(), document.offsetAt(position));
    const { cursor, itemOf } = placed(document, document.positionAt(offset), context.selectedCompletionInfo);
    const why =
      service.refusal({ language, explicit }) ?? (await ignored.exclusionOf(uri, 'completion'))?.message;
    if (why !== undefined) {
      suggestions.refused({ uri, version, position }, why);
      return null;
    }
    try {
      const request = { uri, version, position, language, explicit, cursor };
      const suggestion = await suggestions.suggest(request, signal);
      return suggestion ? { items: [itemOf(suggestion)] } : null;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  });

  documents.onDidOpen(({ document: { uri } }) => {
    service.opened(uri);
    // Found out now, so that the first completion need not wait for the disk.
    void ignored.exclusionOf(uri, 'completion');
  });
  documents.onDidSave(({ document: { uri } }) => ignored.changed(uri));
  documents.onDidClose(({ document: { uri } }) => {
    suggestions.closed(uri);
    service.closed(uri);
  });
  documents.listen(connection);
}

/**
 * A place in the document as it is now, line ends as `\n`, and what makes items for it. They replace from the start of the
 * line: editors match `filterText` against what stands there, so that the text stays while the user types through it.
 * @param selected what the editor's own list would insert, which a completion must go on from.
 */
function placed(
  document: TextDocument,
  position: Position,
  selected: SelectedCompletionInfo | undefined,
): { readonly cursor: Cursor; readonly itemOf: (suggestion: Suggestion) => InlineCompletionItem } {
  const text = document.getText();
  const start = { line: position.line, character: 0 };
  const until = selected?.range.start ?? position;
  const before = document.getText({ start, end: until }) + (selected?.text ?? '');
  const end = selected?.range.end ?? position;
  const head = toLineFeeds(text.slice(0, document.offsetAt(start)) + before);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  return {
    cursor: {
      uri: document.uri,
      text: head + toLineFeeds(text.slice(document.offsetAt(end))),
      offset: head.length,
    },
    itemOf: ({ text: completion, replaces }) => {
      const insertText = before + completion.replaceAll('\n', lineEnd);
      return {
        insertText,
        filterText: insertText,
        range: { start, end: { line: end.line, character: end.character + replaces } },
        command: { command: ACCEPTED, title: 'Completion accepted', arguments: [document.uri] },
      };
    },
  };
}

function signalOf(token: CancellationToken): AbortSignal {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}
