import type { FastifyInstance } from 'fastify';
import type { Credentials } from './access/credentials.ts';
import { Presence } from './access/presence.ts';
import { MAX_ADAPTER_BYTES } from './adapters/store.ts';
import { facade } from './facade/routes.ts';
import { adminRoutes, type AdminParts } from './http/admin/routes.ts';
import { Uploads } from './http/admin/uploads.ts';
import { answerError, answerUnknown, codeOf } from './http/answers.ts';
import { boundBodies } from './http/bodies.ts';
import { checkWithTypeBox } from './http/check.ts';
import { takeWebSockets } from './http/closing.ts';
import { familyRoutes } from './http/families.ts';
import { guard, type Route } from './http/guard.ts';
import { healthRoute, type EngineStatus } from './http/health.ts';
import { limitRequests, type Limits } from './http/limits.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { modelRoutes } from './http/models.ts';
import { describeRoutes, openapiRoute } from './http/openapi.ts';
import { createServer, listenAt, type ServerParts } from './http/server.ts';
import { wireRoute } from './http/wire-route.ts';
import type { Memory } from './metrics/memory.ts';
import type { Prometheus } from './metrics/prometheus.ts';
import type { Target } from './target.ts';
import type { Connection, Log } from './wire.ts';

export type { Limits, Route };

export interface HttpOptions extends ServerParts {
  readonly targets: readonly Target[];
  /** The state of a family's engine. */
  readonly engineState: (family: string) => { readonly status: EngineStatus };
  readonly tokens: Credentials;
  readonly limits: Limits;
  /** What admins change. */
  readonly admin: Pick<AdminParts, 'store' | 'blocks' | 'backbones' | 'changed'> & {
    /** Directory for what they send, before it is stored. */
    readonly uploads: string;
  };
  readonly metrics: Prometheus;
  readonly memory: () => Promise<Memory>;
  readonly version: string;
  readonly started: Date;
  /** The time of day, which may jump. */
  readonly now: () => Date;
  /** Milliseconds between two looks whether the tokens of what is open are still valid. */
  readonly recheck?: number;
  /** Milliseconds in which a connection's hello, and the body of a request, must come. */
  readonly helloWithin?: number;
  readonly bodyWithin?: number;
  /** Milliseconds that work under way is given when the node closes. */
  readonly patience?: number;
}

export interface HttpServer {
  readonly log: Log;
  /** All routes that there are; complete once it listens. */
  readonly routes: readonly Route[];
  /**
   * @returns the base URL as bound.
   * @throws StartError `address-unavailable`.
   */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Refuses what is new, lets work under way finish, tells every client that the node goes away. */
  close(): Promise<void>;
}

/**
 * Everything the node answers over HTTP, and the door to the wire.
 * @throws StartError `usage` where certificate and key cannot be used.
 */
export function createHttp(options: HttpOptions): HttpServer {
  const { targets, tokens, limits, metrics, version, started, now } = options;
  const { recheck = 500, helloWithin = 10_000, bodyWithin = 10_000, patience = 5_000 } = options;
  const app = createServer(options);
  const presence = new Presence({ request: limits.atOnce, connection: limits.connections });
  const connections = new Set<Connection>();
  const uploads = new Uploads({ directory: options.admin.uploads, most: MAX_ADAPTER_BYTES, now });

  takeWebSockets(app, { presence, connections, patience });
  const renew = boundBodies(app, bodyWithin);
  const { accessOf, routes } = guard(app, tokens);
  checkWithTypeBox(app);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerUnknown);
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, ws } = request;
    if (!ws)
      metrics.request({
        method,
        route: routeOptions.url,
        status: reply.statusCode,
        spentMs: reply.elapsedTime,
      });
    // What answers by itself, as the facade does, has codes of its own.
    if (reply.statusCode >= 400) metrics.failure(codeOf(reply) ?? `status-${reply.statusCode}`);
    done();
  });
  expelEvery(app, recheck, () => presence.expel((access) => tokens.stillValid(access)));

  const states = () => targets.map(({ family }) => options.engineState(family.id).status);
  const look = async () => ({
    sessions: connections.size,
    families: targets.map(({ family: { id }, scheduler: { load } }) => {
      return { family: id, ready: options.engineState(id).status === 'ready', ...load };
    }),
    memory: await options.memory(),
  });

  app.register(async (described) => {
    await describeRoutes(described, version);
    healthRoute(described, { states, version });
    openapiRoute(described);
    described.register(async (guarded) => {
      await limitRequests(guarded, limits, { presence, accessOf });
      wireRoute(guarded, {
        targets,
        done: (round) => metrics.round(round),
        helloWithin,
        presence,
        accessOf,
        connections,
      });
      modelRoutes(guarded, targets, started);
      familyRoutes(guarded, targets);
      metricsRoute(guarded, { metrics, look });
      guarded.register(facade, {
        targets,
        account: (request) => accessOf(request).account.name,
        done: (text) => metrics.round(text),
      });
      guarded.register(adminRoutes, { ...options.admin, uploads, targets, tokens, accessOf, renew, now });
    });
  });

  return {
    log: app.log,
    routes,
    listen: (address) => listenAt(app, address, options.tls ? 'https' : 'http'),
    close: () => app.close(),
  };
}

/** Looks every so many milliseconds whether all that is open may stay so, until the node closes. */
function expelEvery(app: FastifyInstance, milliseconds: number, expel: () => void): void {
  const timer = setInterval(() => {
    try {
      expel();
    } catch (err) {
      // A database that cannot be read now may be so the next time; it must not end the node.
      app.log.error({ err }, 'tokens cannot be checked');
    }
  }, milliseconds);
  timer.unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}
