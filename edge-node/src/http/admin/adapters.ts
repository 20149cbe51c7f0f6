import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { Type, type Static } from 'typebox';
import type { AdapterVersion } from '../../adapters/store.ts';
import { bringing } from '../../roster.ts';
import { Refusal, refused } from '../answers.ts';
import { Sha256Schema } from '../models.ts';
import type { AdminParts } from './routes.ts';
import { BYTES, NameParams, NameSchema, NOTHING, toldOf, VersionParams, VersionSchema } from './schemas.ts';

const AdapterSchema = Type.Object(
  {
    name: NameSchema,
    pinned: Type.Boolean({ description: 'Kept in memory before all others.' }),
    projects: Type.Array(Sha256Schema, { description: 'Projects that it answers.' }),
    versions: Type.Array(VersionSchema, { description: 'By number; the last one answers.' }),
  },
  { description: 'An adapter with all its versions.' },
);
type Adapter = Static<typeof AdapterSchema>;

const ListSchema = Type.Object(
  { adapters: Type.Array(AdapterSchema) },
  { description: 'Adapters that were added, by name; those that families brought are not among them.' },
);

const PinSchema = Type.Object({ pinned: Type.Boolean() });

const ManifestSchema = Type.Object(
  {
    ...VersionSchema.properties,
    pieces: Type.Array(Type.Object({ block: Sha256Schema, bytes: Type.Integer() }), {
      description: 'The blocks that make its file, one after the other.',
    }),
  },
  { description: 'A version, and what it is made of.' },
);

const tags = ['Adapters'];
const NOT_THERE = refused('There is no such adapter, or no such version of it.');

/** Adapters that are there. */
export function adapterRoutes(
  app: FastifyInstance,
  { store, blocks, targets, changed, accessOf }: AdminParts,
): void {
  const families = targets.map(({ family }) => family);
  const list = (name?: string): Adapter[] => {
    const pinned = store.pinned();
    const projects = Map.groupBy(store.projects(), ({ adapter }) => adapter);
    const byName = Map.groupBy(store.versions(name), ({ adapter }) => adapter);
    return [...byName].map(([one, versions]) => ({
      name: one,
      pinned: pinned.has(one),
      projects: (projects.get(one) ?? []).map(({ id }) => id),
      versions: versions.map((version) => toldOf(version, targets)),
    }));
  };
  const show = (name: string): Adapter => {
    const [adapter] = list(name);
    if (adapter) return adapter;
    throw new Refusal(404, 'unknown-adapter', `There is no adapter named "${name}".`);
  };
  const versionOf = ({ name, number }: VersionParams): AdapterVersion => {
    const version = store.versions(name).find((one) => one.number === number);
    if (version) return version;
    throw new Refusal(404, 'unknown-adapter', `There is no version ${number} of an adapter named "${name}".`);
  };

  app.get(
    '/v1/admin/adapters',
    { schema: { summary: 'All adapters', tags, response: { 200: ListSchema } } },
    (): Static<typeof ListSchema> => ({ adapters: list() }),
  );

  app.get<{ Params: NameParams }>(
    '/v1/admin/adapters/:name',
    {
      schema: {
        summary: 'One adapter',
        tags,
        params: NameParams,
        response: { 200: AdapterSchema, 404: NOT_THERE },
      },
    },
    ({ params: { name } }): Adapter => show(name),
  );

  app.delete<{ Params: NameParams }>(
    '/v1/admin/adapters/:name',
    {
      schema: {
        summary: 'Remove an adapter with all its versions',
        tags,
        params: NameParams,
        response: { 204: NOTHING, 404: NOT_THERE },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      await store.remove(name, { shipped: bringing(families, name).length > 0 });
      changed();
      request.log.info({ admin: accessOf(request).account.name, adapter: name }, 'adapter removed');
      return reply.code(204).send();
    },
  );

  app.put<{ Params: NameParams; Body: Static<typeof PinSchema> }>(
    '/v1/admin/adapters/:name/pin',
    {
      schema: {
        summary: 'Keep an adapter in memory before all others, or no more',
        tags,
        params: NameParams,
        body: PinSchema,
        response: { 200: AdapterSchema, 404: NOT_THERE },
      },
    },
    (request): Adapter => {
      const { name } = request.params;
      const { pinned } = request.body;
      store.pin(name, pinned);
      changed();
      request.log.info({ admin: accessOf(request).account.name, adapter: name, pinned }, 'adapter pinned');
      return show(name);
    },
  );

  app.get<{ Params: VersionParams }>(
    '/v1/admin/adapters/:name/:number',
    {
      schema: {
        summary: 'One version of an adapter, and its blocks',
        tags,
        params: VersionParams,
        response: { 200: ManifestSchema, 404: NOT_THERE },
      },
    },
    ({ params }): Static<typeof ManifestSchema> => {
      const version = versionOf(params);
      const pieces = store.pieces(version.id).map(({ block, bytes }) => ({ block, bytes }));
      return { ...toldOf(version, targets), pieces };
    },
  );

  app.get<{ Params: VersionParams }>(
    '/v1/admin/adapters/:name/:number/file',
    {
      schema: {
        summary: 'The file of a version, byte for byte as it came',
        tags,
        params: VersionParams,
        response: { 200: { description: 'A GGUF file.', ...BYTES }, 404: NOT_THERE },
      },
    },
    ({ params }, reply) => {
      const version = versionOf(params);
      const pieces = store.pieces(version.id);
      const file = async function* () {
        for (const { block } of pieces) yield await blocks.get(block);
      };
      reply.type('application/octet-stream').header('content-length', version.bytes);
      return reply.send(Readable.from(file()));
    },
  );
}
