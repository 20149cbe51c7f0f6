/** Weights files as they are on the disk. Apart from the manifests, whose schema would make an engine's start slower. */
import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { EngineError } from './engine.ts';
import type { Weights } from './family.ts';

/**
 * Compares a weights file with its manifest: size first, since that is free, then SHA-256, which takes seconds for a large
 * file and is left out for one that is in `verified` as it is now.
 * @param verified stamps of files that were found right; this one's is added.
 * @throws EngineError `model-invalid` naming the file, what was expected and what to do.
 */
export async function checkWeights(weights: Weights, verified = new Set<string>()): Promise<void> {
  const mend = 'install the model family again';
  const { size, stamp } = await stat(weights.path, { bigint: true }).then(
    (found) => ({ size: Number(found.size), stamp: stampOf(weights, found) }),
    (cause: unknown) => {
      // What else a disk may say can pass.
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause;
      throw invalid(
        `The model file ${weights.path} is missing (expected ${weights.bytes} bytes); ${mend}.`,
        cause,
      );
    },
  );
  if (size !== weights.bytes) {
    throw invalid(`The model file ${weights.path} has ${size} bytes, expected ${weights.bytes}; ${mend}.`);
  }
  if (verified.has(stamp)) return;
  const hash = createHash('sha256');
  await pipeline(createReadStream(weights.path), hash);
  const found = hash.digest('hex');
  if (found !== weights.sha256) {
    throw invalid(
      `The model file ${weights.path} is damaged (SHA-256 ${found.slice(0, 12)}…, expected ${weights.sha256.slice(0, 12)}…); ${mend}.`,
    );
  }
  verified.add(stamp);
}

/** Another one for whatever is written to the file or put in its place: a program can set `mtime`, but not `ctime`. */
function stampOf({ path, sha256 }: Weights, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs, sha256, path].join(' ');
}

function invalid(message: string, cause?: unknown): EngineError {
  return new EngineError('model-invalid', message, { cause });
}
