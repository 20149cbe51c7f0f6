import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { MemberState } from '../hosting/fleet.ts';

const HealthSchema = Type.Object({
  /** `starting` until all models were loaded once; `degraded` when one is not there now. */
  status: Type.Enum(['ok', 'starting', 'degraded']),
  engine: Type.Enum(['loading', 'ready', 'restarting', 'failed', 'unloaded'], {
    description: 'The state of the engine; of several, that of the one that is worst off.',
  }),
  version: Type.String(),
});

export type EngineStatus = MemberState['status'];

export interface HealthParts {
  /** The state of each family's engine. */
  readonly states: () => readonly EngineStatus[];
  readonly version: string;
}

/** For whatever watches the node: it needs no token, and learns nothing that is worth one. */
export function healthRoute(app: FastifyInstance, { states, version }: HealthParts): void {
  const response = {
    200: { ...HealthSchema, description: 'The node can be asked, now or soon.' },
    503: { ...HealthSchema, description: 'No family of the node can be asked any more.' },
  };
  app.get(
    '/health',
    { schema: { summary: 'How the node is', tags: ['Node'], response } },
    (_request, reply): Static<typeof HealthSchema> => {
      const now = states();
      const engine = WORST_FIRST.find((status) => now.includes(status)) ?? 'failed';
      reply.code(now.every((status) => status === 'failed') ? 503 : 200);
      return { status: HEALTH[engine], engine, version };
    },
  );
}

const WORST_FIRST = ['failed', 'restarting', 'loading', 'unloaded', 'ready'] as const;

const HEALTH = {
  loading: 'starting',
  ready: 'ok',
  // It is loaded again when somebody asks for it.
  unloaded: 'ok',
  restarting: 'degraded',
  failed: 'degraded',
} as const satisfies Record<EngineStatus, string>;
