/** A file of a family on the disk: whether there is room for it, and whether it is what it should be. */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogueError } from './error.ts';
import { settle, sha256Of, sizeOf } from './files.ts';
import { sizeText } from './size.ts';
import type { PullTools } from './tools.ts';

/** A file that a family needs. */
export interface Part {
  readonly file: string;
  /** About, where the checksum is not known. */
  readonly bytes: number;
  /** Null where nobody told. */
  readonly sha256: string | null;
}

/** Has a file come to `path`, where a part of it may be from before; nobody counts on it before it is checked. */
export type Get = (part: Part, path: string) => Promise<void>;

/** Room that is left on the disk for everything else, in bytes. */
export const ROOM_LEFT = 64 * 1024 ** 2;

/**
 * Has a file at `path` that is what it should be.
 * @returns its SHA-256.
 * @throws CatalogueError `damaged` where another came; the signal's reason.
 */
export async function bring(part: Part, path: string, get: Get, signal?: AbortSignal): Promise<string> {
  const before = await stat(path).catch(() => undefined);
  // It came whole the last time, when something else failed.
  if (before && part.sha256 !== null && (await sha256Of(path, signal)) === part.sha256) return part.sha256;
  const beside = besideOf(path);
  await get(part, beside);
  const sha256 = await sha256Of(beside, signal);
  if (part.sha256 !== null && sha256 !== part.sha256) {
    await rm(beside, { force: true });
    const message = `${part.file} is not what it should be (SHA-256 ${sha256.slice(0, 12)}…, expected ${part.sha256.slice(0, 12)}…) and was thrown away; try again, or get it elsewhere.`;
    throw new CatalogueError('damaged', message);
  }
  await settle(beside);
  await rename(beside, path);
  return sha256;
}

/** @throws CatalogueError `no-space` where what is still to come of the parts has no room in the folder */
export async function roomFor(parts: readonly Part[], folder: string, tools: RoomTools): Promise<void> {
  const sizes = await Promise.all(
    parts.map(async ({ file, bytes }) => {
      const path = join(folder, file);
      return Math.max(0, bytes - (await cameOf(path)));
    }),
  );
  await room(
    sizes.reduce((sum, size) => sum + size, 0),
    folder,
    tools,
  );
}

/** Bytes of the file that is to be at `path` which are on the disk already. */
export async function cameOf(path: string): Promise<number> {
  return Math.max(await sizeOf(path), await sizeOf(besideOf(path)));
}

type RoomTools = Pick<PullTools, 'freeBytes' | 'elsewhere'>;

/** @throws CatalogueError `no-space` where so many bytes have no room at `place` */
export async function room(bytes: number, place: string, { freeBytes, elsewhere }: RoomTools): Promise<void> {
  const free = await freeBytes(place);
  if (bytes + ROOM_LEFT <= free) return;
  const mend =
    elsewhere === undefined
      ? 'make room and try again'
      : `make room, or choose another place with ${elsewhere}`;
  const message = `${sizeText(bytes)} are to come and ${sizeText(free)} are free at ${place}; ${mend}.`;
  throw new CatalogueError('no-space', message);
}

/** Where a file is while it comes. */
function besideOf(path: string): string {
  return `${path}.part`;
}
