import type { Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heal, layOut, partsAt, promptFor } from '../../models/src/prompt.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const family = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'suffix-first' as const },
};
const parts = { family, tokenizer: new FakeEngine() };

/** A tokenizer with a few pieces longer than a byte; ids are places in the list. */
const PIECES = ['const ', 'x', 'y.get', 'Ele', 'ment', '\n    ', '\uFFFD', '🙂'];
const wordy = {
  family,
  tokenizer: {
    tokenize: () => Promise.reject(new Error('not asked')),
    detokenize: (tokens: readonly Token[]) => Promise.resolve(tokens.map((token) => PIECES[token]!).join('')),
  },
};

describe('promptFor', () => {
  it('is the window around the cursor, laid out, up to the word that is being typed', async () => {
    const { context, leading } = await promptFor(parts, { text: 'x.ab;\r\ncd', offset: 4 });
    assert.deepEqual(context, [
      FAKE.suffix,
      ...Buffer.from(';\ncd'),
      FAKE.prefix,
      ...Buffer.from('x.'),
      FAKE.middle,
    ]);
    assert.deepEqual(leading, { text: 'ab', tokens: [...Buffer.from('ab')] });
  });

  it('leaves room for what will be written, and no more than a step unused', async () => {
    const place = { text: 'x'.repeat(4000), offset: 3000 };
    for (const limit of [48, 200]) {
      const { context, leading } = await promptFor(parts, place, limit);
      const needed = context.length + leading.tokens.length + limit;
      assert.ok(needed <= FAKE.context && needed > FAKE.context - 2 * 64 - 16, String(needed));
    }
  });

  it('is made of the parts that can be had by themselves', async () => {
    const place = { text: 'some text', offset: 4 };
    const around = await partsAt(parts, place);
    const { kept } = await heal(parts, around);
    assert.deepEqual(layOut(parts, kept), (await promptFor(parts, place)).context);
  });
});

describe('heal', () => {
  const cases: [name: string, tokens: Token[], kept: Token[], leading: string][] = [
    ['takes back the half of a word', [0, 1], [0], 'x'],
    ['takes back all tokens of the word, and what they hold beside it', [0, 2, 3], [0], 'y.getEle'],
    ['takes back one token where there is no word', [0, 1, 7, 7], [0, 1, 7], '🙂'],
    ['takes back a line end with its indentation', [0, 1, 5], [0, 1], '\n    '],
    ['leaves a character that is not whole', [0, 6], [0, 6], ''],
    ['leaves nothing as it is', [], [], ''],
    [
      'takes back no more than sixteen tokens',
      Array.from({ length: 40 }, () => 4),
      Array.from({ length: 24 }, () => 4),
      'ment'.repeat(16),
    ],
  ];
  for (const [name, tokens, prefix, leading] of cases) {
    it(name, async () => {
      const suffix = [1];
      const found = await heal(wordy, { prefix: tokens, suffix });
      assert.deepEqual(found.kept, { prefix, suffix });
      assert.deepEqual(found.leading, { text: leading, tokens: tokens.slice(prefix.length) });
    });
  }

  it('what is kept and the leading text are the text before', async () => {
    for (const text of ['const x = ', 'a\n\t', 'é', 'a🙂']) {
      const tokens = [...Buffer.from(text)];
      const { kept, leading } = await heal(parts, { prefix: tokens, suffix: [] });
      assert.equal((await parts.tokenizer.detokenize(kept.prefix)) + leading.text, text);
    }
  });
});
