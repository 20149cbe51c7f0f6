/** Where hosts of one user meet: a directory that is nobody else's, and names for what is shared. */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
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

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
