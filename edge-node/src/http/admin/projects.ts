import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { bringing } from '../../roster.ts';
import { Refusal, refused } from '../answers.ts';
import { Sha256Schema } from '../models.ts';
import type { AdminParts } from './routes.ts';
import { NameSchema, NOTHING } from './schemas.ts';

const LabelSchema = Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Null()], {
  description: 'What people call it: its id tells nothing.',
});

const ProjectSchema = Type.Object(
  { id: Sha256Schema, label: LabelSchema, adapter: NameSchema },
  { description: 'A project, and the adapter that answers it.' },
);

const ListSchema = Type.Object(
  { projects: Type.Array(ProjectSchema) },
  { description: 'Projects that have an adapter.' },
);

const ProjectParams = Type.Object({ id: Sha256Schema });
const AssignSchema = Type.Object({ adapter: NameSchema, label: Type.Optional(LabelSchema) });

const tags = ['Adapters'];

/** Which adapter answers which project. */
export function projectRoutes(app: FastifyInstance, { store, targets, changed, accessOf }: AdminParts): void {
  const families = targets.map(({ family }) => family);

  app.get(
    '/v1/admin/projects',
    { schema: { summary: 'Projects and their adapters', tags, response: { 200: ListSchema } } },
    (): Static<typeof ListSchema> => ({ projects: store.projects() }),
  );

  app.put<{ Params: Static<typeof ProjectParams>; Body: Static<typeof AssignSchema> }>(
    '/v1/admin/projects/:id',
    {
      schema: {
        summary: 'Answer a project with an adapter',
        tags,
        params: ProjectParams,
        body: AssignSchema,
        response: {
          200: ProjectSchema,
          404: refused('No adapter of that name was added or comes with a family.'),
        },
      },
    },
    (request): Static<typeof ProjectSchema> => {
      const { id } = request.params;
      const { adapter, label = null } = request.body;
      store.assign({ id, label }, adapter, { shipped: bringing(families, adapter).length > 0 });
      changed();
      request.log.info({ admin: accessOf(request).account.name, adapter, project: id }, 'adapter assigned');
      return { id, label, adapter };
    },
  );

  app.delete<{ Params: Static<typeof ProjectParams> }>(
    '/v1/admin/projects/:id',
    {
      schema: {
        summary: 'Answer a project with the backbone again',
        tags,
        params: ProjectParams,
        response: { 204: NOTHING, 404: refused('The project has no adapter.') },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!store.unassign(id))
        throw new Refusal(404, 'unknown-project', 'No adapter is assigned to this project.');
      changed();
      request.log.info({ admin: accessOf(request).account.name, project: id }, 'adapter unassigned');
      return reply.code(204).send();
    },
  );
}
