import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Family, FamilyManifest } from './family.ts';
import { MAX_HEADER_BYTES, withoutTensors } from './gguf.ts';

/** What the vocabulary's file is called, beside its manifest. */
export const VOCABULARY_FILE = 'vocabulary.gguf';

/** A family for a machine that writes nothing itself: in place of the draft it has a file that only tokenizes. */
export interface Vocabulary {
  readonly manifest: FamilyManifest;
  /** The draft's file: the backbone's metadata, a few megabytes. */
  readonly file: Uint8Array;
}

/** @throws GgufError, and what the system says, where the backbone's file cannot be read. */
export async function vocabularyFamily(family: Family): Promise<Vocabulary> {
  const { path, ...backbone } = family.backbone;
  const file = withoutTensors(await headOf(path));
  const sha256 = createHash('sha256').update(file).digest('hex');
  const draft = { file: VOCABULARY_FILE, bytes: file.length, sha256 };
  return { manifest: { ...family, backbone, draft, adapters: [], notices: [] }, file };
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
    await file.read(head, 0, head.length, 0);
    return head;
  } finally {
    await file.close();
  }
}
