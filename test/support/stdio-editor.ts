import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InlineCompletionItem, InlineCompletionList, Position } from 'vscode-languageserver';

const CLI = join(import.meta.dirname, '../../server/src/cli.ts');

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Some editor: what it says of itself, and what it answers. */
export interface StdioEditorOptions {
  /** Of `initialize`, over what every editor says. */
  readonly initialize?: Readonly<Record<string, unknown>>;
  /** What is set under `foretype`, for a server that asks. */
  readonly configuration?: () => unknown;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * An editor that speaks to `foretype lsp --stdio` byte by byte, without a library that would forgive anything, and keeps
 * all that it hears.
 */
export async function startEditor({ initialize = {}, configuration, env = {} }: StdioEditorOptions) {
  // What the server keeps for its user is none of this user's.
  const home = mkdtempSync(join(tmpdir(), 'foretype-home-'));
  const child = spawn(process.execPath, [CLI, 'lsp', '--stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_STATE_HOME: home, ...env },
  });
  const exit = once(child, 'exit').then(([code]) => {
    rmSync(home, { recursive: true, force: true });
    return code as number | null;
  });
  /** Whatever the server sent, in order. */
  const heard: Message[] = [];
  const waiting = new Set<() => void>();
  let unread = Buffer.alloc(0);
  let sent = 0;
  let version = 0;

  const write = (message: Message) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const hear = (message: Message) => {
    heard.push(message);
    const { id, method } = message;
    if (id !== undefined && method !== undefined)
      write({ id, result: method === 'workspace/configuration' ? [configuration?.() ?? null] : null });
    waiting.forEach((look) => look());
  };
  child.stdout.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n\r\n/u.exec(unread.subarray(0, 64).toString('latin1'));
      if (!head || unread.length < head[0].length + Number(head[1])) return;
      const end = head[0].length + Number(head[1]);
      hear(JSON.parse(unread.subarray(head[0].length, end).toString('utf8')) as Message);
      unread = unread.subarray(end);
    }
  });

  /** Waits for a message from the server, of those heard before, too, from the `after`-th on. */
  const until = async (wanted: (message: Message) => boolean, after = 0): Promise<Message> => {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const look = () => {
      const found = heard.slice(after).find(wanted);
      if (found) resolve(found);
    };
    waiting.add(look);
    look();
    void exit.then((code) => reject(new Error(`The server ended with code ${code ?? 'none'}.`)));
    return promise.finally(() => waiting.delete(look));
  };
  const request = async (method: string, params?: unknown): Promise<unknown> => {
    const id = ++sent;
    write({ id, method, params });
    const { error, result } = await until((message) => message.id === id && message.method === undefined);
    if (error) throw new Error(error.message);
    return result;
  };
  const notify = (method: string, params?: unknown) => write({ method, params });

  const { capabilities } = (await request('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    ...initialize,
    initializationOptions: {
      shareEngine: false,
      ...(initialize['initializationOptions'] as object | undefined),
    },
  })) as { capabilities: Record<string, unknown> };
  notify('initialized', {});

  return {
    pid: child.pid!,
    capabilities,
    heard,
    until,
    request,
    notify,
    exit,
    kill: () => child.kill('SIGKILL'),
    /** The server's standard input ends, as it does when the editor's process is gone. */
    hangUp: () => child.stdin.end(),
    /** What stands on standard output besides whole messages. */
    strayed: () => unread.toString('utf8'),
    open: (uri: string, text: string, languageId: string) =>
      notify('textDocument/didOpen', { textDocument: { uri, languageId, version: ++version, text } }),
    /** Sends a document whole, as editors do that know no parts of it. */
    change: (uri: string, text: string) =>
      notify('textDocument/didChange', {
        textDocument: { uri, version: ++version },
        contentChanges: [{ text }],
      }),
    items: async (uri: string, position: Position, triggerKind: unknown): Promise<InlineCompletionItem[]> => {
      const params = { textDocument: { uri }, position, context: { triggerKind } };
      const result = await request('textDocument/inlineCompletion', params);
      return (result as InlineCompletionList | null)?.items ?? [];
    },
    stop: async () => {
      await request('shutdown');
      notify('exit');
      return exit;
    },
  };
}
