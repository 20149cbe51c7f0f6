import { adapterFacts, allFinite, GgufError, MAX_HEADER_BYTES, parseGguf, type Gguf } from '@foretype/models';
import { createHash } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import type { Stored } from '../roster.ts';
import { transaction } from '../state/database.ts';
import { AdapterError } from './error.ts';
import type { BlockId, Blocks } from './blocks.ts';
import { alone } from './lock.ts';
import { piecesOf, type Piece } from './pieces.ts';

/** One version of an adapter, as it is stored. */
export interface AdapterVersion {
  readonly id: number;
  readonly adapter: string;
  /** From 1 on. */
  readonly number: number;
  /** Of the whole file. */
  readonly sha256: string;
  readonly bytes: number;
  /** SHA-256 of the backbone that it was checked against. */
  readonly backbone: string;
  readonly rank: number;
  readonly created: Date;
}

/** A project that an adapter answers. */
export interface AssignedProject {
  /** See `projectId`. */
  readonly id: string;
  /** What whoever assigned it called it. */
  readonly label: string | null;
  /** Its name; which adapter that is, the roster says when it is asked. */
  readonly adapter: string;
}

/** What the store cannot know of a name. */
export interface Naming {
  /** Whether a family of the node brings an adapter of that name; false if absent. */
  readonly shipped?: boolean;
}

/** A backbone that adapters are checked against. */
export interface BackboneFacts {
  readonly sha256: string;
  readonly gguf: Gguf;
}

export interface AdapterStoreOptions {
  readonly database: DatabaseSync;
  readonly blocks: Blocks;
  /** Where the blocks lie. */
  readonly directory: string;
  readonly now: () => Date;
}

/** The largest adapter that is taken; a tensor of it is read at once. */
export const MAX_ADAPTER_BYTES = 1024 ** 3;
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

/** Adapters by name and version: manifests in the database, tensors as blocks. */
export class AdapterStore {
  readonly #database: DatabaseSync;
  readonly #blocks: Blocks;
  readonly #directory: string;
  readonly #now: () => Date;

  constructor({ database, blocks, directory, now }: AdapterStoreOptions) {
    this.#database = database;
    this.#blocks = blocks;
    this.#directory = directory;
    this.#now = now;
  }

  /**
   * Checks a GGUF file and stores it as the next version of the adapter; a file that is stored already stays the version
   * it is. Of one that cannot be stored nothing is left.
   * @throws AdapterError
   */
  async add(name: string, path: string, backbone: BackboneFacts): Promise<AdapterVersion> {
    if (!NAME.test(name))
      throw new AdapterError(
        'invalid',
        `The name ${JSON.stringify(name)} is none: small letters, digits, dots and dashes, 64 at most.`,
      );
    const file = await open(path).catch((cause: unknown) => {
      throw new AdapterError('invalid', `The file ${path} cannot be read.`, { cause });
    });
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      return await alone(`${this.#directory}.lock`, () => this.#store(name, file, backbone));
    } finally {
      await file.close();
    }
  }

  /** All versions, by name and number. */
  versions(name?: string): AdapterVersion[] {
    return this.#database
      .prepare(
        `SELECT version.*, adapter.name FROM version JOIN adapter ON adapter.id = adapter
         WHERE adapter.name = coalesce(?, adapter.name) ORDER BY name, number`,
      )
      .all(name ?? null)
      .map(versionOf);
  }

  /** What the node answers with, as it is now. */
  stored(): Stored {
    const pinned = this.pinned();
    const versions = this.versions().map((version) => ({ ...version, pinned: pinned.has(version.adapter) }));
    return { versions, projects: new Map(this.projects().map(({ id, adapter }) => [id, adapter])) };
  }

  /** Names of the adapters that are kept in memory before all others. */
  pinned(): Set<string> {
    const rows = this.#database.prepare('SELECT name FROM adapter WHERE pinned = 1').all();
    return new Set(rows.map((row) => String(row['name'])));
  }

  /** @throws AdapterError `unknown` */
  pin(name: string, pinned: boolean): void {
    const { changes } = this.#database
      .prepare('UPDATE adapter SET pinned = ? WHERE name = ?')
      .run(pinned ? 1 : 0, name);
    if (changes === 0) throw unknown(name);
  }

  /** Projects that have an adapter, by label. */
  projects(): AssignedProject[] {
    return this.#database
      .prepare('SELECT id, label, adapter FROM project ORDER BY label, id')
      .all()
      .map((row) => ({
        id: String(row['id']),
        label: row['label'] === null ? null : String(row['label']),
        adapter: String(row['adapter']),
      }));
  }

  /**
   * Answers a project with an adapter from now on, whatever it was answered with before.
   * @throws AdapterError `unknown` where the adapter was neither added nor shipped.
   */
  assign(
    { id, label }: Pick<AssignedProject, 'id' | 'label'>,
    name: string,
    { shipped = false }: Naming = {},
  ): void {
    const { changes } = this.#database
      .prepare(
        `INSERT INTO project (id, adapter, label, created) SELECT :id, :name, :label, :now
         WHERE :shipped OR EXISTS (SELECT 1 FROM adapter WHERE name = :name)
         ON CONFLICT (id) DO UPDATE SET adapter = excluded.adapter, label = excluded.label`,
      )
      .run({ id, name, label, now: this.#now().getTime(), shipped: shipped ? 1 : 0 });
    if (changes === 0) throw unknown(name);
  }

  /** @returns whether the project had an adapter. */
  unassign(id: string): boolean {
    const { changes } = this.#database.prepare('DELETE FROM project WHERE id = ?').run(id);
    return changes > 0;
  }

  /** Blocks of a version, in the order in which they make its file. */
  pieces(version: number): { readonly block: BlockId; readonly bytes: number }[] {
    return this.#database
      .prepare('SELECT block, bytes FROM piece WHERE version = ? ORDER BY position')
      .all(version)
      .map((row) => ({ block: String(row['block']), bytes: Number(row['bytes']) }));
  }

  /** Writes the file of a version, byte for byte as it came. @throws Error where a block is missing or damaged. */
  async writeTo(version: number, path: string): Promise<void> {
    const file = await open(path, 'w', 0o600);
    try {
      for (const { block } of this.pieces(version)) await file.writeFile(await this.#blocks.get(block));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  }

  /**
   * Removes an adapter with all its versions. Its projects go with it, unless one of that name is shipped, which answers
   * them then.
   * @throws AdapterError `unknown` where none of that name was added.
   */
  async remove(name: string, { shipped = false }: Naming = {}): Promise<void> {
    await alone(`${this.#directory}.lock`, async () => {
      transaction(this.#database, () => {
        const { changes } = this.#database.prepare('DELETE FROM adapter WHERE name = ?').run(name);
        if (changes === 0) throw unknown(name);
        if (!shipped) this.#database.prepare('DELETE FROM project WHERE adapter = ?').run(name);
      });
      await this.#sweep();
    });
  }

  async #store(name: string, file: FileHandle, backbone: BackboneFacts): Promise<AdapterVersion> {
    const { size } = await file.stat();
    if (size > MAX_ADAPTER_BYTES)
      throw new AdapterError('invalid', `The file has ${size} bytes, more than ${MAX_ADAPTER_BYTES}.`);
    const whole = createHash('sha256');
    const pieces: { block: BlockId; bytes: number }[] = [];
    try {
      const gguf = parseGguf(await read(file, { at: 0, bytes: Math.min(size, MAX_HEADER_BYTES) }), size);
      const { rank } = adapterFacts(gguf, backbone.gguf);
      const tensors = new Map(gguf.tensors.map((tensor) => [tensor.at, tensor]));
      for (const piece of piecesOf(gguf, size)) {
        const bytes = await read(file, piece);
        const tensor = tensors.get(piece.at);
        if (tensor && !allFinite(tensor.type, bytes.subarray(0, tensor.bytes)))
          throw new GgufError(`Its tensor ${JSON.stringify(tensor.name)} has values that are no numbers.`);
        whole.update(bytes);
        pieces.push({ block: await this.#blocks.put(bytes), bytes: piece.bytes });
      }
      return this.#insert(
        { name, sha256: whole.digest('hex'), bytes: size, backbone: backbone.sha256, rank },
        pieces,
      );
    } catch (error) {
      await this.#sweep();
      throw error instanceof GgufError ? new AdapterError('invalid', error.message, { cause: error }) : error;
    }
  }

  #insert(
    about: { name: string; sha256: string; bytes: number; backbone: string; rank: number },
    pieces: readonly { block: BlockId; bytes: number }[],
  ): AdapterVersion {
    const created = this.#now().getTime();
    return transaction(this.#database, () => {
      this.#database
        .prepare('INSERT INTO adapter (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
        .run(about.name, created);
      const known = this.versions(about.name);
      const same = known.find(
        ({ sha256, backbone }) => sha256 === about.sha256 && backbone === about.backbone,
      );
      if (same) return same;
      const number = Number(
        this.#database
          .prepare(
            'INSERT INTO numbering VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last',
          )
          .get(about.name)!['last'],
      );
      const { lastInsertRowid } = this.#database
        .prepare(
          `INSERT INTO version (adapter, number, sha256, bytes, backbone, rank, created)
           SELECT id, ?, ?, ?, ?, ?, ? FROM adapter WHERE name = ?`,
        )
        .run(number, about.sha256, about.bytes, about.backbone, about.rank, created, about.name);
      const insert = this.#database.prepare(
        'INSERT INTO piece (version, position, block, bytes) VALUES (?, ?, ?, ?)',
      );
      for (const [position, { block, bytes }] of pieces.entries())
        insert.run(lastInsertRowid, position, block, bytes);
      return this.versions(about.name).at(-1)!;
    });
  }

  /** Removes blocks that no version is made of. */
  async #sweep(): Promise<void> {
    const rows = this.#database.prepare('SELECT DISTINCT block FROM piece').all();
    await this.#blocks.keepOnly(new Set(rows.map((row) => String(row['block']))));
  }
}

function versionOf(row: Readonly<Record<string, unknown>>): AdapterVersion {
  return {
    id: Number(row['id']),
    adapter: String(row['name']),
    number: Number(row['number']),
    sha256: String(row['sha256']),
    bytes: Number(row['bytes']),
    backbone: String(row['backbone']),
    rank: Number(row['rank']),
    created: new Date(Number(row['created'])),
  };
}

async function read(file: FileHandle, { at, bytes }: Piece): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  // The file was cut while it was read.
  if (bytesRead < bytes) throw new GgufError('It ended while it was read.');
  return buffer;
}

function unknown(name: string): AdapterError {
  return new AdapterError('unknown', `There is no adapter named ${JSON.stringify(name)}.`);
}
