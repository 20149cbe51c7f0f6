import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');

// Bundled CommonJS packages call `require`, which ES modules lack.
const requireForModules =
  "import { createRequire as foretypeCreateRequire } from 'node:module'; const require = foretypeCreateRequire(import.meta.url);";

const esModule = {
  format: 'esm',
  // It finds its native library beside its own files and can therefore not be bundled.
  external: ['node-llama-cpp'],
  banner: { js: requireForModules },
} satisfies BuildOptions;

const extension = {
  format: 'cjs',
  external: ['vscode'],
  // The messages shared with the server are made by the client's copy of the same library, not by a second one.
  alias: { 'vscode-languageserver': 'vscode-languageclient/node' },
} satisfies BuildOptions;

/** The language client is a file of its own: reading it takes longer than the activation, which does not wait for it. */
const clientApart: Plugin = {
  name: 'client-apart',
  setup: (plugin) =>
    plugin.onResolve({ filter: /^\.\/client\.ts$/ }, () => ({ path: './client.cjs', external: true })),
};

const bundles: readonly BuildOptions[] = [
  {
    entryPoints: ['extension/src/extension.ts'],
    outfile: 'extension/dist/extension.cjs',
    ...extension,
    plugins: [clientApart],
  },
  { entryPoints: ['extension/src/client.ts'], outfile: 'extension/dist/client.cjs', ...extension },
  // What is imported when it is needed is read when it is needed, so that a start does not wait for it.
  {
    entryPoints: { server: 'server/src/main.ts', 'engine-child': 'models/src/engine/child.ts' },
    outdir: 'extension/dist',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'part-[hash]',
    splitting: true,
    ...esModule,
  },
];

/** Bundles the extension, the language server and the engine's process into `extension/dist`, with their notices. */
export async function build(): Promise<void> {
  const dist = join(root, 'extension', 'dist');
  // What an earlier build left must not be packed.
  await rm(dist, { recursive: true, force: true });
  const metafiles = await Promise.all(bundles.map(bundleOne));
  await writeFile(join(dist, 'THIRD-PARTY-NOTICES.txt'), await notices(metafiles));
}

async function bundleOne(options: BuildOptions): Promise<Metafile> {
  const { metafile } = await bundle({
    ...options,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    // The Node of the oldest VS Code that the extension's manifest admits.
    target: 'node22',
    // Names stay, so that a stack trace in a bug report can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    // They are all in the notices.
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  return metafile;
}

/** The licences of the packages whose code is inside the bundles; those beside the bundles carry their own. */
async function notices(metafiles: readonly Metafile[]): Promise<string> {
  const inputs = new Set(metafiles.flatMap(({ inputs }) => Object.keys(inputs)));
  const byPackage = Map.groupBy(inputs, (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const parts = new Set<string>();
  for (const [directory, files] of byPackage) {
    if (directory !== undefined) parts.add(await notice(join(root, directory), files));
  }
  // Apache-2.0 asks for its text, which the packages under it leave out; this one is a tool of ours that has it.
  const apache = await readFile(join(root, 'node_modules', 'typescript', 'LICENSE.txt'), 'utf8');
  const sections = ['Foretype contains code of these packages.', ...[...parts].sort(), apache.trim()];
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

async function notice(directory: string, files: readonly string[]): Promise<string> {
  const { name, version, license } = await readManifest(directory);
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  const texts =
    file === undefined ? await copyrightHeaders(files) : [await readFile(join(directory, file), 'utf8')];
  return [`${name} ${version} (${license ?? 'licence not stated'})`, ...texts]
    .map((text) => text.trim())
    .join('\n\n');
}

/** What a package without a licence file says at the top of its sources. */
async function copyrightHeaders(files: readonly string[]): Promise<Set<string>> {
  const sources = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')));
  const headers = sources.map((source) => /^(?:\/\/.*\n)+/.exec(source)?.[0] ?? '');
  return new Set(headers.filter((header) => header.includes('Copyright')));
}

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Reads the `package.json` in a package's directory. */
export async function readManifest(directory: string): Promise<PackageManifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as PackageManifest;
}

if (import.meta.main) {
  await build();
  const dist = join(root, 'extension', 'dist');
  for (const file of await readdir(dist))
    console.log(`${file}  ${Math.ceil((await stat(join(dist, file))).size / 1024)} KiB`);
}
