import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks whether the lock is free. */
const RETRY_MS = 100;

/**
 * Does `work` while no other process does any under the same lock: one that removes blocks must not meet one that
 * counts on them. SQLite's lock on a file ends with the process that holds it, however that ends.
 * @param path of the lock's file, in a directory that exists.
 */
export async function alone<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    while (!locked(database)) await sleep(RETRY_MS, undefined, signal && { signal });
    return await work();
  } finally {
    database.close();
  }
}

/**
 * Takes a lock for as long as this process likes, or lives.
 * @returns undefined where another process holds it.
 */
export function hold(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  if (locked(database)) return { [Symbol.dispose]: () => database.close() };
  database.close();
  return undefined;
}

function locked(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    // SQLITE_BUSY, https://sqlite.org/rescode.html
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return false;
    throw error;
  }
}
