import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { EngineError } from './engine.ts';

/** What a family may be called. */
export const ID = '^[a-z0-9][a-z0-9.-]*$';
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Id = Type.Integer({ minimum: 0 });

const FileSchema = Type.Object({
  /** Name of a file beside the manifest. */
  file: Type.String({ pattern: '^[A-Za-z0-9._-]+$' }),
  bytes: Type.Integer({ minimum: 1 }),
  sha256: Sha256,
});

/** `family.json`: a backbone, its static draft, their tokenizer and the adapters trained on the backbone. */
export const ManifestSchema = Type.Object({
  format: Type.Literal(1),
  id: Type.String({ pattern: ID }),
  licence: Type.String({ minLength: 1 }),
  /** Tokens the models were trained to read at once; a prompt and its completion stay within it. */
  context: Type.Integer({ minimum: 64 }),
  tokenizer: Type.Object({
    /** See `ModelFacts.tokenizer`. */
    fingerprint: Sha256,
    bos: Type.Optional(Id),
    /** Tokens that end a completion. */
    end: Type.Array(Id, { minItems: 1 }),
  }),
  fim: Type.Object({
    prefix: Id,
    suffix: Id,
    middle: Id,
    order: Type.Union([Type.Literal('joined'), Type.Literal('suffix-first'), Type.Literal('prefix-first')]),
    /** See `FimTokens.files`. */
    files: Type.Optional(Type.Object({ separator: Id, repository: Type.Optional(Id) })),
  }),
  /** Editors' identifiers of the languages it was trained on; any if absent. */
  languages: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
  /** How much its target writes well at once; `block`, several lines, if absent. */
  extent: Type.Optional(Type.Union([Type.Literal('line'), Type.Literal('block')])),
  backbone: FileSchema,
  draft: FileSchema,
  adapters: Type.Array(
    Type.Intersect([
      Type.Object({
        name: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$' }),
        licence: Type.String({ minLength: 1 }),
      }),
      FileSchema,
    ]),
  ),
  /** Copyright notices and texts of licences, which go wherever any of the family goes. */
  notices: Type.Optional(Type.Array(FileSchema)),
});

export type FamilyManifest = Static<typeof ManifestSchema>;
/** One weights file as a manifest names it, with the absolute path it was found under. */
export type Weights = Static<typeof FileSchema> & { readonly path: string };
export type Adapter = Weights & { readonly name: string; readonly licence: string };

export type Family = Omit<FamilyManifest, 'backbone' | 'draft' | 'adapters'> & {
  readonly backbone: Weights;
  readonly draft: Weights;
  readonly adapters: readonly Adapter[];
};

/**
 * Reads the manifest of the family in `directory`. The weights themselves are checked by `checkWeights` where
 * they are loaded, so that a laptop need not hold the backbone nor a node the draft.
 * @throws EngineError `model-invalid` naming the file and what was expected.
 */
export async function loadFamily(directory: string): Promise<Family> {
  const path = join(directory, 'family.json');
  const manifest: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((cause: unknown) => {
      const why = cause instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
      throw invalid(`The family manifest ${path} ${why}; install the model family again.`, cause);
    });
  if (!Value.Check(ManifestSchema, manifest)) {
    const [first] = Value.Errors(ManifestSchema, manifest);
    const where = first?.instancePath.slice(1).replaceAll('/', '.') || 'the whole file';
    throw invalid(`The family manifest ${path} is wrong at ${where}: ${first?.message ?? 'unknown'}.`);
  }
  const located = <T extends { file: string }>(weights: T) => ({
    ...weights,
    path: join(directory, weights.file),
  });
  return {
    ...manifest,
    backbone: located(manifest.backbone),
    draft: located(manifest.draft),
    adapters: manifest.adapters.map(located),
  };
}

function invalid(message: string, cause?: unknown): EngineError {
  return new EngineError('model-invalid', message, { cause });
}
