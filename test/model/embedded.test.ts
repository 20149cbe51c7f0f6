/** The shipped family against what made it: SentencePiece's ids and PyTorch's choices, see models/training/reference.py. */
import { draftSpec, EMBEDDED_FAMILY, loadFamily, startEngine, type Engine } from '@foretype/models';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadHeldOut } from '../../evaluation/src/heldout.ts';
import { agreements, hashOfIds, type Reference } from '../support/fidelity.ts';

/** Another export of the same weights, f16 say, may be measured in its place. */
const FAMILY = process.env['FORETYPE_FAMILY'] ?? EMBEDDED_FAMILY;
/** The share of positions where quantised weights still make PyTorch's choice; measured: 0.977 (draft) to 0.987. */
const LEAST = Number(process.env['FORETYPE_FIDELITY'] ?? 0.975);

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, 'embedded.reference.json'), 'utf8'),
) as Reference;

describe('the tokenizer in the engine is the one the family was trained with', () => {
  let engine: Engine;
  before(async () => {
    engine = startEngine(draftSpec(await loadFamily(FAMILY), { sequences: 1, threads: 1 }));
  });
  after(() => engine.dispose());

  it('gives the same ids for every held-out file', async (t) => {
    const files = (await loadHeldOut()).flatMap((held) => held.files);
    let tokens = 0;
    const different: string[] = [];
    for (const file of files) {
      const ids = await engine.tokenize(file.text);
      tokens += ids.length;
      const name = `${file.package}/${file.path}`;
      if (hashOfIds(ids) !== reference.tokenizer.files[name]) different.push(name);
    }
    t.diagnostic(`${files.length} files, ${tokens} tokens`);
    assert.deepEqual(different, []);
    assert.equal(files.length, Object.keys(reference.tokenizer.files).length);
  });

  for (const { text, ids } of reference.tokenizer.texts) {
    it(`gives the same ids for ${JSON.stringify(text.slice(0, 60))}`, async () => {
      assert.deepEqual(await engine.tokenize(text), ids);
    });
  }

  it('never reads what a user typed as a special token', async () => {
    const { tokenizer } = await loadFamily(FAMILY);
    const special = new Set([...tokenizer.end, tokenizer.bos]);
    for (const { text } of reference.tokenizer.texts) {
      assert.deepEqual(
        (await engine.tokenize(text)).filter((id) => special.has(id)),
        [],
      );
    }
  });
});

describe('the exported weights choose as PyTorch does', () => {
  it(`in ${LEAST * 100} % of positions or more, with and without adapters`, async (t) => {
    const found = await agreements(FAMILY, reference);
    assert.deepEqual(found.map(({ model }) => model).sort(), Object.keys(reference.choices).sort());
    for (const { model, positions, equal, widest } of found) {
      const line = `${model}: ${equal} of ${positions}, PyTorch's own margin in the others up to ${widest}`;
      t.diagnostic(line);
      assert.ok(equal >= LEAST * positions, line);
    }
  });
});
