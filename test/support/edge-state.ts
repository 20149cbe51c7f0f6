import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { Blocks } from '../../edge-node/src/adapters/blocks.ts';
import { AdapterStore } from '../../edge-node/src/adapters/store.ts';
import { openDatabase } from '../../edge-node/src/state/database.ts';
import { Tokens } from '../../edge-node/src/state/tokens.ts';

/** What a node remembers, with a user `tests` and an admin `grace`. */
export interface EdgeState {
  readonly directory: string;
  readonly database: DatabaseSync;
  readonly tokens: Tokens;
  readonly store: AdapterStore;
  readonly blocks: Blocks;
  /** The time of day, which a test may set. */
  clock: Date;
  /** Ends whoever uses it, before it goes itself. */
  readonly users: (() => Promise<unknown>)[];
}

/** The token of the user of every state that is made for a test, and that of its admin. */
export const TOKEN = plain(1);
export const ADMIN_TOKEN = plain(2);

export interface EdgeStateOptions {
  /** Keeps the database in the directory, where other processes find it: a disk holds up everything else in the test. */
  readonly onDisk?: boolean;
}

/** A state in a directory of its own; it goes with the test. */
export function edgeState(t: TestContext, { onDisk = false }: EdgeStateOptions = {}): EdgeState {
  const directory = mkdtempSync(join(tmpdir(), 'foretype-state-'));
  const database = onDisk ? openDatabase(directory) : inMemory();
  t.after(async () => {
    await Promise.all(state.users.map((end) => end()));
    database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const now = () => state.clock;
  let made = 0;
  const random = (size: number) => Buffer.alloc(size, ++made);
  const blocks = new Blocks(join(directory, 'blocks'));
  const state: EdgeState = {
    directory,
    database,
    tokens: new Tokens({ database, random, now }),
    store: new AdapterStore({ database, blocks, directory: join(directory, 'blocks'), now }),
    blocks,
    clock: new Date('2026-01-02T03:04:05Z'),
    users: [],
  };
  state.tokens.create({ name: 'tests', role: 'user' });
  state.tokens.create({ name: 'grace', role: 'admin' });
  return state;
}

let tables: readonly string[] | undefined;

/** A database as the node's own, without a file. */
function inMemory(): DatabaseSync {
  tables ??= tablesOfNode();
  const database = new DatabaseSync(':memory:');
  for (const sql of tables) database.exec(sql);
  return database;
}

function tablesOfNode(): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'foretype-state-'));
  const database = openDatabase(directory);
  const rows = database.prepare(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
  );
  const found = rows.all().map((row) => String(row['sql']));
  database.close();
  rmSync(directory, { recursive: true, force: true });
  return found;
}

function plain(byte: number): string {
  return `ft_${Buffer.alloc(32, byte).toString('base64url')}`;
}
