import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Weights } from '../family.ts';
import { GgufError, MAX_HEADER_BYTES, parseGguf, type Gguf } from '../gguf.ts';
import { kvBytesPerToken } from '../kv.ts';
import { CatalogueError } from './error.ts';
import { memoryNeeded } from './memory.ts';

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** SHA-256 of a file, as hex. @throws the reason of `signal` when that is aborted. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash, { ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return hash.digest('hex');
}

/** What a GGUF file says of itself. @throws CatalogueError `damaged` */
export async function ggufOf(path: string): Promise<Gguf> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
    await file.read(head, 0, head.length, 0);
    return parseGguf(head, size);
  } catch (cause) {
    if (!(cause instanceof GgufError)) throw cause;
    const message = `The model file ${path} cannot be used; install the model family again. ${cause.message}`;
    throw new CatalogueError('damaged', message, { cause });
  } finally {
    await file.close();
  }
}

/**
 * Bytes of memory that a model needs in a process of its own, about; null where its file does not tell.
 * @param context tokens of a prompt with its completion.
 * @param sequences prompts that are kept.
 */
export async function needsOf(
  { path, bytes }: Weights,
  context: number,
  sequences: number,
): Promise<number | null> {
  const kvPerToken = await ggufOf(path)
    .then(kvBytesPerToken)
    .catch(() => undefined);
  if (kvPerToken === undefined) return null;
  return memoryNeeded({ weights: bytes, kvPerToken, context, sequences });
}

/** Has the file on the disk before anything counts on it. */
export async function settle(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Bytes that this user may still write where `path` is, or would be. */
export async function freeBytes(path: string): Promise<number> {
  for (let place = path; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    } catch (error) {
      if (place === dirname(place)) throw error;
    }
  }
}

/** Bytes that this process may have: of the machine, or of the container that it runs in. */
export function machineMemory(): number {
  const container = process.constrainedMemory();
  return container > 0 ? Math.min(container, totalmem()) : totalmem();
}
