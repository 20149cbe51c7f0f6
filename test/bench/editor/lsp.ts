import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  CancellationTokenSource,
  createConnection,
  createProtocolConnection,
  type DataCallback,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  type Disposable,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  type InlineCompletionItem,
  type InlineCompletionList,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  type Message,
  type MessageReader,
  type MessageWriter,
  type Position,
  ProposedFeatures,
  type ProtocolConnection,
  type Range,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { serve } from '../../../server/src/lsp.ts';
import {
  ExplainRequest,
  StatusNotification,
  type Explanation,
  type ServerSettings,
  type ServerStatus,
} from '../../../server/src/protocol.ts';

const MAIN = join(import.meta.dirname, '../../../server/src/main.ts');
/** Milliseconds that models and a node get to become ready. */
const READY_WITHIN = 30_000;

/** The language server as an editor has it: documents change in parts, and requests are cancelled. */
export class Editor {
  /** Of the server's process; undefined where it runs in this one. */
  readonly pid: number | undefined;
  readonly #connection: ProtocolConnection;
  readonly #end: () => Promise<void>;
  readonly #waiting = new Set<() => void>();
  #status: ServerStatus | undefined;
  #version = 0;

  private constructor(connection: ProtocolConnection, pid: number | undefined, end: () => Promise<void>) {
    this.#connection = connection;
    this.pid = pid;
    this.#end = end;
    connection.onNotification(StatusNotification, (status) => {
      this.#status = status;
      for (const look of this.#waiting) look();
    });
    connection.listen();
  }

  /** In a process of its own, over its standard input and output. */
  static async overPipes(settings: Partial<ServerSettings>, family: string): Promise<Editor> {
    // Where nobody else meets, so that no engine is shared with an editor that is open on this machine.
    const meeting = await mkdtemp(join(tmpdir(), 'ft-bench-'));
    const child = spawn(process.execPath, [MAIN, '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, FORETYPE_FAMILY: family, XDG_RUNTIME_DIR: meeting },
    });
    const connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    const editor = new Editor(connection, child.pid, async () => {
      const exit = once(child, 'exit');
      await connection.sendNotification(ExitNotification.type);
      await exit;
      await rm(meeting, { recursive: true, force: true });
    });
    await editor.#initialize(settings);
    return editor;
  }

  /** In this process, handed messages as objects: what is left is the server's own work. */
  static async inProcess(settings: Partial<ServerSettings>, family: string): Promise<Editor> {
    const [there, back] = [new Handover(), new Handover()];
    const server = createConnection(ProposedFeatures.all, there.reader, back.writer);
    serve(server, { family, version: 'bench' });
    server.listen();
    const client = createProtocolConnection(back.reader, there.writer);
    // To be told to exit would end this process.
    const editor = new Editor(client, undefined, () => {
      client.dispose();
      server.dispose();
      return Promise.resolve();
    });
    await editor.#initialize(settings);
    return editor;
  }

  async #initialize(settings: Partial<ServerSettings>): Promise<void> {
    await this.#connection.sendRequest(InitializeRequest.type, {
      processId: null,
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field; null says: no folder.
      rootUri: null,
      workspaceFolders: null,
      capabilities: { textDocument: { inlineCompletion: {} } },
      initializationOptions: settings,
    });
    await this.#connection.sendNotification(InitializedNotification.type, {});
  }

  /** @throws Error saying the last state, where `wanted` does not come in time. */
  async until(wanted: (status: ServerStatus) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const look = () => this.#status && wanted(this.#status) && resolve(undefined);
    const timer = setTimeout(
      () => reject(new Error(`The language server is still ${JSON.stringify(this.#status)}.`)),
      READY_WITHIN,
    );
    this.#waiting.add(look);
    look();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  async open(uri: string, text: string): Promise<void> {
    const languageId = uri.endsWith('ts') ? 'typescript' : 'javascript';
    await this.#connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId, version: ++this.#version, text },
    });
  }

  async close(uri: string): Promise<void> {
    await this.#connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
  }

  async edit(uri: string, range: Range, text: string): Promise<void> {
    await this.#connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version: ++this.#version },
      contentChanges: [{ range, text }],
    });
  }

  /** What the first item has behind the position; empty where there is none, or `signal` was aborted. */
  async ask(uri: string, position: Position, signal?: AbortSignal, explicit = false): Promise<string> {
    const cancel = new CancellationTokenSource();
    signal?.addEventListener('abort', () => cancel.cancel(), { once: true });
    const { Invoked, Automatic } = InlineCompletionTriggerKind;
    const params = {
      textDocument: { uri },
      position,
      context: { triggerKind: explicit ? Invoked : Automatic },
    };
    const result: InlineCompletionItem[] | InlineCompletionList | null = await this.#connection.sendRequest(
      InlineCompletionRequest.type,
      params,
      cancel.token,
    );
    const [item] = Array.isArray(result) ? result : (result?.items ?? []);
    if (!item) return '';
    const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
    return text.slice(position.character - (item.range?.start.character ?? position.character));
  }

  /** What became of the last request for a document; the least that can be asked of the server. */
  explain(uri: string): Promise<Explanation | null> {
    return this.#connection.sendRequest(ExplainRequest, { uri });
  }

  async stop(): Promise<void> {
    await this.#connection.sendRequest(ShutdownRequest.type);
    await this.#end();
  }
}

/** One way between two connections in one process. */
class Handover {
  #deliver: DataCallback | undefined;
  readonly reader: MessageReader;
  readonly writer: MessageWriter;

  constructor() {
    const listen = (callback: DataCallback) => (this.#deliver = callback);
    const deliver = (message: Message) => this.#deliver?.(message);
    this.reader = new (class extends AbstractMessageReader {
      listen(callback: DataCallback): Disposable {
        listen(callback);
        return { dispose: () => undefined };
      }
    })();
    this.writer = new (class extends AbstractMessageWriter {
      write(message: Message): Promise<void> {
        deliver(message);
        return Promise.resolve();
      }
      end(): void {
        // Nothing is kept open.
      }
    })();
  }
}
