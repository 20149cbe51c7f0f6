/** The way to an engine process, and the engine process that its host has for itself. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import type { EngineSpec } from './spec.ts';

/** A running engine process, and a connection to it. */
export interface Link {
  /** Not listening yet. */
  readonly connection: MessageConnection;
  /** Known at once where the process is the host's own, otherwise from the process itself. */
  readonly pid: number | undefined;
  /** How it ended, in words that may follow "The model process". */
  readonly ended: Promise<string>;
  /** What the process is to load beside what the host specifies. */
  readonly resources?: Partial<EngineSpec>;
  /** The host goes: the process ends, or is left to others who use it. Resolves when that is done. */
  close(): Promise<void>;
  /** It is of no use: as `close`, but without a word. */
  drop(): void;
  /** It has loaded something else than was asked for, and must not be linked to again. */
  readonly distrust?: () => void;
}

/** In a bundle the child stands beside this module under another name. */
export const CHILD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './engine-child.mjs', import.meta.url),
);

/**
 * Starts a process that ends when its host does.
 * @throws what `fork` throws, for want of memory, say.
 */
export function ownProcess(): Link {
  // No standard output: the host's own may be a protocol that a stray native line would break.
  const child = fork(CHILD, [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  return {
    connection: createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child)),
    pid: child.pid,
    ended: endOf(child),
    close: async () => {
      if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      // It has nothing to save, and would hear of its channel's end only when it has loaded.
      child.kill('SIGKILL');
      await exit;
    },
    drop: () => void child.kill('SIGKILL'),
  };
}

function endOf(child: ChildProcess): Promise<string> {
  let lastWords = '';
  // It is not there where the process could not be started for want of file descriptors.
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => (lastWords = (lastWords + text).slice(-500)));
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on('error', (error) => resolve(`could not be started (${error.message})`));
  child.once('exit', (code, signal) => {
    const said = lastWords.trim().split('\n').at(-1);
    resolve(signal ? `was ended by ${signal}` : `ended with code ${code}${said ? ` (${said})` : ''}`);
  });
  return promise;
}
