import { loadFamily, type Family } from '@foretype/models';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { widened, type Widths } from './widened.ts';

/** Makes of `family` one with a widened backbone, the same draft and no adapters, in a new `directory`. */
export async function makeWidenedFamily(
  family: Family,
  directory: string,
  options: { readonly id: string; readonly widths: Widths },
): Promise<Family> {
  const backbone = widened(await readFile(family.backbone.path), options.widths);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'backbone.gguf'), backbone);
  await copyFile(family.draft.path, join(directory, family.draft.file));
  const weights = {
    file: 'backbone.gguf',
    bytes: backbone.length,
    sha256: createHash('sha256').update(backbone).digest('hex'),
  };
  const manifest = { ...family, id: options.id, backbone: weights, adapters: [] };
  await writeFile(join(directory, 'family.json'), JSON.stringify(manifest));
  return loadFamily(directory);
}
