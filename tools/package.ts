import { existsSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import { build, readManifest } from './build.ts';

const root = join(import.meta.dirname, '..');
const packages = join(root, 'node_modules');

/** VS Code's names of the platforms, and the package that brings the native library there. */
const binaries: Readonly<Record<string, string>> = {
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'linux-armhf': '@node-llama-cpp/linux-armv7l',
  'linux-x64': '@node-llama-cpp/linux-x64',
  'win32-arm64': '@node-llama-cpp/win-arm64',
  'win32-x64': '@node-llama-cpp/win-x64',
};

/** Dependencies of node-llama-cpp for its command line and for compiling, neither of which the extension does. */
const notNeeded: ReadonlySet<string> = new Set(['cmake-js', 'node-addon-api', 'yargs']);

/** What VS Code shows of the extension beside what it runs: its page, its sentences, its telemetry, the pictures. */
const shown = ['README.md', 'package.nls.json', 'telemetry.json', 'l10n', 'media'] as const;

const thisPlatform = `${process.platform}-${process.arch === 'arm' ? 'armhf' : process.arch}`;

/**
 * Builds the extension and packs it for one platform.
 * @returns The VSIX to install or to publish.
 * @throws Error when the native library for that platform is not installed.
 */
export async function packageExtension(target = thisPlatform): Promise<string> {
  const cwd = await stageExtension(target);
  const packagePath = join(root, 'out', `foretype-${target}.vsix`);
  await createVSIX({ cwd, packagePath, target, dependencies: false, allowMissingRepository: true });
  return packagePath;
}

/**
 * Builds the extension and lays it out as it is when installed.
 * @returns Its directory.
 * @throws Error when the native library for that platform is not installed.
 */
export async function stageExtension(target = thisPlatform): Promise<string> {
  const binary = binaries[target];
  if (binary === undefined) {
    throw new Error(
      `There is no extension for ${target}; the platforms are ${Object.keys(binaries).join(', ')}.`,
    );
  }
  // npm leaves a package out, or an override puts an empty one in its place, where the platform is another.
  if (!existsSync(join(packages, binary, 'bins'))) {
    throw new Error(
      `The extension for ${target} can only be made where the npm package ${binary} is installed.`,
    );
  }
  await build();
  const directory = join(root, 'out', 'extension', target);
  await rm(directory, { recursive: true, force: true });
  await cp(join(root, 'extension', 'dist'), join(directory, 'dist'), { recursive: true });
  await stageLibrary(binary, join(directory, 'dist', 'node_modules'));
  await stageFamily(EMBEDDED_FAMILY, join(directory, 'families', basename(EMBEDDED_FAMILY)));
  for (const part of shown)
    await cp(join(root, 'extension', part), join(directory, part), { recursive: true });
  await cp(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  await writeFile(join(directory, 'package.json'), await publishedManifest());
  return directory;
}

/** The workspace's manifest with the published name; what the bundles contain is no dependency any more. */
async function publishedManifest(): Promise<string> {
  const manifest = await readManifest(join(root, 'extension'));
  const omitted = {
    private: undefined,
    type: undefined,
    dependencies: undefined,
    devDependencies: undefined,
  };
  return JSON.stringify({ ...manifest, name: 'foretype', ...omitted }, null, 2);
}

/** The laptop drafts only: neither the backbone nor its adapters belong there. */
async function stageFamily(from: string, to: string): Promise<void> {
  const { backbone, adapters } = await loadFamily(from);
  const edgeOnly = new Set([backbone, ...adapters].map(({ path }) => path));
  await cp(from, to, { recursive: true, filter: (source) => !edgeOnly.has(source) });
}

/** Copies node-llama-cpp with what it needs at run time, each package in the place where Node finds it. */
async function stageLibrary(binary: string, to: string): Promise<void> {
  const needed = new Set<string>();
  await collect('node-llama-cpp', root, needed);
  needed.add(join(packages, binary));
  for (const directory of needed) {
    await cp(directory, join(to, relative(packages, directory)), {
      recursive: true,
      dereference: true,
      filter: (source) => isRuntimeFile(relative(directory, source)),
    });
  }
}

/** Adds the directories of `name` and of its dependencies to `found`, as Node resolves them from `directory`. */
async function collect(name: string, from: string, found: Set<string>): Promise<void> {
  if (notNeeded.has(name) || name.startsWith('@node-llama-cpp/')) return;
  const directory = resolvePackage(name, from);
  if (directory === undefined || found.has(directory)) return;
  found.add(directory);
  const { dependencies = {}, optionalDependencies = {} } = await readManifest(directory);
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    await collect(dependency, directory, found);
  }
}

function resolvePackage(name: string, from: string): string | undefined {
  for (let directory = from; directory.startsWith(root); directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (existsSync(candidate)) return candidate;
  }
  return undefined;
}

/** Whether a file of a package is read at run time or is its licence; `path` is relative to the package. */
function isRuntimeFile(path: string): boolean {
  const [first, second = ''] = path.split(/[\\/]/);
  // What is nested is collected by itself, where it is needed.
  if (first === 'node_modules' || first === 'templates') return false;
  // Sources of the native library; the three small JSON files beside them name its release.
  if (first === 'llama' && second !== '' && !second.endsWith('.json')) return false;
  if (/^licen[cs]e|^notice|^copying/i.test(path)) return true;
  return (
    !/\.(d\.[cm]?ts|map|md|markdown|tsbuildinfo)$/i.test(path) && !/^(tests?|docs|\.github)$/i.test(path)
  );
}

if (import.meta.main) {
  await packageExtension(process.argv[2]).then(
    (vsix) => console.log(relative(process.cwd(), vsix)),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
}
