import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ErrorCodes,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  LogMessageNotification,
  ResponseError,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type CancellationToken,
  type InitializeResult,
  type InlineCompletionItem,
  type InlineCompletionList,
  type Position,
  type ProtocolConnection,
} from 'vscode-languageserver/node';
import {
  ExplainRequest,
  SettingsNotification,
  StatusNotification,
  type Explanation,
  type ServerSettings,
  type ServerStatus,
} from './protocol.ts';

/** Milliseconds that the models and the edge node get to become ready, or to say that they will not. */
const READY_WITHIN = 30_000;

/** Codes of errors that the connection makes up itself when it breaks. */
const BROKEN: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.PendingResponseRejected,
]);

/** Editors' identifiers of languages, by the ends of files; what is not named is plain text. */
const LANGUAGES: Readonly<Record<string, string>> = {
  c: 'c',
  cc: 'cpp',
  cjs: 'javascript',
  cpp: 'cpp',
  cs: 'csharp',
  css: 'css',
  go: 'go',
  h: 'c',
  html: 'html',
  java: 'java',
  js: 'javascript',
  json: 'json',
  jsx: 'javascriptreact',
  kt: 'kotlin',
  md: 'markdown',
  mjs: 'javascript',
  php: 'php',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  sh: 'shellscript',
  sql: 'sql',
  ts: 'typescript',
  tsx: 'typescriptreact',
  yaml: 'yaml',
  yml: 'yaml',
};

function languageOf(uri: string): string {
  return LANGUAGES[/\.([a-z]+)$/u.exec(uri)?.[1] ?? ''] ?? 'plaintext';
}

/** A language server in a process of its own, spoken to over LSP as an editor would. */
export class Client {
  readonly #child: ChildProcess;
  readonly #connection: ProtocolConnection;
  /** The lines of the server's log so far. */
  readonly log: string[] = [];
  readonly #listeners = new Set<() => void>();
  /** Rejects, with one sentence, when the server's process has ended. */
  readonly #death = Promise.withResolvers<never>();
  #status: ServerStatus | undefined;
  /** Of whatever document was opened or changed last. */
  #version = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#connection = createProtocolConnection(
      new StreamMessageReader(child.stdout!),
      new StreamMessageWriter(child.stdin!),
    );
    this.#connection.onNotification(StatusNotification, (status) => {
      this.#status = status;
      this.#listeners.forEach((listener) => listener());
    });
    this.#connection.onNotification(
      LogMessageNotification.type,
      ({ message }) => void this.log.push(message),
    );
    this.#connection.listen();
    // A connection whose other side is gone leaves its requests pending for ever, so they are rejected here.
    child.once('exit', (code, signal) => {
      this.#death.reject(new Error(`The language server ended with ${signal ?? `code ${code ?? 'none'}`}.`));
      this.#connection.dispose();
    });
    this.#death.promise.catch(() => undefined);
  }

  /**
   * Starts a server; it is ready to be asked at once, and loads its model meanwhile.
   * @param env variables on top of this process's own.
   */
  static async start(
    settings: Partial<ServerSettings>,
    env: Record<string, string> = {},
  ): Promise<{ client: Client; initialized: InitializeResult }> {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const client = new Client(child);
    const initialized = await client.#alive(() =>
      client.#connection.sendRequest(InitializeRequest.type, {
        processId: process.pid,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field; null says: no folder.
        rootUri: null,
        workspaceFolders: null,
        capabilities: { textDocument: { inlineCompletion: {} } },
        // Whoever starts a server for a moment wants its model gone with it.
        initializationOptions: { shareEngine: false, ...settings },
      }),
    );
    await client.#alive(() => client.#connection.sendNotification(InitializedNotification.type, {}));
    return { client, initialized };
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The server's state as it said last; undefined before its first word. */
  get status(): ServerStatus | undefined {
    return this.#status;
  }

  /**
   * Waits for a state.
   * @throws Error saying the last state, where it does not come within `within` milliseconds, or how the server ended.
   */
  async until(wanted: (status: ServerStatus) => boolean, within = READY_WITHIN): Promise<ServerStatus> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerStatus>();
    const look = () => this.#status && wanted(this.#status) && resolve(this.#status);
    const timer = setTimeout(() => {
      reject(
        new Error(
          `The language server did not get there in ${within} ms; it is ${JSON.stringify(this.#status)}.`,
        ),
      );
    }, within);
    this.#listeners.add(look);
    look();
    try {
      return await Promise.race([promise, this.#death.promise]);
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(look);
    }
  }

  async configure(settings: Partial<ServerSettings>): Promise<void> {
    await this.#alive(() =>
      this.#connection.sendNotification(SettingsNotification, settings as ServerSettings),
    );
  }

  async open(uri: string, text: string): Promise<void> {
    const textDocument = { uri, languageId: languageOf(uri), version: ++this.#version, text };
    await this.#alive(() =>
      this.#connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument }),
    );
  }

  /** Has an open document be another text. */
  async change(uri: string, text: string): Promise<void> {
    const textDocument = { uri, version: ++this.#version };
    const params = { textDocument, contentChanges: [{ text }] };
    await this.#alive(() =>
      this.#connection.sendNotification(DidChangeTextDocumentNotification.type, params),
    );
  }

  /** What became of the last request for a document. */
  async explain(uri: string): Promise<Explanation | null> {
    return this.#alive(() => this.#connection.sendRequest(ExplainRequest, { uri }));
  }

  /** The items for a position, as the server gives them. */
  async items(
    uri: string,
    position: Position,
    triggerKind: InlineCompletionTriggerKind,
    token?: CancellationToken,
  ): Promise<InlineCompletionItem[]> {
    const params = { textDocument: { uri }, position, context: { triggerKind } };
    const result: InlineCompletionItem[] | InlineCompletionList | null = await this.#alive(() =>
      this.#connection.sendRequest(InlineCompletionRequest.type, params, token),
    );
    return Array.isArray(result) ? result : (result?.items ?? []);
  }

  /** The text that the first item adds at the position, asked for as by a key; empty where there is none. */
  async complete(uri: string, position: Position): Promise<string> {
    const [item] = await this.items(uri, position, InlineCompletionTriggerKind.Invoked);
    if (!item) return '';
    const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
    // An item replaces from somewhere before the position, with the text that stands there first.
    return text.slice(position.character - (item.range?.start.character ?? position.character));
  }

  /** Ends the server in LSP's own way; one that has ended already is left at that. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    await this.#alive(() => this.#connection.sendRequest(ShutdownRequest.type)).catch(() => undefined);
    await this.#alive(() => this.#connection.sendNotification(ExitNotification.type)).catch(() => undefined);
    await exit;
  }

  /**
   * Does what needs a living server.
   * @throws Error saying how the server ended, where it did; otherwise what `work` threw.
   */
  async #alive<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await Promise.race([work(), this.#death.promise]);
    } catch (error) {
      // A server that ends breaks its pipes first; that it ended is what the user can make something of.
      const answered = error instanceof ResponseError && !BROKEN.has(error.code);
      throw answered ? error : await this.#death.promise;
    }
  }
}
