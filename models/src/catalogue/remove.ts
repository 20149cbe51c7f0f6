/** From a family on the disk to none, whatever there is of it. */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ID } from '../family.ts';
import { CatalogueError } from './error.ts';
import { familyIn, lockOf, MANIFEST, stagingOf } from './install.ts';
import { systemCode } from './system.ts';
import type { PullTools } from './tools.ts';

export interface RemoveTools extends Pick<PullTools, 'alone'> {
  /** Why the family in a folder has to stay; it is asked when nobody else changes anything of the family. */
  readonly objection: (directory: string) => Promise<CatalogueError | undefined>;
}

/**
 * Deletes an installed family, and what came of one whose installation was ended. Nothing outside of `families` goes: of
 * a folder that is a link, the link.
 * @param id from anybody.
 * @throws CatalogueError `unknown` where nothing of it is there, `in-use` where another program has its files open; the
 * objection; what the system says.
 */
export async function removeFrom(families: string, id: string, tools: RemoveTools): Promise<void> {
  const unknown = new CatalogueError('unknown', `${JSON.stringify(id)} is not installed; look at its name.`);
  // It becomes a part of paths.
  if (!new RegExp(ID).test(id) || !(await isThere(families))) throw unknown;
  const work = async () => {
    const staging = stagingOf(families, id);
    const directory = await folderOf(families, id);
    if (directory === undefined && !(await isThere(staging))) throw unknown;
    const objection = directory === undefined ? undefined : await tools.objection(directory);
    if (objection) throw objection;
    await rm(staging, { recursive: true, force: true });
    if (directory === undefined) return;
    // At once, so that half a family is never under its name; what is left where this ends early is only a part of one.
    await rename(directory, staging).catch((error: unknown) => {
      throw opened(error, id);
    });
    await rm(staging, { recursive: true, force: true });
  };
  await tools.alone(lockOf(families, id), work);
}

/** The folder of a family: of its name, where it was installed, or of another, where somebody put it there. */
async function folderOf(families: string, id: string): Promise<string | undefined> {
  const own = join(families, id);
  // One without a manifest may be anything.
  if (await isThere(join(own, MANIFEST))) return own;
  for (const name of await readdir(families)) {
    const directory = join(families, name);
    if (!name.startsWith('.') && (await familyIn(directory))?.id === id) return directory;
  }
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Some systems move no folder of which a file is open. */
function opened(error: unknown, id: string): unknown {
  if (!['EBUSY', 'EPERM'].includes(systemCode(error))) return error;
  const message = `The files of ${id} are open in another window or program, or are not this user's; close it and try again.`;
  return new CatalogueError('in-use', message, { cause: error });
}
