import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BlockId, Blocks } from '../../adapters/blocks.ts';
import { Refusal } from '../answers.ts';

export interface UploadsOptions {
  /** Of nobody else; what an earlier run left there goes with the first file. */
  readonly directory: string;
  /** The most bytes of a file, and of all blocks that wait to be put together. */
  readonly most: number;
  readonly now: () => Date;
}

/** Milliseconds that a block waits for the others of its file. */
const WAIT_MS = 3_600_000;

type Write = (bytes: Uint8Array) => Promise<void>;

interface Staged {
  readonly bytes: number;
  readonly since: number;
}

/** Files and blocks on their way into the store. None is there under its name before it is whole. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #staged = new Map<BlockId, Staged>();
  #made: Promise<unknown> | undefined;
  #files = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /**
   * Takes a whole file, lets `work` have it, and removes it.
   * @param renew is called whenever some of it came.
   * @throws Refusal where it is too large or ends too early; the system's error where it cannot be written.
   */
  async receive<T>(
    body: Readable,
    renew: () => void,
    work: (file: { path: string; sha256: string; bytes: number }) => Promise<T>,
  ): Promise<T> {
    const { most } = this.#options;
    const hash = createHash('sha256');
    let bytes = 0;
    const fill = async (write: Write) => {
      // What is too large is answered, so that the connection must stay as long as that takes.
      const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      try {
        for await (const chunk of chunks) {
          renew();
          bytes += chunk.length;
          if (bytes > most) throw tooLarge(most);
          hash.update(chunk);
          await write(chunk);
        }
      } catch (cause) {
        if (body.errored === null) throw cause;
        throw new Refusal(400, 'incomplete', 'The body ended too early; send it again.', { cause });
      }
    };
    return this.#during(fill, (path) => work({ path, sha256: hash.digest('hex'), bytes }));
  }

  has(id: BlockId): boolean {
    return this.#staged.has(id);
  }

  /** Takes a block that waits for the others of its file. @throws Refusal where its bytes are others, or too many wait. */
  async stage(id: BlockId, body: Readable, renew: () => void): Promise<void> {
    await this.#dropLate();
    await this.receive(body, renew, async ({ path, sha256, bytes }) => {
      if (sha256 !== id)
        throw new Refusal(400, 'wrong-block', `The SHA-256 of the body is ${sha256}, not ${id}.`);
      const waiting = [...this.#staged.values()].reduce((sum, staged) => sum + staged.bytes, 0);
      if (waiting + bytes > this.#options.most)
        throw new Refusal(507, 'full', 'Too many blocks wait to be put together; finish those first.');
      await rename(path, this.#pathOf(id));
      this.#staged.set(id, { bytes, since: this.#options.now().getTime() });
    });
  }

  /**
   * Puts a file together from staged and stored blocks, lets `work` have it, and removes it; the staged blocks go with it
   * once `work` is done.
   * @throws MissingBlocks; Refusal where it is too large.
   */
  async assemble<T>(
    ids: readonly BlockId[],
    stored: Pick<Blocks, 'has' | 'get'>,
    work: (path: string) => Promise<T>,
  ): Promise<T> {
    const missing = [];
    for (const id of new Set(ids)) if (!this.has(id) && !(await stored.has(id))) missing.push(id);
    if (missing.length > 0) throw new MissingBlocks(missing);
    const { most } = this.#options;
    const fill = async (write: Write) => {
      let bytes = 0;
      for (const id of ids) {
        const block = await this.#read(id, stored);
        bytes += block.length;
        if (bytes > most) throw tooLarge(most);
        await write(block);
      }
    };
    const result = await this.#during(fill, work);
    for (const id of ids) await this.#drop(id);
    return result;
  }

  async #read(id: BlockId, stored: Pick<Blocks, 'get'>): Promise<Buffer> {
    try {
      return this.has(id) ? await readFile(this.#pathOf(id)) : await stored.get(id);
    } catch {
      // Gone since it was looked for, or damaged: either way it has to come again.
      this.#staged.delete(id);
      throw new MissingBlocks([id]);
    }
  }

  async #during<T>(fill: (write: Write) => Promise<void>, work: (path: string) => Promise<T>): Promise<T> {
    await this.#directory();
    const path = join(this.#options.directory, `${++this.#files}.new`);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await fill((bytes) => file.writeFile(bytes));
      } finally {
        await file.close();
      }
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  #directory(): Promise<unknown> {
    const { directory } = this.#options;
    this.#made ??= rm(directory, { recursive: true, force: true }).then(() =>
      mkdir(directory, { recursive: true, mode: 0o700 }),
    );
    this.#made.catch(() => (this.#made = undefined));
    return this.#made;
  }

  async #dropLate(): Promise<void> {
    const late = this.#options.now().getTime() - WAIT_MS;
    for (const [id, { since }] of this.#staged) if (since < late) await this.#drop(id);
  }

  async #drop(id: BlockId): Promise<void> {
    if (this.#staged.delete(id)) await rm(this.#pathOf(id), { force: true });
  }

  #pathOf(id: BlockId): string {
    return join(this.#options.directory, id);
  }
}

/** Blocks that a client has to send before a file can be put together. */
export class MissingBlocks extends Error {
  override readonly name = 'MissingBlocks';
  readonly code = 'missing-blocks';
  readonly ids: readonly BlockId[];

  constructor(ids: readonly BlockId[]) {
    super(`The node lacks ${ids.length} of the blocks; send them and ask again.`);
    this.ids = ids;
  }
}

export function tooLarge(most: number): Refusal {
  return new Refusal(413, 'too-large', `An adapter has at most ${most} bytes.`);
}
