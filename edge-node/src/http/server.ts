import fastify, {
  type ConnectionError,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemCode } from '@foretype/models/catalogue';
import { StartError } from '../error.ts';
import { WIRE_PATH } from '../protocol/index.ts';
import { answerError, pathOf } from './answers.ts';

/** PEM texts. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

export interface ServerParts {
  readonly logLevel: string;
  /** Takes the log: a line of JSON at a time. */
  readonly logTo: { write(line: string): unknown };
  /** Absent where the node speaks plain HTTP, on loopback or behind a proxy. */
  readonly tls?: Tls | undefined;
}

/** Milliseconds in which the head of a request must have come, and between two looks whether one is late. */
const HEAD_WITHIN = 10_000;
const LOOK_EVERY = 2_000;

/**
 * A Fastify without routes.
 * @throws StartError `usage` where certificate and key cannot be used.
 */
export function createServer({ logLevel, logTo, tls }: ServerParts): FastifyInstance {
  const options = {
    logger: {
      level: logLevel,
      stream: { write: (line: string) => void logTo.write(line) },
      redact: ['req.headers.authorization', 'headers.authorization'],
      serializers: {
        req: ({ method, url, ip }: FastifyRequest) => ({ method, path: pathOf(url), ip }),
      },
    },
    // Errors from before a route is found would have a shape of their own, and so would those of a node that closes.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // No hook bounds the time of a body that comes with it.
      answerError(error, request, reply.header('connection', 'close'));
    },
    clientErrorHandler: answerNoRequest,
    return503OnClosing: false,
    forceCloseConnections: true,
  };
  const server: ServerOptions = {
    headersTimeout: HEAD_WITHIN,
    connectionsCheckingInterval: LOOK_EVERY,
    // Elsewhere an upgrade is a request like any other, with its time-outs: nobody would close the socket it leaves.
    shouldUpgradeCallback: ({ url }) => pathOf(url ?? '') === WIRE_PATH,
  };
  if (!tls) return withoutExpectations(fastify({ ...options, http: server }));
  try {
    return withoutExpectations(fastify({ ...options, https: { ...server, ...tls } }));
  } catch (cause) {
    const message = `The TLS certificate and its key cannot be used (${systemCode(cause)}); give PEM files that belong together.`;
    throw new StartError('usage', message, { cause });
  }
}

/** What is no HTTP is answered and not logged as it came, since there may be secrets and code in it. */
function answerNoRequest(this: FastifyInstance, error: ConnectionError, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  this.log.trace({ code: error.code }, 'no request could be read');
  const [status, code, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'timeout', 'The request did not come in time.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'invalid-request', 'The head of the request is too large.']
        : ['400 Bad Request', 'invalid-request', 'The request is no HTTP.'];
  const body = JSON.stringify({ error: { code, message } });
  const head = ['content-type: application/json', `content-length: ${body.length}`, 'connection: close'];
  if (socket.writable) socket.write([`HTTP/1.1 ${status}`, ...head, '', body].join('\r\n'));
  socket.destroy();
}

/** Answers what expects anything but `100-continue`: Node does so without closing, and no hook sees it. */
function withoutExpectations(app: FastifyInstance): FastifyInstance {
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const message = 'The edge node meets no expectation but 100-continue.';
    const body = JSON.stringify({ error: { code: 'invalid-request', message } });
    response.writeHead(417, { 'content-type': 'application/json', connection: 'close' }).end(body);
  });
  return app;
}

/**
 * @returns the base URL as bound.
 * @throws StartError `address-unavailable`.
 */
export async function listenAt(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
  scheme: 'http' | 'https',
): Promise<string> {
  try {
    await app.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` });
  } catch (cause) {
    throw listenError(cause, host, port);
  }
  const bound = app.server.address() as AddressInfo;
  return `${scheme}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
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
