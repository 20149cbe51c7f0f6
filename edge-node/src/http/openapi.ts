import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { leastFor } from '../access/routes.ts';
import { ErrorSchema, refused } from './answers.ts';

/** Lets the routes that are registered after it be described, by their own schemas, at `/openapi.json`. */
export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  app.addSchema(ErrorSchema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Foretype edge node',
        version,
        description:
          'What an edge node answers over HTTP. The WebSocket beside it speaks protobuf, see wire.proto.',
        license: { name: 'MIT' },
      },
      tags: [
        { name: 'Node', description: 'The node itself.' },
        { name: 'Models', description: 'What it answers with.' },
        { name: 'Completion', description: 'For clients that do not draft.' },
        { name: 'Adapters', description: 'For admins: adapters, and the projects that they are for.' },
        { name: 'Tokens', description: 'For admins: who may use the node.' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token that an admin of the node made.' },
        },
      },
    },
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, at) =>
        typeof $id === 'string' ? $id : `schema-${at}`,
    },
    transform: ({ schema, url, route }) => {
      const method = [route.method].flat()[0]!;
      return { schema: schema.hide ? schema : withRefusals(schema, method, url), url };
    },
  });
}

/** What every route may answer that wants a token is said here once, and not at each of them. */
function withRefusals(schema: FastifySchema, method: string, url: string): FastifySchema {
  const least = leastFor(method, url);
  if (least === 'anyone') return { ...schema, security: [] };
  return {
    ...schema,
    security: [{ bearer: [] }],
    response: {
      ...((schema.params ?? schema.querystring ?? schema.body) !== undefined && {
        400: refused('Something in the request is not what it should be.'),
      }),
      401: refused('No token came, or one that is not valid; the sentence says which.'),
      ...(least === 'admin' && { 403: refused('The token is not that of an admin.') }),
      429: refused('Too many requests of this account; `Retry-After` says when to go on.'),
      500: refused('A fault of the node, which its log explains.'),
      503: refused('The node shuts down, or its engine cannot be asked now.'),
      ...(schema.response as object),
    },
  };
}

export function openapiRoute(app: FastifyInstance): void {
  const description = 'An OpenAPI document, made from the schemas that requests are checked with.';
  const response = { 200: Type.Object({}, { additionalProperties: true, description }) };
  const summary = 'This description';
  app.get('/openapi.json', { schema: { summary, tags: ['Node'], response } }, () => app.swagger());
}
