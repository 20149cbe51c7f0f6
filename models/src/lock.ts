/** A lock that processes of one machine hold by a file: it ends with the process that holds it, or some time after its last sign of life. */
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/**
 * @param path of the lock's file, in a directory that exists.
 * @param staleMs milliseconds after which a lock that nobody touched is one that was left behind.
 * @returns whether the lock is ours now; it is given back by {@link unlock}. One that was left behind is taken away for
 * the next try.
 */
export async function tryLock(path: string, staleMs: number): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (await isLeftBehind(path, staleMs)) {
    // By a name of one's own first, since two may find it at once, and one of them has a new one already.
    const aside = `${path}.${process.pid}`;
    await rename(path, aside).catch(() => undefined);
    if (await isLeftBehind(aside, staleMs)) await rm(aside, { force: true });
    else await rename(aside, path).catch(() => undefined);
  }
  return false;
}

export async function unlock(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function isLeftBehind(path: string, staleMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > staleMs) return true;
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  // It may be there without its number yet.
  return holder > 0 && !isAlive(holder);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
