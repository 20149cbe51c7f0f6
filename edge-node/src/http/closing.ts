import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Presence } from '../access/presence.ts';
import { MAX_FRAME_BYTES } from '../protocol/index.ts';
import { closeAll, type Connection } from '../wire.ts';
import { answerGoingAway } from './answers.ts';

export interface ClosingParts {
  readonly presence: Presence;
  readonly connections: ReadonlySet<Connection>;
  /** Milliseconds that work under way is given. */
  readonly patience: number;
}

/** Milliseconds for a last answer to leave. */
const GOODBYE = 500;

/** Takes WebSockets, and lets what is under way over them and over HTTP finish when the node closes. */
export function takeWebSockets(
  app: FastifyInstance,
  { presence, connections, patience }: ClosingParts,
): void {
  let closing = false;
  /** Sockets that were to be upgraded, of which some are refused while the node closes. */
  const upgraded = new Set<Duplex>();
  app.server.on('upgrade', (_request, socket: Duplex) => {
    upgraded.add(socket.once('close', () => upgraded.delete(socket)));
  });

  app.addHook('onRequest', async (_request, reply) => {
    if (closing) await answerGoingAway(reply);
  });

  app.register(websocket, {
    options: { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false },
    // What breaks the protocol (a frame too large, text that is not UTF-8) is answered by `ws` with the right close
    // code; only a socket left open by a fault of ours has to be dropped.
    errorHandler: (err, socket, request) => {
      request.log.info({ err }, 'connection failed');
      if (socket.readyState === socket.OPEN) socket.terminate();
    },
    preClose: (done) => {
      closing = true;
      app.server.close();
      void Promise.all([closeAll(connections, patience), closeRequests(presence, patience)])
        .catch((err: unknown) => app.log.error({ err }, 'not all that was open could be ended'))
        .finally(() => {
          for (const socket of upgraded) socket.destroy();
          done();
        });
    },
  });
}

async function closeRequests(presence: Presence, patience: number): Promise<void> {
  const over = presence.over('request');
  await Promise.race([over, sleep(patience, undefined, { ref: false })]);
  presence.dismiss('request');
  await Promise.race([over, sleep(GOODBYE, undefined, { ref: false })]);
}
