/** Where hosts of one user meet: a directory that is nobody else's, names for what is shared, and a lock. */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface MeetingPlace {
  /** Path of a socket, or name of a pipe on Windows. */
  readonly socket: string;
  /** File that exists while somebody starts what listens there. */
  readonly lock: string;
}

/** The longest path that every system takes for a socket, in bytes. */
const LONGEST_PATH = 100;
/** Milliseconds after which a lock is one that was left behind. */
const LOCK_AGE_MS = 15_000;

/** Where sockets of this user stand when nothing else is said. */
export async function meetingDirectory(): Promise<string> {
  // On Windows the temporary directory is the user's own.
  if (process.platform === 'win32') return join(tmpdir(), 'foretype');
  const runtime = process.env['XDG_RUNTIME_DIR'];
  // Whoever becomes another user by `su` may have the name of a directory that is not there.
  const isThere = runtime !== undefined && (await stat(runtime).catch(() => undefined))?.isDirectory();
  return join(isThere ? runtime : tmpdir(), `foretype-${userInfo().uid}`);
}

/**
 * The place for those who want the same.
 * @param wanted all that has to be the same.
 * @throws Error, one sentence, where the directory is not ours alone: another user could listen there in our stead.
 */
export async function meetingPlace(directory: string, wanted: unknown): Promise<MeetingPlace> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await lstat(directory);
  const windows = process.platform === 'win32';
  if (!found.isDirectory()) throw new Error(`${directory} is not a directory.`);
  if (!windows && (found.uid !== userInfo().uid || (found.mode & 0o077) !== 0))
    throw new Error(`${directory} is open to other users; remove it or make it yours alone.`);
  // Pipes of Windows stand in no directory: who cannot read ours cannot know their names.
  const secret = windows ? await secretIn(directory) : '';
  const name = createHash('sha256')
    .update(JSON.stringify([wanted, secret]))
    .digest('hex')
    .slice(0, 16);
  const path = join(directory, name);
  const socket = windows ? `\\\\.\\pipe\\foretype-${name}` : `${path}.sock`;
  if (!windows && Buffer.byteLength(socket) > LONGEST_PATH) throw new Error(`${socket} is too long a path.`);
  return { socket, lock: `${path}.lock` };
}

async function secretIn(directory: string): Promise<string> {
  const path = join(directory, 'secret');
  await writeFile(path, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 }).catch(ignoreExisting);
  return readFile(path, 'utf8');
}

/** @returns whether the lock is ours now; it is given back by {@link unlock}. */
export async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(process.pid)).finally(() => file.close());
    return true;
  } catch (error) {
    ignoreExisting(error);
  }
  if (await isLeftBehind(path)) {
    // Of several that see this, one gets it out of the way.
    const aside = `${path}.${process.pid}`;
    await rename(path, aside).catch(() => undefined);
    await rm(aside, { force: true });
  }
  return false;
}

export async function unlock(path: string): Promise<void> {
  await rm(path, { force: true });
}

async function isLeftBehind(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > LOCK_AGE_MS) return true;
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  // Not written yet.
  if (!(holder > 0)) return false;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
