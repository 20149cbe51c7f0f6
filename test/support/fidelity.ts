import { backboneSpec, draftSpec, loadFamily, startEngine } from '@foretype/models';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** What SentencePiece and PyTorch computed; written by models/training/reference.py. */
export interface Reference {
  readonly tokenizer: {
    /** Package and path of a held-out file → SHA-256 of its ids as 16-bit little-endian numbers. */
    readonly files: Readonly<Record<string, string>>;
    readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  };
  /** By `backbone`, `draft` or an adapter's name. */
  readonly choices: Readonly<Record<string, readonly ReferenceText[]>>;
}

interface ReferenceText {
  readonly ids: readonly number[];
  /** The likeliest next id after each of them, and by how much its logit is above the second one's. */
  readonly choices: readonly number[];
  readonly margins: readonly number[];
}

export function hashOfIds(ids: readonly number[]): string {
  return createHash('sha256').update(new Uint16Array(ids)).digest('hex');
}

export interface Agreement {
  /** `backbone`, `draft` or an adapter's name. */
  readonly model: string;
  readonly positions: number;
  /** Positions where the engine's first choice is PyTorch's. */
  readonly equal: number;
  /** The largest margin among the other positions: near 0 where they are ties. */
  readonly widest: number;
}

/** Compares the engine's choices with PyTorch's, for every model of the family. */
export async function agreements(directory: string, reference: Reference): Promise<Agreement[]> {
  const family = await loadFamily(directory);
  const resources = { sequences: 1, threads: 1 };
  const found: Agreement[] = [];
  for (const spec of [backboneSpec(family, resources), draftSpec(family, resources)]) {
    const engine = startEngine(spec);
    try {
      const isDraft = spec.weights.path === family.draft.path;
      const models = isDraft ? ['draft'] : Object.keys(reference.choices).filter((name) => name !== 'draft');
      for (const model of models) {
        const adapter = isDraft || model === 'backbone' ? undefined : model;
        let positions = 0;
        const missed: number[] = [];
        for (const { ids, choices, margins } of reference.choices[model]!) {
          const chosen = await engine.choose({ adapter, context: ids.slice(0, 1), drafted: ids.slice(1) });
          assert.equal(chosen.length, choices.length);
          positions += choices.length;
          missed.push(...margins.filter((_, index) => chosen[index] !== choices[index]));
        }
        found.push({ model, positions, equal: positions - missed.length, widest: Math.max(0, ...missed) });
      }
    } finally {
      await engine.dispose();
    }
  }
  return found;
}
