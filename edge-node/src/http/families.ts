import { ManifestSchema, vocabularyFamily, VOCABULARY_FILE, type Vocabulary } from '@foretype/models';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Target } from '../target.ts';
import { Refusal, refused } from './answers.ts';

const FamilyParams = Type.Object({ id: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$' }) });
const FamilySchema = Type.Object(ManifestSchema.properties, {
  description: 'A `family.json`, whose draft is the file of its vocabulary, and which has no adapters.',
});
type ForFamily = { Params: Static<typeof FamilyParams> };

/**
 * What a client needs that drafts nothing, or that has not the node's family: a manifest and, in place of a draft model,
 * a file that only tokenizes. They lie beside each other as the files of any family that is downloaded.
 */
export function familyRoutes(app: FastifyInstance, targets: readonly Target[]): void {
  const tags = ['Models'];
  /** Made when they are first asked for, and kept: a backbone does not change while the node runs. */
  const made = new Map<string, Promise<Vocabulary>>();
  const of = (id: string): Promise<Vocabulary> => {
    const family = targets.find((target) => target.family.id === id)?.family;
    if (!family) throw new Refusal(404, 'unknown-family', `The node has no family ${JSON.stringify(id)}.`);
    const vocabulary = made.get(id) ?? vocabularyFamily(family);
    made.set(id, vocabulary);
    // A file that cannot be read now may be there the next time.
    vocabulary.catch(() => made.delete(id));
    return vocabulary;
  };
  const unknown = refused('The node has no such family.');

  app.get<ForFamily>(
    '/v1/families/:id/family.json',
    {
      schema: {
        summary: 'The manifest of a family for clients that only tokenize',
        tags,
        params: FamilyParams,
        response: { 200: FamilySchema, 404: unknown },
      },
    },
    async ({ params: { id } }) => (await of(id)).manifest,
  );

  app.get<ForFamily>(
    `/v1/families/:id/${VOCABULARY_FILE}`,
    {
      schema: {
        summary: "A family's vocabulary",
        tags,
        params: FamilyParams,
        response: {
          200: {
            description: 'A GGUF file with the metadata of the backbone and no tensors.',
            content: { 'application/octet-stream': { schema: Type.Any() } },
          },
          304: Type.Null({ description: 'It is the one that `If-None-Match` names.' }),
          404: unknown,
        },
      },
    },
    async ({ params: { id }, headers }, reply): Promise<FastifyReply> => {
      const { manifest, file } = await of(id);
      // By its content: another family, or another release of it, may share the tokenizer and not the rest.
      const tag = `"${manifest.draft.sha256}"`;
      reply.header('etag', tag);
      if (headers['if-none-match'] === tag) return reply.code(304).send();
      return reply
        .type('application/octet-stream')
        .send(Buffer.from(file.buffer, file.byteOffset, file.length));
    },
  );
}
