import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** SHA-256 of a block's bytes, as hex. */
export type BlockId = string;

/**
 * Bytes by what they are, a file each: what several adapters have in common is kept once. A block is there whole or not
 * at all, also after a crash or on a full disk, since it gets its name only when it is written.
 */
export class Blocks {
  readonly #directory: string;

  /** @param directory is made, with its parents, with the first block. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws the system's error where the block cannot be written; nothing of it is left then. */
  async put(bytes: Uint8Array): Promise<BlockId> {
    const id = idOf(bytes);
    // One that was damaged on the disk is mended by whoever brings it again.
    const there = await this.get(id).catch(() => undefined);
    if (there) return id;
    const path = this.#pathOf(id);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const beside = `${path}.${process.pid}.new`;
    try {
      const file = await open(beside, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    return id;
  }

  async has(id: BlockId): Promise<boolean> {
    return stat(this.#pathOf(id)).then(
      () => true,
      () => false,
    );
  }

  /** @throws Error where the block is missing or damaged. */
  async get(id: BlockId): Promise<Buffer> {
    const bytes = await readFile(this.#pathOf(id));
    if (idOf(bytes) === id) return bytes;
    throw new Error(`The block ${id} is damaged.`);
  }

  /** Removes all blocks but these, and what a crash left half-written. */
  async keepOnly(ids: ReadonlySet<BlockId>): Promise<void> {
    for (const shelf of await readdir(this.#directory).catch(() => [])) {
      for (const name of await readdir(join(this.#directory, shelf))) {
        if (!ids.has(shelf + name)) await rm(join(this.#directory, shelf, name), { force: true });
      }
    }
  }

  /** In directories by the first two digits: some systems are slow with many files in one. */
  #pathOf(id: BlockId): string {
    return join(this.#directory, id.slice(0, 2), id.slice(2));
  }
}

function idOf(bytes: Uint8Array): BlockId {
  return createHash('sha256').update(bytes).digest('hex');
}
