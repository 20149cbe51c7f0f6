import type { Family } from '@foretype/models';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openState } from '../../edge-node/src/state/state.ts';
import { readGguf } from '../../edge-node/src/hosting/files.ts';
import { randomAdapter, type RandomAdapter } from './random-adapter.ts';

/** Opens the state of a node, which may be running, and closes it again. */
export async function withState<T>(
  directory: string,
  work: (state: ReturnType<typeof openState>) => Promise<T> | T,
): Promise<T> {
  const state = openState(directory, {
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    now: () => new Date(),
  });
  try {
    return await work(state);
  } finally {
    state[Symbol.dispose]();
  }
}

/**
 * Adds adapters with random weights to what a node remembers.
 * @returns their ids, in the order of `made`; those of one name become its versions.
 */
export async function stock(
  directory: string,
  family: Family,
  made: readonly (RandomAdapter & { readonly name: string })[],
): Promise<string[]> {
  const file = await readFile(family.backbone.path);
  const backbone = { sha256: family.backbone.sha256, gguf: await readGguf(family.backbone.path) };
  const path = join(directory, 'random.gguf');
  return withState(directory, async ({ adapters }) => {
    const ids = [];
    for (const { name, ...options } of made) {
      await writeFile(path, randomAdapter(file, options));
      const { number } = await adapters.add(name, path, backbone);
      ids.push(`${name}@${number}`);
    }
    return ids;
  });
}
