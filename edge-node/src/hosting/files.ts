/** The files that engines read. */
import { MAX_HEADER_BYTES, parseGguf, type Family, type Gguf, type NamedWeights } from '@foretype/models';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AdapterStore } from '../adapters/store.ts';
import type { Roster } from '../roster.ts';

export interface AdapterFilesOptions {
  readonly family: Pick<Family, 'adapters'>;
  readonly roster: () => Roster;
  readonly store: Pick<AdapterStore, 'versions' | 'writeTo'>;
  /** Holds the files of stored adapters while the node runs; what an earlier run left there is of no use. */
  readonly directory: string;
}

/**
 * The file of an adapter by its id: a family's own, or one that is put together from its blocks when it is first asked
 * for. Engines keep adapters by their path, so that its name is that of its bytes.
 */
export function adapterFiles({ family, roster, store, directory }: AdapterFilesOptions) {
  const made = new Map<string, Promise<NamedWeights>>();
  const make = async (id: string): Promise<NamedWeights> => {
    const hosted = roster().find(id);
    if (!hosted) throw new Error(`There is no adapter ${id}.`);
    const { name, version, sha256, bytes } = hosted;
    if (version === undefined) return { ...family.adapters.find((one) => one.name === name)!, name: id };
    const stored = store.versions(name).find(({ number }) => number === version);
    if (!stored) throw new Error(`There is no version ${version} of ${name}.`);
    const file = `${sha256}.gguf`;
    const path = join(directory, file);
    const there = await stat(path).catch(() => undefined);
    if (there?.size !== bytes) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await store.writeTo(stored.id, `${path}.new`);
      await rename(`${path}.new`, path);
    }
    return { name: id, file, path, sha256, bytes };
  };
  return {
    fileOf: async (id: string): Promise<NamedWeights> => {
      const known = made.get(id) ?? make(id);
      made.set(id, known);
      known.catch(() => made.delete(id));
      const { path } = await known;
      const there = await stat(path).catch(() => undefined);
      if (there) return known;
      const again = make(id);
      made.set(id, again);
      return again;
    },
    /** Removes the files of what was removed since; engines that use it have read it. */
    prune: async (): Promise<void> => {
      for (const [id, file] of made) {
        if (roster().find(id)) continue;
        made.delete(id);
        const { path } = await file.catch(() => ({ path: undefined }));
        const used = [...made.keys()].some((other) => roster().find(other)?.sha256 === shaOf(path));
        if (path !== undefined && path.startsWith(directory) && !used) await rm(path, { force: true });
      }
    },
  };
}

/** The files of stored adapters have the names of their bytes. */
function shaOf(path: string | undefined): string | undefined {
  return path && basename(path, '.gguf');
}

/** Forgets the files of an earlier run. */
export async function clearAdapterFiles(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/** What a GGUF file says of itself. @throws GgufError, or the system's error where it cannot be read. */
export async function readGguf(path: string): Promise<Gguf> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    return parseGguf(header.subarray(0, bytesRead), size);
  } finally {
    await file.close();
  }
}
