import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Presence } from '../access/presence.ts';
import { answerGoingAway, isUnderWay, refuse } from './answers.ts';
import type { AccessOf } from './guard.ts';
import { windowsBy } from './windows.ts';

/** What one account may ask for. */
export interface Limits {
  /** Requests within {@link windowMs}; 0 for no bound. */
  readonly requests: number;
  readonly windowMs: number;
  /** Requests that are not answered yet, and open WebSockets. */
  readonly atOnce: number;
  readonly connections: number;
}

export interface LimitParts {
  readonly presence: Presence;
  readonly accessOf: AccessOf;
}

/** Bounds what each account may ask for; routes that were registered before are not bounded. */
export async function limitRequests(app: FastifyInstance, limits: Limits, parts: LimitParts): Promise<void> {
  if (limits.requests > 0) await limitRate(app, limits, parts);
  limitAtOnce(app, parts);
}

async function limitRate(
  app: FastifyInstance,
  { requests, windowMs }: Limits,
  { accessOf }: LimitParts,
): Promise<void> {
  await app.register(rateLimit, { global: false, store: windowsBy(() => performance.now()) });
  const count = app.createRateLimit({
    max: requests,
    timeWindow: windowMs,
    keyGenerator: (request) => accessOf(request).account.name,
  });
  app.addHook('onRequest', async (request, reply) => {
    // Blocks of an adapter come by the hundred.
    if (request.routeOptions.config.rateLimit === false) return;
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    const { ttlInSeconds: wait } = counted;
    const message = `More than ${requests} requests of yours came within ${windowMs / 1000} s; go on in ${wait} s.`;
    await refuse(reply.header('retry-after', wait), 429, 'rate-limited', message);
  });
}

function limitAtOnce(app: FastifyInstance, { presence, accessOf }: LimitParts): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.ws) {
      done();
      return;
    }
    const expel = () => void request.raw.socket.destroy();
    const close = presence.enter({
      kind: 'request',
      access: accessOf(request),
      expel,
      dismiss: () => dismiss(reply),
    });
    if (close) {
      reply.raw.once('close', close);
      done();
    } else {
      const message =
        'As many requests of yours as the node takes are not answered yet; wait for one of them.';
      refuse(reply.header('retry-after', 1), 429, 'busy', message);
    }
  });
}

/** A request that the node does not answer any more. */
function dismiss(reply: FastifyReply): void {
  if (!isUnderWay(reply)) answerGoingAway(reply);
  else if (!reply.raw.writableEnded) reply.raw.destroy();
}
