import type { FastifyInstance, FastifyRequest } from 'fastify';
import { NO_LONGER_VALID } from '../access/credentials.ts';
import type { Presence } from '../access/presence.ts';
import { WIRE_PATH } from '../protocol/index.ts';
import { converse, type Connection, type WireOptions } from '../wire.ts';
import { refuse } from './answers.ts';
import type { AccessOf } from './guard.ts';

export interface WireParts extends Pick<WireOptions, 'targets' | 'done' | 'helloWithin'> {
  readonly presence: Presence;
  readonly accessOf: AccessOf;
  /** Takes those that are open. */
  readonly connections: Set<Connection>;
}

/** Milliseconds for a client to take its leave; with the time between two looks at tokens, below a second. */
const LAST_WORDS = 250;

/** The door to the wire. */
export function wireRoute(
  app: FastifyInstance,
  { presence, accessOf, connections, ...wire }: WireParts,
): void {
  /** Connections of requests that are being upgraded, which may end before there is a conversation. */
  const expelling = new WeakMap<FastifyRequest, { expel: () => void }>();

  app.route({
    method: 'GET',
    url: WIRE_PATH,
    schema: { hide: true },
    preHandler: (request, reply, done) => {
      if (!request.ws) {
        done();
        return;
      }
      const { socket } = request.raw;
      const place = { expel: () => void socket.destroy() };
      const close = presence.enter({
        kind: 'connection',
        access: accessOf(request),
        expel: () => place.expel(),
      });
      if (!close) {
        const message = 'As many connections of yours as the node takes are open; close one of them.';
        refuse(reply.header('retry-after', 30), 429, 'busy', message);
        return;
      }
      expelling.set(request, place);
      socket.once('close', close);
      done();
    },
    handler: (_request, reply) =>
      refuse(reply.header('upgrade', 'websocket'), 426, 'upgrade-required', `${WIRE_PATH} is a WebSocket.`),
    wsHandler: (socket, request) => {
      const client = accessOf(request).account.name;
      const connection = converse(socket, {
        ...wire,
        client,
        log: request.log,
        now: () => performance.now(),
      });
      connections.add(connection);
      void connection.closed.then(() => connections.delete(connection));
      expelling.get(request)!.expel = () => {
        connection.revoke(NO_LONGER_VALID);
        setTimeout(() => connection.terminate(), LAST_WORDS).unref();
      };
    },
  });
}
