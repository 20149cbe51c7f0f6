import { unless } from '@foretype/models';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
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
  while (!(await taken(path))) await unless(signal, sleep(RETRY_MS));
  const beat = setInterval(() => {
    const now = new Date();
    // Whoever takes the lock away meanwhile is seen by the checksum at the end.
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(path, { force: true });
  }
}

/** Takes the lock where nobody has it. */
async function taken(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (await abandoned(path)) {
    // By a name of one's own first, since two may find it at once, and one of them has a new one already.
    const away = `${path}.${process.pid}`;
    await rename(path, away).catch(() => undefined);
    if (await abandoned(away)) await rm(away, { force: true });
    else await rename(away, path).catch(() => undefined);
  }
  return false;
}

async function abandoned(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > STALE_MS) return true;
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  // It may be there without its number yet.
  return pid > 0 && !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
