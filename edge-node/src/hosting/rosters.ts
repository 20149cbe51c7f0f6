import type { Family } from '@foretype/models';
import type { DatabaseSync } from 'node:sqlite';
import { rosterOf, type Roster, type Stored } from '../roster.ts';

export interface RostersOptions {
  readonly families: readonly Family[];
  readonly database: DatabaseSync;
  readonly stored: () => Stored;
}

/** The rosters of a node's families, as of late: commands beside the node change the database, too. */
export class Rosters {
  readonly #options: RostersOptions;
  readonly #rosters = new Map<string, Roster>();
  readonly #listeners = new Set<() => void>();
  #stamp: string;

  constructor(options: RostersOptions) {
    this.#options = options;
    this.#stamp = this.#stampNow();
    this.#read();
  }

  of(family: string): Roster {
    return this.#rosters.get(family)!;
  }

  /** @returns what takes the listener away again. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks whether anything was changed, by this process or another, and tells those who listen. */
  refresh(): void {
    const stamp = this.#stampNow();
    if (stamp === this.#stamp) return;
    this.#read();
    this.#stamp = stamp;
    for (const listener of this.#listeners) listener();
  }

  #read(): void {
    const stored = this.#options.stored();
    for (const family of this.#options.families) this.#rosters.set(family.id, rosterOf(family, stored));
  }

  /** Another one after each change: SQLite counts other connections' in one number and our own in another. */
  #stampNow(): string {
    const { database } = this.#options;
    const others = database.prepare('PRAGMA data_version').get()!['data_version'];
    const own = database.prepare('SELECT total_changes() AS own').get()!['own'];
    return `${String(others)} ${String(own)}`;
  }
}
