import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  createProtocolConnection,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type InlineCompletionItem,
  type InlineCompletionList,
  type Position,
} from 'vscode-languageserver/node';
import { StatusNotification, type ServerSettings, type ServerStatus } from './protocol.ts';

export interface Question {
  /** Absolute path of the document; only its name is used, `text` is what counts. */
  readonly file: string;
  readonly text: string;
  readonly position: Position;
  readonly settings: Partial<ServerSettings>;
}

export interface Answer {
  /** The text to insert at the position; empty where the models have nothing to say. */
  readonly text: string;
  /** The server's state after the completion; its `lastCompletion` says how the text came about. */
  readonly status: ServerStatus;
}

/** Milliseconds that the models and the edge node get to become ready, or to say that they will not. */
const READY_WITHIN = 30_000;

/**
 * Asks a real language server, in a process of its own and over LSP, for one completion, as an editor would.
 * @throws Error with one sentence where the server cannot answer.
 */
export async function ask({ file, text, position, settings }: Question): Promise<Answer> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const connection = createProtocolConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  let status: ServerStatus | undefined;
  const settled = Promise.withResolvers<undefined>();
  connection.onNotification(StatusNotification, (now) => {
    status = now;
    if (now.draft !== 'loading' && now.edge !== 'connecting') settled.resolve(undefined);
  });
  child.once('exit', (code) =>
    settled.reject(new Error(`The language server ended with code ${code ?? 'none'}.`)),
  );
  connection.listen();
  try {
    await connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      workspaceFolders: null,
      rootUri: null, // eslint-disable-line @typescript-eslint/no-deprecated
      capabilities: { textDocument: { inlineCompletion: {} } },
      initializationOptions: settings,
    });
    await connection.sendNotification(InitializedNotification.type, {});
    const uri = pathToFileURL(file).href;
    await connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: 'plaintext', version: 1, text },
    });
    const late = setTimeout(() => settled.resolve(undefined), READY_WITHIN);
    await settled.promise.finally(() => clearTimeout(late));
    const result = await connection.sendRequest(InlineCompletionRequest.type, {
      textDocument: { uri },
      position,
      context: { triggerKind: InlineCompletionTriggerKind.Invoked },
    });
    if (!status) throw new Error('The language server never said how it is.');
    if (status.draft === 'failed') throw new Error(status.reason ?? 'The draft model could not be loaded.');
    await connection.sendRequest(ShutdownRequest.type);
    await connection.sendNotification(ExitNotification.type);
    await exit;
    return { text: insertionOf(result, position), status };
  } finally {
    connection.dispose();
    child.kill();
  }
}

/** What an item adds at the position: it replaces from somewhere before it, with the text that stands there first. */
function insertionOf(
  result: InlineCompletionItem[] | InlineCompletionList | null,
  position: Position,
): string {
  const [item] = Array.isArray(result) ? result : (result?.items ?? []);
  if (!item) return '';
  const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
  return text.slice(position.character - (item.range?.start.character ?? position.character));
}
