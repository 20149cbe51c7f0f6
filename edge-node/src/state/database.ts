import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, backup as copyDatabase } from 'node:sqlite';
import { systemCode } from '@foretype/models/catalogue';
import { StartError } from '../error.ts';

/** Each brings the database from the version before to its own; none is ever changed once it was released. */
const MIGRATIONS = [
  `
  CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    created INTEGER NOT NULL
  ) STRICT;
  -- Times are milliseconds since 1970.
  CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
    -- Of the whole token: 256 random bits need no salt and no slow hash.
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
  ) STRICT;
  CREATE TABLE adapter (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- Kept in memory before all others.
    pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    created INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE version (
    id INTEGER PRIMARY KEY,
    adapter INTEGER NOT NULL REFERENCES adapter ON DELETE CASCADE,
    number INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    -- SHA-256 of the backbone that it was trained on.
    backbone TEXT NOT NULL,
    rank INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (adapter, number)
  ) STRICT;
  -- What a version's file is made of, in order.
  CREATE TABLE piece (
    version INTEGER NOT NULL REFERENCES version ON DELETE CASCADE,
    position INTEGER NOT NULL,
    block TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (version, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE project (
    -- SHA-256 of the normalised address of its repository, or the name in its .foretype.json.
    id TEXT PRIMARY KEY,
    adapter INTEGER REFERENCES adapter ON DELETE SET NULL,
    created INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What whoever assigned an adapter called the project, since its id tells nothing.
  ALTER TABLE project ADD COLUMN label TEXT;
  `,
  `
  -- The last version that a name had, which outlives the adapter: an id never means two things.
  CREATE TABLE numbering (
    name TEXT PRIMARY KEY,
    last INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO numbering SELECT name, max(number) FROM version JOIN adapter ON adapter.id = adapter GROUP BY name;
  `,
  `
  -- A project names its adapter, since those that a family brings are in no table.
  CREATE TABLE assignment (
    -- SHA-256 of the normalised address of its repository, or the name in its .foretype.json.
    id TEXT PRIMARY KEY,
    adapter TEXT NOT NULL,
    created INTEGER NOT NULL,
    -- What whoever assigned the adapter called the project, since its id tells nothing.
    label TEXT
  ) STRICT, WITHOUT ROWID;
  -- Those whose adapter was removed before have none, and go.
  INSERT INTO assignment
    SELECT project.id, name, project.created, label FROM project JOIN adapter ON adapter.id = project.adapter;
  DROP TABLE project;
  ALTER TABLE assignment RENAME TO project;
  `,
];

/** Name of the database in the state directory. */
export const DATABASE_FILE = 'node.db';

/** Milliseconds that a statement waits for another process, a command beside the node, to end its own. */
const BUSY_MS = 5000;

/**
 * Opens what the node remembers, makes it at the first start, and brings it up to date. Several processes may have it
 * open at once: the node, and commands that a person gives beside it.
 * @throws StartError `state-invalid` naming the file and what to do.
 */
export function openDatabase(directory: string): DatabaseSync {
  const path = join(directory, DATABASE_FILE);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;');
    migrate(database, path);
    return database;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const why = cause instanceof Error && 'errstr' in cause ? String(cause.errstr) : systemCode(cause);
    const mend = 'let this user read and write it, or restore it from a backup';
    throw new StartError('state-invalid', `The database ${path} cannot be used (${why}); ${mend}.`, {
      cause,
    });
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const versionOf = () => Number(database.prepare('PRAGMA user_version').get()!['user_version']);
  if (versionOf() > MIGRATIONS.length) {
    const message = `The database ${path} was made by a newer version of foretype-edge; use that one, or restore a backup.`;
    throw new StartError('state-invalid', message);
  }
  transaction(database, () => {
    // Another process may have been faster.
    for (let version = versionOf(); version < MIGRATIONS.length; version++) {
      database.exec(MIGRATIONS[version]!);
      database.exec(`PRAGMA user_version = ${version + 1}`);
    }
  });
}

/** All of it or nothing; what `work` throws is thrown on. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Writes a copy of the database, as it is at one moment, to `path`, while it is in use. */
export async function backupTo(database: DatabaseSync, path: string): Promise<void> {
  await copyDatabase(database, path);
}
