/** The engine process that several hosts share: it listens on a socket and ends when the last host has gone for a while. */
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import {
  createMessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';

/** Milliseconds for which a process without hosts stays: a window that is loaded again comes back to a warm model. */
const LINGER_MS = 5_000;

export interface Listening {
  readonly serve: (connection: MessageConnection) => void;
  /** Whether a host that comes later would find what it needs. */
  readonly isOfUse: () => boolean;
  readonly end: () => void;
}

/** Listens on `path` and tells whoever started this process when it does; ends it where it cannot. */
export function listen(path: string, { serve, isOfUse, end }: Listening): void {
  const hosts = new Set<Socket>();
  let leaving: NodeJS.Timeout | undefined;
  const leave = () => {
    // A pipe of Windows is gone with its process.
    if (process.platform !== 'win32') rmSync(path, { force: true });
    end();
  };
  const linger = () => (leaving = setTimeout(leave, LINGER_MS));
  const server = createServer((socket) => {
    clearTimeout(leaving);
    hosts.add(socket);
    // A host that was killed is one that has gone.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      hosts.delete(socket);
      if (hosts.size > 0) return;
      if (isOfUse()) linger();
      else leave();
    });
    serve(createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket)));
  });
  // Somebody else listens there: whoever started this one will find that one.
  server.on('error', end);
  server.listen(path, () => {
    linger();
    // Whoever started it may have gone since.
    process.send?.('listening', () => process.connected && process.disconnect());
  });
}
