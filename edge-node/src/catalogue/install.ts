/** From any source to a family that can be served: whole, or not there under its name. */
import { EngineError, loadFamily, type Family } from '@foretype/models';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alone } from '../adapters/lock.ts';
import type { CommandIo } from '../commands/io.ts';
import { CommandError } from '../commands/problem.ts';
import { settle } from './files.ts';
import { bring, roomFor, type Get, type Part } from './part.ts';

export interface PullTools extends Pick<CommandIo, 'fetch' | 'sleep' | 'now' | 'freeBytes'> {
  /** Says what goes on. */
  readonly note: (line: string) => void;
}

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
  /** A file that it does not have, and a node does not need. */
  readonly lacks?: Family['draft'] | undefined;
  /** Whether the family that is there under the name is the one that would come. */
  readonly same: (there: Family) => boolean | Promise<boolean>;
  readonly get: Get;
  /** Looks at each file that came whole, before the next one comes. */
  readonly came?: (part: Part, path: string, sha256: string) => Promise<void>;
  /** The manifest's text, when all came. @throws CommandError where no other try makes a family of these files */
  readonly manifest: () => string;
}

/** A manifest's name in the folder of its family. */
export const MANIFEST = 'family.json';

/**
 * Has a family in a folder of `families`; of one that is there already, what is damaged or missing comes again. What
 * came of it stays when it fails.
 * @throws CommandError, and what the source throws.
 */
export async function install(source: Source, families: string, tools: PullTools): Promise<Pulled> {
  const { id } = source;
  const directory = join(families, id);
  await mkdir(families, { recursive: true, mode: 0o700 });
  return alone(join(families, `.${id}.lock`), async () => {
    const family = await familyIn(directory);
    if (family) {
      if (await source.same(family))
        return { family, directory, already: await whole(family, directory, source, tools) };
      throw new CommandError(
        'exists',
        `Another version of ${id} is in ${directory}; remove that folder first.`,
      );
    }
    const staging = join(families, `.${id}.part`);
    if (await stat(directory).catch(() => undefined)) {
      // Nobody can serve it without its manifest, and its weights need not come again.
      await rm(staging, { recursive: true, force: true });
      await rename(directory, staging);
    }
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await fill(staging, source, tools);
    await loadFamily(staging);
    await rename(staging, directory);
    return { family: await loadFamily(directory), directory, already: false };
  });
}

/** The family in a folder; undefined where none can be read there. */
async function familyIn(directory: string): Promise<Family | undefined> {
  try {
    return await loadFamily(directory);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Has the files of a family come again that are damaged or missing, each in its place. @returns whether none was. */
async function whole(
  { backbone, draft, adapters }: Family,
  directory: string,
  source: Source,
  { note }: PullTools,
): Promise<boolean> {
  let damaged = 0;
  for (const part of needed([backbone, draft, ...adapters], source)) {
    await bring(part, join(directory, part.file), (one, to) => {
      damaged++;
      note(`${one.file} is damaged or missing in ${directory}, and comes again.`);
      return source.get(one, to);
    });
  }
  return damaged === 0;
}

/** Has all files of a family in a folder, and its manifest last. */
async function fill(staging: string, source: Source, { freeBytes, note }: PullTools): Promise<void> {
  if (source.lacks) note(`${source.lacks.path} is missing, which a node does not need.`);
  const parts = needed(source.parts, source);
  await roomFor(parts, staging, freeBytes);
  for (const part of parts) {
    const path = join(staging, part.file);
    const sha256 = await bring(part, path, source.get);
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

/** Each file once, without what the source lacks. @throws CommandError `damaged` where a name would not stay in the folder */
function needed(files: readonly Part[], { lacks }: Source): Part[] {
  const parts = new Map<string, Part>();
  for (const { file, bytes, sha256 } of files) {
    const other = parts.get(file);
    if (file.startsWith('.') || file === MANIFEST || (other && other.sha256 !== sha256))
      throw new CommandError(
        'damaged',
        `The family manifest gives the name ${JSON.stringify(file)} to a file that cannot have it.`,
      );
    parts.set(file, { file, bytes, sha256 });
  }
  return [...parts.values()].filter(({ file }) => file !== lacks?.file);
}
