import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bearerIn, sentenceFor, type Credentials, type Invalid } from '../access/credentials.ts';
import { leastFor, mayUse } from '../access/routes.ts';
import type { Access } from '../state/tokens.ts';
import { refuse } from './answers.ts';

/** Whose request it is; only of routes that want a token. */
export type AccessOf = (request: FastifyRequest) => Access;

/** A route, as Fastify writes paths. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

export interface Guard {
  readonly accessOf: AccessOf;
  /** All that were registered. */
  readonly routes: readonly Route[];
}

/** Lets everybody use what they may, see `access/routes.ts`; a route that is not listed there cannot be registered. */
export function guard(app: FastifyInstance, tokens: Credentials): Guard {
  const accesses = new WeakMap<FastifyRequest, Access>();
  const routes: Route[] = [];

  app.addHook('onRoute', ({ method: methods, url: path }) => {
    for (const method of [methods].flat()) {
      if (!leastFor(method, path)) throw new Error(`The route ${method} ${path} is not in access/routes.ts.`);
      routes.push({ method, path });
    }
  });

  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return;
    // One that came by without being listed is nobody's.
    const least = leastFor(request.method, request.routeOptions.url ?? '') ?? 'admin';
    if (least === 'anyone') return;
    const token = bearerIn(request.headers.authorization);
    const access = token === undefined ? undefined : tokens.verify(token);
    if (!access) {
      await unauthorized(reply, token === undefined ? 'none' : tokens.whyNot(token));
      return;
    }
    const { name, role } = access.account;
    if (!mayUse(role, least)) {
      await refuse(reply, 403, 'forbidden', `This is for admins, and the account "${name}" is none.`);
      return;
    }
    accesses.set(request, access);
  });

  const accessOf = (request: FastifyRequest) => {
    const access = accesses.get(request);
    if (!access) throw new Error(`Nobody was asked who they are at ${request.routeOptions.url}.`);
    return access;
  };
  return { accessOf, routes };
}

function unauthorized(reply: FastifyReply, invalid: Invalid | 'none'): FastifyReply {
  // RFC 6750, 3.1: no error where no token came.
  reply.header('www-authenticate', invalid === 'none' ? 'Bearer' : 'Bearer error="invalid_token"');
  return refuse(reply, 401, 'unauthorized', sentenceFor(invalid));
}
