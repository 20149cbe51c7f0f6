import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { isUnderWay, refuse } from './answers.ts';

/** More of a body came, which is a long one: the time for it begins anew. */
export type Renew = (request: FastifyRequest) => void;

/**
 * Bounds the time in which the body of each request must have come, to `within` milliseconds: a client that sends a byte
 * now and then would otherwise keep its connection for ever. Node's own bound knows no exception for a file of a gigabyte.
 */
export function boundBodies(app: FastifyInstance, within: number): Renew {
  const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = raw.headers;
    if (encoding !== undefined || length !== '0') {
      const late = setTimeout(() => {
        if (raw.complete) return;
        if (isUnderWay(reply)) raw.socket.destroy();
        else refuse(reply.header('connection', 'close'), 408, 'timeout', 'The body did not come in time.');
      }, within);
      deadlines.set(raw, late);
      raw.once('close', () => clearTimeout(late));
    }
    done();
  });
  return ({ raw }) => deadlines.get(raw)?.refresh();
}
