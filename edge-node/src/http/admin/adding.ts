import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { Type, type Static } from 'typebox';
import { MAX_ADAPTER_BYTES } from '../../adapters/store.ts';
import { Refusal, refused } from '../answers.ts';
import { Sha256Schema } from '../models.ts';
import type { AdminParts } from './routes.ts';
import {
  BYTES,
  familyMeant,
  FamilySchema,
  NameParams,
  NameSchema,
  NOTHING,
  toldOf,
  VersionSchema,
} from './schemas.ts';
import { tooLarge } from './uploads.ts';

const AddQuery = Type.Object({ name: NameSchema, family: Type.Optional(FamilySchema) });
const BlockParams = Type.Object({ id: Sha256Schema });

/** Blocks of a file: its header and a tensor each, see `piecesOf`. */
const MAX_PIECES = 16_500;
/** Bytes that a list of them may have. */
const MAX_LIST_BYTES = 2 * 1024 * 1024;

const AssembleSchema = Type.Object({
  family: Type.Optional(FamilySchema),
  blocks: Type.Array(Sha256Schema, {
    minItems: 1,
    maxItems: MAX_PIECES,
    description: 'The blocks that make the file, one after the other; the same one may stand in it twice.',
  }),
});

const MissingSchema = Type.Object(
  { error: Type.Object({ code: Type.String(), message: Type.String(), blocks: Type.Array(Sha256Schema) }) },
  { description: 'The node lacks some of the blocks, which the answer lists.' },
);

const tags = ['Adapters'];
const ADDED = Type.Object(VersionSchema.properties, {
  description: 'Stored, as the next version; a file that is stored already stays the version that it is.',
});
const TOO_LARGE = refused('The body is larger than an adapter may be.');
const INVALID = refused('The file is no adapter for the backbone; the sentence says why.');
const FULL = refused('There is no room for it on the disk of the node; nothing was stored.');

/** Adapters that come: whole, or as those blocks that the node lacks. */
export function addingRoutes(app: FastifyInstance, parts: AdminParts): void {
  const { store, blocks, uploads, backbones, targets, changed, accessOf, renew } = parts;

  const add = async (request: FastifyRequest, name: string, path: string, family: string) => {
    const version = await store.add(name, path, await backbones(family));
    changed();
    const { number } = version;
    request.log.info({ admin: accessOf(request).account.name, adapter: name, number }, 'adapter added');
    return toldOf(version, targets);
  };

  app.head<{ Params: Static<typeof BlockParams> }>(
    '/v1/admin/blocks/:id',
    {
      config: { rateLimit: false, swagger: { exposeHeadRoute: true } },
      schema: {
        summary: 'Whether the node has a block',
        tags,
        params: BlockParams,
        response: {
          200: Type.Null({ description: 'It has.' }),
          404: Type.Null({ description: 'It has not.' }),
        },
      },
    },
    async ({ params: { id } }, reply) => {
      return reply.code(uploads.has(id) || (await blocks.has(id)) ? 200 : 404).send();
    },
  );

  app.get<{ Params: Static<typeof BlockParams> }>(
    '/v1/admin/blocks/:id',
    {
      config: { rateLimit: false },
      exposeHeadRoute: false,
      schema: {
        summary: 'A block of a stored adapter',
        tags,
        params: BlockParams,
        response: {
          200: { description: 'Its bytes.', ...BYTES },
          404: refused('The node does not have it.'),
        },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!(await blocks.has(id)))
        throw new Refusal(404, 'unknown-block', 'The node does not have this block.');
      return reply.type('application/octet-stream').send(await blocks.get(id));
    },
  );

  app.post<{ Params: NameParams; Body: Static<typeof AssembleSchema> }>(
    '/v1/admin/adapters/:name/versions',
    {
      bodyLimit: MAX_LIST_BYTES,
      schema: {
        summary: 'Add a version from blocks that the node has',
        tags,
        params: NameParams,
        body: AssembleSchema,
        response: { 201: ADDED, 409: MissingSchema, 413: TOO_LARGE, 422: INVALID, 507: FULL },
      },
    },
    async (request, reply) => {
      const family = familyMeant(request.body.family, targets);
      const work = (path: string) => add(request, request.params.name, path, family);
      reply.code(201);
      return uploads.assemble(request.body.blocks, blocks, work);
    },
  );

  // Bodies that are files stay streams, in these routes only.
  app.register((files, _options, done) => {
    files.removeAllContentTypeParsers();
    files.addContentTypeParser('application/octet-stream', (_request, body, parsed) => parsed(null, body));

    files.post<{ Querystring: Static<typeof AddQuery>; Body: Readable | undefined }>(
      '/v1/admin/adapters',
      {
        schema: {
          summary: 'Add a GGUF file as the next version of an adapter',
          tags,
          querystring: AddQuery,
          body: BYTES,
          response: { 201: ADDED, 408: LATE, 413: TOO_LARGE, 415: NO_FILE, 422: INVALID, 507: FULL },
        },
      },
      async (request, reply) => {
        const { name, family: asked } = request.query;
        const family = familyMeant(asked, targets);
        reply.code(201);
        return uploads.receive(
          bodyOf(request),
          () => renew(request),
          ({ path }) => add(request, name, path, family),
        );
      },
    );

    files.put<{ Params: Static<typeof BlockParams>; Body: Readable | undefined }>(
      '/v1/admin/blocks/:id',
      {
        config: { rateLimit: false },
        schema: {
          summary: 'Send a block, to put a version together',
          tags,
          params: BlockParams,
          body: BYTES,
          response: { 204: NOTHING, 408: LATE, 413: TOO_LARGE, 415: NO_FILE, 507: FULL },
        },
      },
      async (request, reply) => {
        await uploads.stage(request.params.id, bodyOf(request), () => renew(request));
        return reply.code(204).send();
      },
    );
    done();
  });
}

const LATE = refused('Nothing more of the body came.');
const NO_FILE = refused('The body is not application/octet-stream.');

/** @throws Refusal where there is none, or it says itself that it is too large. */
function bodyOf({ body, headers }: FastifyRequest<{ Body: Readable | undefined }>): Readable {
  if (!body)
    throw new Refusal(400, 'invalid-request', 'The request has no body; send the bytes of the file.');
  if (Number(headers['content-length'] ?? 0) > MAX_ADAPTER_BYTES) throw tooLarge(MAX_ADAPTER_BYTES);
  return body;
}
