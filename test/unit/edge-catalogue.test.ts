import {
  differingTables,
  EMBEDDED_FAMILY,
  fingerprintOf,
  GgufError,
  kvBytesPerToken,
  loadFamily,
  parseGguf,
} from '@foretype/models';
import { KNOWN_FAMILIES, manifestOf, memoryNeeded } from '@foretype/models/catalogue';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { knownFamily, modelFile, sha256, TOKENS, type MadeModel } from '../support/edge-catalogue.ts';

const made = (model: Partial<MadeModel> = {}) => {
  const file = modelFile({ tokens: TOKENS, ...model });
  return parseGguf(file, file.length);
};
const came = (model: Partial<MadeModel> = {}) => {
  const file = modelFile({ tokens: TOKENS, ...model });
  return { bytes: file.length, sha256: sha256(file), gguf: parseGguf(file, file.length) };
};

describe('the catalogue', () => {
  it('has families of which everything is said', () => {
    const ids = KNOWN_FAMILIES.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const known of KNOWN_FAMILIES) {
      assert.match(known.id, /^[a-z0-9][a-z0-9.-]*$/);
      assert.ok(known.context <= known.trainedContext, known.id);
      for (const { url, file, bytes, sha256: sum } of [known.backbone, known.draft]) {
        assert.ok(url.startsWith('https://') && url.endsWith(`/${file}`), url);
        assert.match(file, /^[A-Za-z0-9][A-Za-z0-9._-]*$/);
        assert.ok(bytes > 0);
        // A checksum of one version says nothing of another.
        if (sum !== null) assert.match(`${sum} ${url}`, /^[0-9a-f]{64} .*\/[0-9a-f]{40}\/[^/]+$/);
      }
      const markers = [known.fim.prefix, known.fim.suffix, known.fim.middle].map(([id]) => id);
      assert.equal(new Set(markers).size, 3);
      for (const marker of markers)
        assert.ok(
          known.end.some(([id]) => id === marker),
          `${known.id} ${marker}`,
        );
      assert.match(known.note ?? 'None.', /^[A-Z].*\.$/);
    }
    const sizes = KNOWN_FAMILIES.map(({ backbone }) => backbone.bytes);
    assert.deepEqual(
      sizes,
      sizes.toSorted((one, other) => one - other),
    );
  });

  it('makes a manifest of a family whose files are what is known of them', () => {
    const files = {
      backbone: modelFile({ tokens: TOKENS }),
      draft: modelFile({ tokens: TOKENS, name: 'draft' }),
    };
    const known = knownFamily('https://host', files);
    const both = { backbone: came(), draft: came({ name: 'draft' }) };
    assert.deepEqual(manifestOf(known, both), {
      format: 1,
      id: 'made-1.0',
      licence: 'MIT',
      context: 128,
      tokenizer: { fingerprint: fingerprintOf(made()), end: [0] },
      fim: { prefix: 1, suffix: 2, middle: 3, order: 'prefix-first' },
      backbone: { file: 'backbone.gguf', bytes: files.backbone.length, sha256: sha256(files.backbone) },
      draft: { file: 'draft.gguf', bytes: files.draft.length, sha256: sha256(files.draft) },
      adapters: [],
    });
    assert.throws(() => manifestOf(known, { ...both, draft: came({ tokens: [...TOKENS, 'more'] }) }), {
      code: 'damaged',
      message:
        'The tokenizers of backbone.gguf and draft.gguf differ in tokens, token_type, so that one cannot draft for the other.',
    });
    assert.throws(() => manifestOf({ ...known, end: [[4, '<end>']] }, both), {
      code: 'damaged',
      message: 'The token 4 of backbone.gguf is "word0", expected "<end>"; the catalogue is wrong about it.',
    });
    const alone = { draft: both.draft };
    assert.deepEqual(manifestOf(known, alone), manifestOf(known, both));
    assert.throws(() => manifestOf({ ...known, backbone: { ...known.backbone, sha256: null } }, alone), {
      code: 'unknown',
      message: /^Nobody vouches for the backbone of made-1\.0, .*\.$/,
    });
    assert.throws(
      () => manifestOf({ ...known, end: [[9999, '<end>']] }, both),
      /9999 of backbone\.gguf is null/,
    );
  });
});

describe('a tokenizer', () => {
  it("has the engine's fingerprint", async () => {
    const { backbone, draft, tokenizer } = await loadFamily(EMBEDDED_FAMILY);
    for (const { path } of [backbone, draft]) {
      const file = readFileSync(path);
      assert.equal(fingerprintOf(parseGguf(file, file.length)), tokenizer.fingerprint);
    }
  });

  it('has another with each table that differs', () => {
    assert.equal(fingerprintOf(made({ name: 'another model' })), fingerprintOf(made()));
    for (const [model, tables] of [
      [{ tokens: [...TOKENS.slice(0, -1), 'other'] }, ['tokens']],
      [{ end: 1 }, ['eos_token_id']],
    ] as const) {
      assert.notEqual(fingerprintOf(made(model)), fingerprintOf(made()));
      assert.deepEqual(differingTables(made(model), made()), tables);
    }
  });

  it('is the same one with tokens at its end that mean nothing', () => {
    for (const padding of [1, 128]) {
      assert.equal(fingerprintOf(made({ padding })), fingerprintOf(made()));
      assert.deepEqual(differingTables(made({ padding }), made()), []);
    }
    // Not at its end, or not by the number that it has: a token like any other.
    for (const tokens of [
      [...TOKENS, '[PAD7]'],
      ['[PAD0]', ...TOKENS],
    ])
      assert.notEqual(fingerprintOf(made({ tokens })), fingerprintOf(made()));
  });
});

describe('the memory of a family', () => {
  it('is the model, the prompts and a process', () => {
    const facts = { weights: 1000, kvPerToken: 10, context: 100, sequences: 2 };
    const process = memoryNeeded({ ...facts, weights: 0, sequences: 0 });
    assert.equal(memoryNeeded(facts), process + 1000 + 2000);
  });

  it('is read from the file', () => {
    // 2 layers with 2 KV heads of 64 / 4 values each, keys and values, of 2 bytes.
    assert.equal(kvBytesPerToken(made()), 2 * 2 * 16 * 2 * 2);
    const metadata = new Map<string, string | number>([
      ['general.architecture', 'qwen2'],
      ['qwen2.block_count', 28],
      ['qwen2.embedding_length', 1536],
      ['qwen2.attention.head_count', 12],
    ]);
    assert.equal(kvBytesPerToken({ metadata }), 28 * 12 * 128 * 2 * 2);
    metadata.set('qwen2.attention.head_count_kv', 2);
    assert.equal(kvBytesPerToken({ metadata }), KNOWN_FAMILIES[0]!.kvPerToken.backbone);
    metadata.set('qwen2.attention.key_length', 64).set('qwen2.attention.value_length', 32);
    assert.equal(kvBytesPerToken({ metadata }), 28 * 2 * 96 * 2);
    metadata.delete('qwen2.block_count');
    assert.throws(() => kvBytesPerToken({ metadata }), GgufError);
  });
});
