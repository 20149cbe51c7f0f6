import { ggufOf, sizeText } from '@foretype/models/catalogue';
import { GgufError, loadFamily, type Family } from '@foretype/models';
import { stat } from 'node:fs/promises';
import { AdapterError } from '../adapters/error.ts';
import type { AdapterStore, AdapterVersion } from '../adapters/store.ts';
import { familiesOf, type Config } from '../config.ts';
import { namedProject, normaliseRemote, projectId } from '../protocol/project.ts';
import { bringing } from '../roster.ts';
import type { CommandIo } from './io.ts';
import { CommandError } from './problem.ts';
import type { Asked } from './run.ts';
import { openState } from '../state/state.ts';
import { jsonText, table, timeText } from './text.ts';

export async function add({ words, options, config }: Asked, io: CommandIo): Promise<void> {
  const [name, path] = words as [string, string];
  const family = await familyFor(config, options.get('family'));
  const backbone = { sha256: family.backbone.sha256, gguf: await ggufOf(family.backbone.path) };
  using state = openState(config.state, io);
  const known = new Set(state.adapters.versions().map(({ id }) => id));
  let version: AdapterVersion;
  try {
    version = await state.adapters.add(name, path, backbone);
  } catch (error) {
    // What a file lacks is said of it, without its name.
    if (!(error instanceof AdapterError && error.cause instanceof GgufError)) throw error;
    const message = `The file ${path} is no adapter for the backbone of ${family.id}. ${error.message}`;
    throw new AdapterError(error.code, message, { cause: error });
  }
  const label = `${version.adapter}@${version.number}`;
  if (known.has(version.id)) {
    io.out(`${path} is stored already, as ${label}.`);
    return;
  }
  io.out(`${label} is stored: ${sizeText(version.bytes)}, rank ${version.rank}, for ${family.id}.`);
  if (bringing([family], name).length > 0)
    io.err(`It goes before the adapter of the same name that ${family.id} brings.`);
}

export async function list({ options, config }: Asked, io: CommandIo): Promise<void> {
  using state = openState(config.state, io);
  const pinned = state.adapters.pinned();
  const projects = Map.groupBy(state.adapters.projects(), ({ adapter }) => adapter);
  const stored = Map.groupBy(state.adapters.versions(), ({ adapter }) => adapter);
  const added = [...stored].map(([name, versions]) => ({
    name,
    version: versions.at(-1)!.number,
    versions: versions.length,
    bytes: versions.at(-1)!.bytes,
    pinned: pinned.has(name),
    projects: projects.get(name)?.length ?? 0,
    family: null,
  }));
  const families = await servedBy(config);
  const shipped = families.flatMap(({ id: family, adapters }) =>
    adapters
      .filter(({ name }) => !stored.has(name))
      .map(({ name, bytes }) => ({
        name,
        version: null,
        versions: 1,
        bytes,
        pinned: false,
        projects: projects.get(name)?.length ?? 0,
        family,
      })),
  );
  const all = [...added, ...shipped];
  if (options.has('json')) {
    io.out(jsonText(all));
    return;
  }
  const rows = all.map((one) => [
    one.name,
    one.version === null ? '-' : String(one.version),
    sizeText(one.bytes),
    one.pinned ? 'yes' : '-',
    String(one.projects),
    one.family === null ? 'added' : `with ${one.family}`,
  ]);
  for (const line of table([['NAME', 'VERSION', 'SIZE', 'PINNED', 'PROJECTS', 'FROM'], ...rows]))
    io.out(line);
}

export function show({ words, options, config }: Asked, io: CommandIo): void {
  const [name] = words as [string];
  using state = openState(config.state, io);
  const versions = versionsOf(state.adapters, name);
  const pinned = state.adapters.pinned().has(name);
  const projects = state.adapters.projects().filter(({ adapter }) => adapter === name);
  const pieces = versions.flatMap(({ id }) => state.adapters.pieces(id));
  const kept = new Map(pieces.map(({ block, bytes }) => [block, bytes]));
  const onDisk = [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (options.has('json')) {
    io.out(jsonText({ name, pinned, onDisk, projects, versions }));
    return;
  }
  io.out(`${name}: ${pinned ? 'pinned, ' : ''}${sizeText(onDisk)} on disk, what versions share counted once`);
  const rows = versions.map((version) => [
    `${version.number}`,
    sizeText(version.bytes),
    String(version.rank),
    timeText(version.created),
    version.sha256.slice(0, 12),
    version.backbone.slice(0, 12),
  ]);
  for (const line of table([['VERSION', 'SIZE', 'RANK', 'ADDED', 'SHA-256', 'BACKBONE'], ...rows]))
    io.out(line);
  for (const { id, label } of projects) io.out(`answers ${label ?? id}`);
}

export async function assign({ words, config }: Asked, io: CommandIo): Promise<void> {
  const [project, name] = words as [string, string];
  const known = projectOf(project);
  using state = openState(config.state, io);
  const added = state.adapters.versions(name).length > 0;
  // What was added needs no family, so that one that cannot be read does not stand in its way.
  const shipped = !added && bringing(await servedBy(config), name).length > 0;
  if (!added && !shipped)
    throw new CommandError(
      'unknown',
      `No adapter named ${JSON.stringify(name)} was added or comes with a family; see foretype-edge adapter list.`,
    );
  state.adapters.assign(known, name, { shipped });
  io.out(`${known.label} is answered with ${name}.`);
}

export function unassign({ words, config }: Asked, io: CommandIo): void {
  const { id, label } = projectOf(words[0]!);
  using state = openState(config.state, io);
  if (!state.adapters.unassign(id)) throw new CommandError('unknown', `${label} has no adapter.`);
  io.out(`${label} is answered with the backbone alone.`);
}

export function pin({ words, config }: Asked, io: CommandIo): void {
  using state = openState(config.state, io);
  state.adapters.pin(words[0]!, true);
  io.out(`${words[0]!} stays in memory before all others.`);
}

export function unpin({ words, config }: Asked, io: CommandIo): void {
  using state = openState(config.state, io);
  state.adapters.pin(words[0]!, false);
  io.out(`The node decides whether ${words[0]!} stays in memory.`);
}

export async function remove({ words, config }: Asked, io: CommandIo): Promise<void> {
  const [name] = words as [string];
  using state = openState(config.state, io);
  const left = state.adapters.projects().filter(({ adapter }) => adapter === name);
  // Only for projects does it matter what comes with the families.
  const families = left.length > 0 ? bringing(await servedBy(config), name) : [];
  await state.adapters.remove(name, { shipped: families.length > 0 });
  io.out(`${name} is removed, with all its versions.`);
  const instead =
    families.length > 0 ? `the ${name} of ${families.map(({ id }) => id).join(', ')}` : 'the backbone alone';
  for (const { id, label } of left) io.err(`${label ?? id} is answered with ${instead} now.`);
}

export async function exportVersion({ words, config }: Asked, io: CommandIo): Promise<void> {
  const [which, path] = words as [string, string];
  const [, name, number] = /^(.+?)(?:@(\d{1,9}))?$/.exec(which) ?? [];
  using state = openState(config.state, io);
  const versions = versionsOf(state.adapters, name!);
  const version =
    number === undefined ? versions.at(-1) : versions.find((one) => one.number === Number(number));
  if (!version)
    throw new CommandError(
      'unknown',
      `There is no version ${number!} of ${name!}; see foretype-edge adapter show ${name!}.`,
    );
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    throw new CommandError('exists', `The file ${path} exists already; name another.`);
  await state.adapters.writeTo(version.id, path);
  io.out(
    `${version.adapter}@${version.number} is in ${path}: ${sizeText(version.bytes)}, SHA-256 ${version.sha256}.`,
  );
}

/**
 * Pure: what a person calls a project, as the node knows it.
 * @throws CommandError `usage`
 */
export function projectOf(text: string): { readonly id: string; readonly label: string } {
  // An id as it is listed where nobody gave a name.
  if (/^[0-9a-f]{64}$/.test(text)) return { id: text, label: text };
  const label = text.startsWith('name:') ? namedProject(text.slice('name:'.length)) : normaliseRemote(text);
  if (label !== undefined) return { id: projectId(label), label };
  const expected = 'the URL of a repository, such as https://host/owner/repo, or name:NAME';
  throw new CommandError('usage', `Project ${JSON.stringify(text)}: expected ${expected}.`);
}

function versionsOf(adapters: AdapterStore, name: string): AdapterVersion[] {
  const versions = adapters.versions(name);
  if (versions.length > 0) return versions;
  throw new CommandError(
    'unknown',
    `There is no adapter named ${JSON.stringify(name)} that was added; see foretype-edge adapter list.`,
  );
}

/** @throws EngineError where one of them cannot be read. */
function servedBy(config: Config): Promise<Family[]> {
  return Promise.all(familiesOf(config).map(loadFamily));
}

async function familyFor(config: Config, id: string | undefined): Promise<Family> {
  const families = await servedBy(config);
  const ids = families.map((family) => family.id).join(', ');
  if (id !== undefined) {
    const found = families.find((family) => family.id === id);
    if (found) return found;
    throw new CommandError('unknown', `--family: expected one of ${ids}, got ${JSON.stringify(id)}.`);
  }
  if (families.length > 1)
    throw new CommandError('usage', `Several families are served: say which with --family, one of ${ids}.`);
  return families[0]!;
}
