import { GgufError, MAX_HEADER_BYTES, parseGguf, type Family, type Gguf } from '@foretype/models';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '../commands/problem.ts';
import { kvBytesPerToken, memoryNeeded } from './memory.ts';

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** SHA-256 of a file, as hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash);
  return hash.digest('hex');
}

/** What a GGUF file says of itself. @throws CommandError `damaged` */
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
    throw new CommandError('damaged', message, { cause });
  } finally {
    await file.close();
  }
}

/** Bytes of memory that a node needs for a family, about; null where its files do not tell. */
export async function needsOf({ backbone, context }: Family, sequences: number): Promise<number | null> {
  const kvPerToken = await ggufOf(backbone.path).then(kvBytesPerToken, () => undefined);
  if (kvPerToken === undefined) return null;
  return memoryNeeded({ backbone: backbone.bytes, kvPerToken, context, sequences });
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
