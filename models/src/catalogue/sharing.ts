/** Files that families have in common, which come over the network once. */
import { constants } from 'node:fs';
import { chmod, copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engine.ts';
import { loadFamily } from '../family.ts';
import { sha256Of, sizeOf } from './files.ts';
import type { Get, Part } from './part.ts';
import type { PullTools } from './tools.ts';

/** Takes a file from another family of `families` that has the same one; has it come by `get` otherwise. */
export function sharing(families: string, get: Get, { note, signal }: PullTools): Get {
  return async (part, to) => {
    for (const path of await pathsOf(part, families)) {
      await copyTo(to, path);
      if ((await sha256Of(to, signal)) === part.sha256) {
        note(`${part.file} is here already, as ${path}.`);
        return;
      }
      await rm(to, { force: true });
    }
    await get(part, to);
  };
}

/** Where a file of the checksum should be; what is there nobody has looked at yet. */
async function pathsOf({ sha256 }: Part, families: string): Promise<string[]> {
  if (sha256 === null) return [];
  const found: string[] = [];
  for (const name of await readdir(families)) {
    if (name.startsWith('.')) continue;
    const family = await loadFamily(join(families, name)).catch((error: unknown) => {
      if (error instanceof EngineError) return undefined;
      throw error;
    });
    if (!family) continue;
    for (const weights of [family.backbone, family.draft, ...family.adapters])
      if (weights.sha256 === sha256 && (await sizeOf(weights.path)) === weights.bytes)
        found.push(weights.path);
  }
  return found;
}

/** A copy that can be written, though the original may be on a medium that cannot be; nothing where that fails. */
export async function copyTo(to: string, from: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, 0o600);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}
