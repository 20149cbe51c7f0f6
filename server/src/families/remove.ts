/** Which families of this machine may go. */
import { loadFamily } from '@foretype/models';
import { CatalogueError, removeFrom } from '@foretype/models/catalogue';
import { realpath } from 'node:fs/promises';
import { alone } from './lock.ts';
import type { Places } from './place.ts';

/** Milliseconds after which whoever installs a family is taken to go on with it for a while. */
const BUSY_MS = 1_000;

/**
 * Deletes an installed family, and what came of one whose installation was ended.
 * @param places asked again when nobody else changes anything of the family.
 * @throws CatalogueError `unknown`, `embedded` or `in-use`, and what the system says.
 */
export async function removeFamily(
  id: string,
  places: () => Places & { readonly used: string },
): Promise<void> {
  const { standard, families } = places();
  const busy = AbortSignal.timeout(BUSY_MS);
  const objection = async (directory: string) => {
    if (await isSame(directory, standard)) return embedded(id);
    if (await isSame(directory, places().used)) return inUse(id);
    return undefined;
  };
  try {
    await removeFrom(families, id, { alone: (path, work) => alone(path, work, busy), objection });
  } catch (error) {
    if (error === busy.reason) throw beingInstalled(id);
    const isUnknown = error instanceof CatalogueError && error.code === 'unknown';
    throw isUnknown && (await idAt(standard)) === id ? embedded(id) : error;
  }
}

function embedded(id: string): CatalogueError {
  return new CatalogueError('embedded', `${id} is built in and cannot be removed.`);
}

function inUse(id: string): CatalogueError {
  const message = `${id} is in use and cannot be removed; choose another family first, by the setting "family".`;
  return new CatalogueError('in-use', message);
}

function beingInstalled(id: string): CatalogueError {
  const message = `${id} is being installed by another window or command; wait for it, or call it off first.`;
  return new CatalogueError('in-use', message);
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => realpath(path).catch(() => path)));
  return a === b;
}

/** The name of the family in a directory; undefined where none can be read. */
async function idAt(directory: string): Promise<string | undefined> {
  return loadFamily(directory).then(
    ({ id }) => id,
    () => undefined,
  );
}
