/** The held-out sources: files of npm packages that the lockfile pins, as `heldout.json` names them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

const FileSchema = Type.Object({
  path: Type.String({ minLength: 1 }),
  split: Type.Union([Type.Literal('train'), Type.Literal('test')]),
  /** Length of the text in UTF-8. */
  bytes: Type.Integer({ minimum: 1 }),
  /** SHA-256 (hex) of the text in UTF-8. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** [from, to) in UTF-16 code units of the npm file, without byte order mark and with `\n` at line ends. */
  slices: Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })]), {
    minItems: 1,
  }),
});

/** See `models/training/heldout.py`, which writes it. */
const FactsSchema = Type.Object({
  packages: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      files: Type.Array(FileSchema, { minItems: 1 }),
    }),
  ),
});

export interface HeldOutFile {
  readonly package: string;
  readonly path: string;
  /** Adapters learn from `train` and are measured on `test`; backbone and draft see neither. */
  readonly split: 'train' | 'test';
  /** Line ends are `\n`, and there is one at the end. */
  readonly text: string;
}

export interface HeldOutPackage {
  readonly name: string;
  readonly version: string;
  readonly files: readonly HeldOutFile[];
}

const WORKSPACE = join(import.meta.dirname, '..');

/**
 * Reads and checks every held-out file.
 * @param directories where a package may be installed, nearest first: beside the workspace or above it.
 * @throws Error that names the first file or package that is not what the facts say, and what to do.
 */
export async function loadHeldOut(
  factsPath = join(WORKSPACE, 'heldout.json'),
  directories: readonly string[] = [join(WORKSPACE, 'node_modules'), join(WORKSPACE, '..', 'node_modules')],
): Promise<HeldOutPackage[]> {
  const facts: unknown = JSON.parse(await readFile(factsPath, 'utf8'));
  if (!Value.Check(FactsSchema, facts)) {
    throw new Error(`${factsPath} does not have its form; write it anew with models/training/heldout.py.`);
  }
  return Promise.all(facts.packages.map((listed) => loadPackage(listed, directories)));
}

async function loadPackage(
  { name, version, files }: Static<typeof FactsSchema>['packages'][number],
  directories: readonly string[],
): Promise<HeldOutPackage> {
  const found: string[] = [];
  for (const directory of directories.map((modules) => join(modules, name))) {
    const manifest = await readFile(join(directory, 'package.json'), 'utf8').catch(() => '{}');
    const installed = (JSON.parse(manifest) as { version?: string }).version;
    if (installed === version) {
      return {
        name,
        version,
        files: await Promise.all(files.map((file) => loadFile(name, directory, file))),
      };
    }
    if (installed !== undefined) found.push(installed);
  }
  const what = found.length > 0 ? `is installed in version ${found.join(' and ')}` : 'is not installed';
  throw new Error(`The held-out package ${name} ${what}, expected ${version}; run npm ci.`);
}

async function loadFile(
  name: string,
  directory: string,
  { path, split, bytes, sha256, slices }: Static<typeof FileSchema>,
): Promise<HeldOutFile> {
  const raw = await readFile(join(directory, path), 'utf8').catch((cause: unknown) => {
    throw new Error(`The held-out package ${name} lacks ${path}; run npm ci.`, { cause });
  });
  const original = raw.replace(/^\uFEFF/u, '').replaceAll(/\r\n?/gu, '\n');
  const text = `${slices.map(([from, to]) => original.slice(from, to)).join('')}\n`;
  const found = createHash('sha256').update(text).digest('hex');
  if (found !== sha256) {
    throw new Error(
      `The held-out file ${path} of ${name} has other text (SHA-256 ${found.slice(0, 12)}…, expected ${sha256.slice(0, 12)}… over ${bytes} bytes); run npm ci, or write heldout.json anew.`,
    );
  }
  return { package: name, path, split, text };
}
