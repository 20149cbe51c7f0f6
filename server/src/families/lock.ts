import { tryLock, unless, unlock } from '@foretype/models';
import { utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks whether a lock is free, and between two signs of life of whoever has it. */
const RETRY_MS = 200;
const BEAT_MS = 5_000;
/** Milliseconds without a sign of life after which nobody has a lock any more. */
const STALE_MS = 60_000;

/**
 * Does `work` while no other window or command does any under the same lock. What a process leaves behind that ended
 * without a word is taken away.
 * @param path of the lock's file, in a directory that exists.
 * @throws the reason of `signal` when that is aborted before `work` begins.
 */
export async function alone<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  while (!(await tryLock(path, STALE_MS))) await unless(signal, sleep(RETRY_MS));
  const beat = setInterval(() => {
    const now = new Date();
    // Whoever takes the lock away meanwhile is seen by the checksum at the end.
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await unlock(path);
  }
}
