import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Hosted } from '../roster.ts';
import type { Target } from '../target.ts';
import { Refusal, refused } from './answers.ts';

/** SHA-256 as hex. */
export const Sha256Schema = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 as hex.' });

const VersionSchema = Type.Union([Type.Integer(), Type.Null()], {
  description: 'Null for a backbone, and for an adapter that its family brought.',
});

/** The list of OpenAI's API, with what a client of ours needs beyond it. */
const ModelsSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object({
        id: Type.String(),
        object: Type.Literal('model'),
        created: Type.Integer({
          description: 'Seconds since 1970 when the node started: families have no date.',
        }),
        owned_by: Type.String(),
        parent: Type.Union([Type.String(), Type.Null()], {
          description: 'The backbone, for an adapter; null for the backbone.',
        }),
        family: Type.String(),
        context: Type.Integer({ description: 'Tokens of a prompt and its completion together.' }),
        version: VersionSchema,
        sha256: Sha256Schema,
      }),
    ),
  },
  { description: 'Every backbone, and after it the current version of each of its adapters.' },
);

const ProjectSchema = Type.Object(
  {
    id: Sha256Schema,
    adapters: Type.Array(
      Type.Object({
        family: Type.String(),
        adapter: Type.String(),
        version: VersionSchema,
        sha256: Sha256Schema,
      }),
    ),
  },
  { description: 'The adapter that answers for the project, for each family that has one.' },
);

const ProjectParams = Type.Object({ id: Sha256Schema });

/** What the node answers with. */
export function modelRoutes(app: FastifyInstance, targets: readonly Target[], started: Date): void {
  const created = Math.floor(started.getTime() / 1000);
  const tags = ['Models'];

  app.get(
    '/v1/models',
    { schema: { summary: 'Backbones and adapters', tags, response: { 200: ModelsSchema } } },
    (): Static<typeof ModelsSchema> => {
      const data = targets.flatMap(({ family, roster }) => {
        const common = { object: 'model' as const, created, owned_by: 'foretype', family: family.id };
        const { context, backbone } = family;
        return [
          { ...common, id: family.id, parent: null, context, version: null, sha256: backbone.sha256 },
          ...roster().current.map(({ name, version = null, sha256 }) => ({
            ...common,
            id: name,
            parent: family.id,
            context,
            version,
            sha256,
          })),
        ];
      });
      return { object: 'list', data };
    },
  );

  app.get<{ Params: Static<typeof ProjectParams> }>(
    '/v1/projects/:id',
    {
      schema: {
        summary: 'The adapter of a project',
        tags,
        params: ProjectParams,
        response: { 200: ProjectSchema, 404: refused('No family has an adapter for this project.') },
      },
    },
    ({ params: { id } }): Static<typeof ProjectSchema> => {
      const adapters = targets.flatMap(({ family, roster }) => {
        const hosted: Hosted | undefined = roster().ofProject(id);
        if (!hosted) return [];
        const { name: adapter, version = null, sha256 } = hosted;
        return [{ family: family.id, adapter, version, sha256 }];
      });
      if (adapters.length > 0) return { id, adapters };
      throw new Refusal(
        404,
        'unknown-project',
        'No adapter is assigned to this project; the backbone answers.',
      );
    },
  );
}
