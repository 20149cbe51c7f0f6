import websocket from '@fastify/websocket';
import type { EngineState } from '@foretype/models';
import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Type, type Static } from 'typebox';
import type { Accounts } from './accounts.ts';
import { StartError, systemCode } from './error.ts';
import { MAX_FRAME_BYTES, WIRE_PATH } from './protocol/index.ts';
import type { Target } from './target.ts';
import { closeAll, converse, type Connection, type Log } from './wire.ts';

export interface HttpOptions {
  readonly target: Target;
  readonly engineState: () => EngineState;
  readonly accounts: Accounts;
  readonly version: string;
  readonly started: Date;
  readonly logLevel: string;
  /** Takes the log: a line of JSON at a time. */
  readonly logTo: { write(line: string): unknown };
  /** Milliseconds in which a connection's hello must come. */
  readonly helloWithin?: number;
  /** Milliseconds that verdicts under way are given when the node closes. */
  readonly patience?: number;
}

export interface HttpServer {
  readonly log: Log;
  /**
   * @returns the base URL as bound.
   * @throws StartError `address-unavailable`.
   */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Refuses what is new, lets verdicts under way finish, tells every client that the node goes away. */
  close(): Promise<void>;
}

const HealthSchema = Type.Object({
  /** `starting` until the model was loaded once; `degraded` when it is not there now. */
  status: Type.Enum(['ok', 'starting', 'degraded']),
  engine: Type.Enum(['loading', 'ready', 'restarting', 'failed']),
  version: Type.String(),
});

/** The list of OpenAI's API, with what a client of ours needs beyond it. */
const ModelsSchema = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(
    Type.Object({
      id: Type.String(),
      object: Type.Literal('model'),
      /** Seconds since 1970 when the node started, since a family has no date. */
      created: Type.Integer(),
      owned_by: Type.String(),
      /** The backbone's id, for an adapter; null for the backbone. */
      parent: Type.Union([Type.String(), Type.Null()]),
      family: Type.String(),
      /** Tokens. */
      context: Type.Integer(),
    }),
  ),
});

const ErrorSchema = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) });

/** Everything the node answers over HTTP, and the door to the wire. */
export function createHttp(options: HttpOptions): HttpServer {
  const { target, accounts, engineState, version, started, helloWithin = 10_000, patience = 5_000 } = options;
  const app = fastify({
    logger: {
      level: options.logLevel,
      stream: { write: (line) => void options.logTo.write(line) },
      redact: ['req.headers.authorization', 'headers.authorization'],
      serializers: {
        // A query may hold what does not belong into a log.
        req: ({ method, url, ip }: FastifyRequest) => ({ method, path: url.split('?', 1)[0], ip }),
      },
    },
    // Errors from before a route is found would have a shape of their own.
    frameworkErrors: answerError,
    requestTimeout: 10_000,
    forceCloseConnections: true,
    // Elsewhere an upgrade is a request like any other, with its time-outs: nobody would close the socket it leaves.
    http: { shouldUpgradeCallback: ({ url }) => url?.split('?', 1)[0] === WIRE_PATH },
  });
  const connections = new Set<Connection>();
  /** Sockets that were to be upgraded, of which some are refused while the node closes. */
  const upgraded = new Set<Duplex>();
  app.server.on('upgrade', (_request, socket: Duplex) => {
    upgraded.add(socket.once('close', () => upgraded.delete(socket)));
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
      app.server.close();
      void closeAll(connections, patience).then(() => {
        for (const socket of upgraded) socket.destroy();
        done();
      });
    },
  });

  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, 404, 'not-found', `There is no ${request.method} ${request.url.split('?', 1)[0]} here.`),
  );

  app.get(
    '/health',
    { schema: { response: { 200: HealthSchema, 503: HealthSchema } } },
    (_request, reply) => {
      const { status } = engineState();
      reply.code(status === 'failed' ? 503 : 200);
      return { status: HEALTH[status], engine: status, version } satisfies Static<typeof HealthSchema>;
    },
  );

  app.register((guarded, _options, done) => {
    guarded.addHook('onRequest', async (request, reply) => {
      const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
      if (scheme?.toLowerCase() === 'bearer' && token && accounts.verify(token)) return;
      reply.header('www-authenticate', 'Bearer');
      const message = token
        ? 'The edge node does not know this token.'
        : 'The edge node wants a bearer token.';
      await refuse(reply, 401, 'unauthorized', message);
    });

    guarded.get('/v1/models', { schema: { response: { 200: ModelsSchema, '4xx': ErrorSchema } } }, () => {
      const { family } = target.identity;
      const model = (id: string, parent: string | null) => ({
        id,
        object: 'model' as const,
        created: Math.floor(started.getTime() / 1000),
        owned_by: 'foretype',
        parent,
        family,
        context: target.context,
      });
      const data = [model(family, null), ...target.adapters.map((adapter) => model(adapter, family))];
      return { object: 'list', data } satisfies Static<typeof ModelsSchema>;
    });

    guarded.route({
      method: 'GET',
      url: WIRE_PATH,
      handler: (_request, reply) =>
        refuse(reply.header('upgrade', 'websocket'), 426, 'upgrade-required', `${WIRE_PATH} is a WebSocket.`),
      wsHandler: (socket, request) => {
        const now = () => performance.now();
        const connection = converse(socket, { target, log: request.log, now, helloWithin });
        connections.add(connection);
        void connection.closed.then(() => connections.delete(connection));
      },
    });
    done();
  });

  return {
    log: app.log,
    listen: async ({ host, port }) => {
      try {
        await app.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` });
      } catch (cause) {
        throw listenError(cause, host, port);
      }
      return baseUrl(app.server.address() as AddressInfo);
    },
    close: () => app.close(),
  };
}

const HEALTH = {
  loading: 'starting',
  ready: 'ok',
  restarting: 'degraded',
  failed: 'degraded',
} as const satisfies Record<EngineState['status'], string>;

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status < 500) {
    refuse(reply, status, 'invalid-request', `The request is wrong: ${error.message.replace(/\.$/, '')}.`);
  } else {
    request.log.error({ err: error }, 'fault in a request');
    refuse(reply, 500, 'internal', 'The edge node failed to answer; its log says why.');
  }
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } } satisfies Static<typeof ErrorSchema>);
}

function listenError(cause: unknown, host: string, port: number): unknown {
  const mend = {
    EADDRINUSE: 'is in use; stop what listens there or choose another port with --port',
    EACCES: 'is not open to this user; choose a port above 1023 with --port',
    EADDRNOTAVAIL: 'does not belong to this machine; choose another with --host',
    ENOTFOUND: 'has no such host; choose another with --host',
  }[systemCode(cause)];
  return mend
    ? new StartError('address-unavailable', `The address ${host}:${port} ${mend}.`, { cause })
    : cause;
}

function baseUrl({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
