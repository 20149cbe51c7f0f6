/** From any source to a family that can be used: whole, or not there under its name. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engine.ts';
import { loadFamily, type Family, type Weights } from '../family.ts';
import { CatalogueError } from './error.ts';
import { settle } from './files.ts';
import { bring, cameOf, roomFor, type Get, type Part } from './part.ts';
import { sharing } from './sharing.ts';
import type { PullTools, Wants } from './tools.ts';

export interface Pulled {
  readonly family: Family;
  readonly directory: string;
  /** Whether it was there before. */
  readonly already: boolean;
}

/** Where a family comes from. */
export interface Source {
  readonly id: string;
  /** In the order in which they come. */
  readonly parts: readonly Part[];
  /** A file that it does not have, and that nobody needs. */
  readonly lacks?: Weights | undefined;
  /** Whether the family that is there under the name is the one that would come. */
  readonly same: (there: Family) => boolean | Promise<boolean>;
  readonly get: Get;
  /** Looks at each file that came whole, before the next one comes. */
  readonly came?: (part: Part, path: string, sha256: string) => Promise<void>;
  /** The manifest's text, when all came. @throws CatalogueError where no other try makes a family of these files */
  readonly manifest: () => string;
}

/** A manifest's name in the folder of its family. */
export const MANIFEST = 'family.json';

/** The files of a family that are needed where `wants` says; without its notices nothing of it may be passed on. */
export function filesOf({ backbone, draft, adapters, notices = [] }: Family, wants: Wants): Part[] {
  return [...(wants === 'draft' ? [draft] : [backbone, draft, ...adapters]), ...notices];
}

/**
 * Has a family in a folder of `families`; of one that is there already, what is damaged or missing comes again. What
 * came of it stays when it fails, or is called off.
 * @throws CatalogueError, what the source throws, and the signal's reason.
 */
export async function install(source: Source, families: string, tools: PullTools): Promise<Pulled> {
  const { id } = source;
  const { signal } = tools;
  signal?.throwIfAborted();
  const directory = join(families, id);
  await mkdir(families, { recursive: true, mode: 0o700 });
  const work = async () => {
    const family = await familyIn(directory);
    if (family) {
      if (await source.same(family))
        return { family, directory, already: await whole(family, directory, source, families, tools) };
      throw new CatalogueError('exists', `Another version of ${id} is in ${directory}; remove it first.`);
    }
    const staging = stagingOf(families, id);
    if (await stat(directory).catch(() => undefined)) {
      // Nobody can serve it without its manifest, and its weights need not come again.
      await rm(staging, { recursive: true, force: true });
      await rename(directory, staging);
    }
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await fill(staging, source, families, tools);
    await loadFamily(staging);
    await rename(staging, directory);
    return { family: await loadFamily(directory), directory, already: false };
  };
  return alone(lockOf(families, id), work, tools);
}

/** The lock of whoever changes anything of a family. */
export function lockOf(families: string, id: string): string {
  return join(families, `.${id}.lock`);
}

/** Where a family is while it comes. */
export function stagingOf(families: string, id: string): string {
  return join(families, `.${id}.part`);
}

/** Bytes of a file of a family that came before something ended its download; 0 where none did. */
export async function cameBefore(families: string, id: string, file: string): Promise<number> {
  return cameOf(join(stagingOf(families, id), file));
}

async function alone<T>(lock: string, work: () => Promise<T>, { alone, signal }: PullTools): Promise<T> {
  try {
    return await alone(lock, work, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** The family in a folder; undefined where none can be read there. */
export async function familyIn(directory: string): Promise<Family | undefined> {
  try {
    return await loadFamily(directory);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Has the files of a family come again that are damaged or missing, each in its place. @returns whether none was. */
async function whole(
  family: Family,
  directory: string,
  source: Source,
  families: string,
  tools: PullTools,
): Promise<boolean> {
  let damaged = 0;
  const again: Get = (one, to) => {
    damaged++;
    tools.note(`${one.file} is damaged or missing in ${directory}, and comes again.`);
    return source.get(one, to);
  };
  for (const part of needed(filesOf(family, tools.wants), source)) {
    const path = join(directory, part.file);
    await bring(part, path, sharing(families, again, tools), tools.signal);
  }
  return damaged === 0;
}

/** Has all files of a family in a folder, and its manifest last. */
async function fill(staging: string, source: Source, families: string, tools: PullTools): Promise<void> {
  if (source.lacks) tools.note(`${source.lacks.path} is missing, which a node does not need.`);
  const parts = needed(source.parts, source);
  await roomFor(parts, staging, tools);
  for (const part of parts) {
    const path = join(staging, part.file);
    const sha256 = await bring(part, path, sharing(families, source.get, tools), tools.signal);
    await source.came?.(part, path, sha256);
  }
  let manifest;
  try {
    manifest = source.manifest();
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  const path = join(staging, MANIFEST);
  await writeFile(path, manifest);
  await settle(path);
}

/** Each file once, without what the source lacks. @throws CatalogueError `damaged` where a name would not stay in the folder */
function needed(files: readonly Part[], { lacks }: Source): Part[] {
  const parts = new Map<string, Part>();
  for (const { file, bytes, sha256 } of files) {
    const other = parts.get(file);
    if (file.startsWith('.') || file === MANIFEST || (other && other.sha256 !== sha256))
      throw new CatalogueError(
        'damaged',
        `The family manifest gives the name ${JSON.stringify(file)} to a file that cannot have it.`,
      );
    parts.set(file, { file, bytes, sha256 });
  }
  return [...parts.values()].filter(({ file }) => file !== lacks?.file);
}
