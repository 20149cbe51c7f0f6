import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Moment, Prometheus } from '../metrics/prometheus.ts';

/** For a Prometheus that has the token of an admin. */
export function metricsRoute(
  app: FastifyInstance,
  { metrics, look }: { readonly metrics: Prometheus; readonly look: () => Promise<Moment> },
): void {
  const text = { schema: Type.String() };
  const response = {
    200: {
      description: 'Prometheus text exposition format, version 0.0.4.',
      content: { 'text/plain': text },
    },
  };
  app.get(
    '/metrics',
    { schema: { summary: 'Figures for Prometheus', tags: ['Node'], response } },
    async (_request, reply) => {
      const figures = await metrics.expose(await look());
      return reply.type(metrics.contentType).send(figures);
    },
  );
}
