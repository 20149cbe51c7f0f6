import {
  DidChangeConfigurationNotification,
  TextDocuments,
  TextDocumentSyncKind,
  type CancellationToken,
  type Connection,
  type WorkspaceFolder,
} from 'vscode-languageserver';
import { readFile } from 'node:fs/promises';
import type { Cursor } from './anchor.ts';
import { Configuration } from './configuration.ts';
import { neighboursIn } from './context/editor.ts';
import { explained } from './context/fronts.ts';
import { IgnoreFiles } from './context/ignore-files.ts';
import { languageOf, traitsOf, Triggers } from './editors.ts';
import { fetchThrough } from './families/fetch.ts';
import { answerFamilies } from './families/requests.ts';
import { extentAt } from './filters/extent.ts';
import { filtered } from './filters/filtered.ts';
import { placeOf } from './filters/place.ts';
import { lossesOf } from './filters/reasons.ts';
import type { OpenDocument } from './open-document.ts';
import { ACCEPTED, placed } from './placed.ts';
import {
  DismissedNotification,
  ExplainRequest,
  FocusNotification,
  SettingsNotification,
  StatusNotification,
  VerifiedNotification,
} from './protocol.ts';
import { CompletionService } from './service.ts';
import { readSettings } from './settings.ts';
import type { Refusal } from './suggestions/parts.ts';
import { Suggestions } from './suggestions/suggestions.ts';
import { directoryGiven, measuresFor } from './usage/bound.ts';

/** Binds every message to what answers it. The connection must not be listening yet. */
export function serve(
  connection: Connection,
  options: {
    readonly family: string;
    /** See `ServiceOptions.families`. */
    readonly families?: string;
    readonly version: string;
    /** Where measures of use are kept for clients that give no directory; none where absent. */
    readonly usage?: string;
    /** See `ServiceOptions.engine`. */
    readonly engine?: NonNullable<ConstructorParameters<typeof CompletionService>[0]['engine']>;
  },
): void {
  const measures = measuresFor(connection, (uri) => documents.get(uri));
  const documents: TextDocuments<OpenDocument> = new TextDocuments(measures.documents);
  const service = new CompletionService({
    family: options.family,
    version: options.version,
    settings: readSettings({}).settings,
    onStatus: (status) => {
      if (traits.notifications) void connection.sendNotification(StatusNotification, status);
    },
    log: (message) => connection.console.info(message),
    neighbours: {
      beside: (uri) => neighbours.beside(uri),
      allowed: (uri) => neighbours.allowed(uri),
    },
    ...(options.engine && { engine: options.engine }),
    ...(options.families !== undefined && { families: options.families }),
  });

  const configuration = new Configuration({
    apply: (settings) => {
      service.configure(settings);
      measures.configure(settings);
    },
    ask: () => connection.workspace.getConfiguration('foretype') as Promise<unknown>,
    warn: (message) => connection.console.warn(message),
    token: process.env['FORETYPE_EDGE_TOKEN'] ?? '',
    read: (path) => readFile(path, 'utf8'),
  });

  let traits = traitsOf({});
  let triggers = new Triggers(traits);
  let asksForSettings = false;
  let hearsOfSettings = false;
  let followsFolders = false;
  let begun = Promise.resolve();
  const ignored = new IgnoreFiles({
    folders: [],
    log: (message) => connection.console.warn(message),
    now: () => performance.now(),
  });
  const neighbours = neighboursIn(documents, ignored, () => service.roomBeside);
  const suggestions = new Suggestions({
    make: (work, signal) => service.candidates(work, signal),
    cut: (text, { cursor, language }) => {
      const kept = filtered(text, placeOf(cursor, language));
      return { ...kept, losses: lossesOf(kept) };
    },
    scope: (uri) => service.scopeOf(uri),
    verifies: () => service.verifies,
    typing: () => service.typing,
    onVerified: (place) => {
      if (traits.notifications) void connection.sendNotification(VerifiedNotification, place);
    },
    now: () => performance.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });

  const setFolders = (folders: readonly WorkspaceFolder[] | null | undefined) => {
    const uris = folders?.map(({ uri }) => uri) ?? [];
    ignored.setFolders(uris);
    neighbours.setFolders(uris);
  };

  connection.onInitialize(({ initializationOptions, clientInfo, workspaceFolders, capabilities }) => {
    traits = traitsOf({ clientInfo, initializationOptions });
    triggers = new Triggers(traits);
    measures.open(directoryGiven(initializationOptions, options.usage ?? ''), clientInfo?.name);
    begun = configuration.begin(initializationOptions);
    asksForSettings = capabilities.workspace?.configuration === true && !traits.pushesSettings;
    hearsOfSettings = capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true;
    setFolders(workspaceFolders);
    followsFolders = capabilities.workspace?.workspaceFolders === true;
    return {
      capabilities: {
        positionEncoding: 'utf-16',
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        inlineCompletionProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
        executeCommandProvider: { commands: [ACCEPTED] },
      },
      serverInfo: { name: 'foretype', version: options.version },
    };
  });
  // Only now, so that a model on a slow disk cannot delay the answer to `initialize`.
  connection.onInitialized(async () => {
    if (followsFolders)
      connection.workspace.onDidChangeWorkspaceFolders(async () => {
        setFolders(await connection.workspace.getWorkspaceFolders());
      });
    // The token may have to be read from a file.
    await begun;
    service.start();
    if (asksForSettings) {
      void configuration.ask();
      const section = { section: 'foretype' };
      // Who refuses sends changes unasked, or has none.
      if (hearsOfSettings)
        connection.client.register(DidChangeConfigurationNotification.type, section).catch(() => undefined);
    }
  });
  connection.onNotification(SettingsNotification, (sent) => configuration.replace(sent));
  connection.onDidChangeConfiguration(async ({ settings }) => {
    if (!traits.pushesSettings) await configuration.change(settings, asksForSettings);
  });
  connection.onNotification(DismissedNotification, ({ uri }) => {
    suggestions.dismissed(uri);
    measures.dismissed(uri);
  });
  connection.onRequest(ExplainRequest, ({ uri }) => explained(suggestions.explain(uri)));
  connection.onExecuteCommand(({ command, arguments: [uri, which] = [] }) => {
    if (command === ACCEPTED && typeof uri === 'string') {
      const index = typeof which === 'number' ? which : 0;
      suggestions.accepted(uri, index);
      measures.accepted(uri, index);
    }
    return null;
  });
  answerFamilies(connection, {
    places: () => service.families,
    fetch: () => fetchThrough(service.network),
    onMended: () => service.reload(),
  });
  connection.onShutdown(async () => {
    // Engines end at once, and a large one takes a while to give its memory back: nobody needs to wait for that.
    service.dispose().catch(() => undefined);
    await measures.close();
  });

  connection.languages.inlineCompletion.on(async ({ textDocument, position, context }, token) => {
    const document = documents.get(textDocument.uri);
    // A position beyond the document belongs to a version of it that is gone.
    if (!document || position.line >= document.lineCount) return null;
    const signal = signalOf(token);
    const explicit = triggers.explicit(context.triggerKind);
    const { uri, languageId, version } = document;
    const language = languageOf(languageId);
    const { offset, cursor, itemOf } = placed(
      document,
      position,
      context.selectedCompletionInfo,
      service.reach,
    );
    const asking = measures.request(document, language, offset);
    const exclusion = await ignored.exclusionOf(uri, 'completion');
    const off = exclusion
      ? { message: exclusion.message, stays: false }
      : service.refusal({ language, explicit });
    const refused = off ?? (explicit ? undefined : refusalAt(cursor, language));
    if (!refused) neighbours.visited({ uri, line: position.line });
    try {
      const request = { uri, version, position, language, explicit, cursor, refused };
      const suggestion = await suggestions.suggest(request, signal);
      const offered = suggestion ? [suggestion, ...suggestion.others] : [];
      const items = offered
        .map((one, index) => itemOf(one, traits.items, index))
        .filter((item) => item !== undefined);
      const [first, ...others] = items;
      if (suggestion && first && !signal.aborted) {
        const report = suggestions.explain(uri)?.report;
        const [verified, adapter] = [report?.path === 'speculated', Boolean(report?.adapter)];
        asking.given(first, { path: suggestion.given, verified, adapter, others });
      } else if (signal.aborted || suggestion === null) asking.none('late');
      else asking.none(exclusion ? 'excluded' : off ? 'off' : 'nothing');
      // Neovim takes null for no answer and goes on showing the last text, which is right only until the next answer.
      return suggestion === null ? null : { items };
    } catch (error) {
      asking.none(signal.aborted ? 'late' : 'failed');
      if (signal.aborted) return null;
      throw error;
    }
  });

  documents.onDidOpen(({ document: { uri } }) => {
    service.opened(uri);
    // Found out now, so that the first completion need not wait for the disk.
    void ignored.exclusionOf(uri, 'completion');
  });
  documents.onDidChangeContent(() => service.wake());
  connection.onNotification(FocusNotification, () => service.wake());
  documents.onDidSave(({ document: { uri } }) => ignored.changed(uri));
  documents.onDidClose(({ document }) => {
    const { uri } = document;
    suggestions.closed(uri);
    service.closed(uri);
    measures.closed(document);
  });
  documents.listen(connection);
}

/** In the middle of a word whatever is written becomes part of it. */
function refusalAt(cursor: Cursor, language: string): Refusal | undefined {
  return extentAt(placeOf(cursor, language)) === 'none'
    ? { message: 'The cursor stands in the middle of a word.', stays: true }
    : undefined;
}

function signalOf(token: CancellationToken): AbortSignal {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}
