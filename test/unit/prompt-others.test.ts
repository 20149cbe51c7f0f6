import { frontOf, promptFor, roomForOthers, type OtherText, type Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KNOWN_FAMILIES } from '../../models/src/catalogue/known.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const tokenizer = new FakeEngine();
const bytes = (text: string): Token[] => [...Buffer.from(text)];
const LIMIT = 48;

/** A family of the catalogue as its manifest has it. */
function knownAs(index: number) {
  const { context, fim, end } = KNOWN_FAMILIES[index]!;
  const { prefix, suffix, middle, order, files } = fim;
  return {
    context,
    tokenizer: { fingerprint: FAKE.tokenizer, end: end.map(([id]) => id) },
    fim: {
      prefix: prefix[0],
      suffix: suffix[0],
      middle: middle[0],
      order,
      ...(files && {
        files: {
          separator: files.separator[0],
          ...(files.repository && { repository: files.repository[0] }),
        },
      }),
    },
  };
}

const small = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'prefix-first' as const },
};
const reading = { ...small, fim: { ...small.fim, files: { separator: 260 } } };
const parts = { family: reading, tokenizer };

const texts = (count: number, size: number): OtherText[] =>
  Array.from({ length: count }, (_, at) => ({ name: `${at}`.padStart(3, '0'), text: 'x'.repeat(size) }));

describe('a prompt that begins with other files', () => {
  it('is for Qwen2.5-Coder what it was trained with: project, files by name, the file at hand', async () => {
    const family = knownAs(0);
    const others = [
      { name: 'src/a.ts', text: 'const a = 1;\n' },
      { name: 'src/b.ts', text: 'const b = 2;\n' },
    ];
    const front = await frontOf({ family, tokenizer }, { name: 'src/main.ts', others });
    const [repository, separator] = [151_663, 151_664];
    assert.deepEqual(front.tokens, [
      repository,
      ...bytes('project\n'),
      separator,
      ...bytes('src/a.ts\nconst a = 1;\n'),
      separator,
      ...bytes('src/b.ts\nconst b = 2;\n'),
      separator,
      ...bytes('src/main.ts\n'),
    ]);
    assert.equal(front.shown.length, 2);
    const place = { text: 'let x =\nend\n', offset: 7, anchor: 0, front: front.tokens };
    const { context, leading } = await promptFor({ family, tokenizer }, place);
    assert.deepEqual(context, [
      ...front.tokens,
      151_659,
      151_661,
      ...bytes('\nend\n'),
      151_660,
      ...bytes('let x '),
    ]);
    assert.equal(leading.text, '=');
  });

  it('ends a completion with the markers of files, as with all others', () => {
    for (const [index, { fim }] of KNOWN_FAMILIES.entries()) {
      const { tokenizer: of } = knownAs(index);
      for (const marker of [fim.files?.separator, fim.files?.repository])
        if (marker) assert.ok(of.end.includes(marker[0]), marker[1]);
    }
  });

  it('is as it was where the family was not trained to read several, and where there is nothing to show', async () => {
    const others = texts(3, 10);
    assert.deepEqual(await frontOf({ family: small, tokenizer }, { name: 'a', others }), {
      tokens: [],
      shown: [],
    });
    assert.equal(roomForOthers(small), 0);
    assert.deepEqual((await frontOf(parts, { name: 'a', others: [] })).tokens, []);
    const place = { text: 'some text', offset: 4 };
    const { context } = await promptFor({ family: small, tokenizer }, place);
    assert.deepEqual((await promptFor(parts, { ...place, front: [] })).context, context);
  });

  it('begins with the beginning of a sequence, where the family has one', async () => {
    const family = { ...reading, tokenizer: { ...reading.tokenizer, bos: 299 } };
    const { tokens: front } = await frontOf({ family, tokenizer }, { name: 'a', others: texts(1, 3) });
    const { context } = await promptFor({ family, tokenizer }, { text: '', offset: 0, front });
    assert.deepEqual(context.slice(0, 2), [299, 260]);
    assert.equal(context.filter((token) => token === 299).length, 1);
  });

  it('leaves half of the room to its own file, and what will be written its own', async () => {
    const text = 'y'.repeat(4000);
    for (const size of [1, 20, 77, 200, 500]) {
      const front = await frontOf(parts, { name: 'main.ts', others: texts(40, size) });
      assert.ok(front.tokens.length <= roomForOthers(reading), String(size));
      for (const anchor of [undefined, 1990]) {
        const place = { text, offset: 2000, front: front.tokens, ...(anchor && { anchor }) };
        const { context, leading, around } = await promptFor(parts, place);
        assert.ok(context.length + leading.tokens.length + LIMIT <= FAKE.context);
        assert.deepEqual(context.slice(0, front.tokens.length), front.tokens);
        const own = around.prefix.length + around.suffix.length;
        assert.ok(own >= roomForOthers(reading), String(own));
        assert.ok(context.length > FAKE.context - LIMIT - 3 * 64 - 16, 'what is not taken is used');
      }
    }
  });

  it('leaves out a front that would take more than its share', async () => {
    const place = { text: 'some text', offset: 4 };
    const { context } = await promptFor(parts, { ...place, front: bytes('z'.repeat(300)) });
    assert.deepEqual(context, (await promptFor(parts, place)).context);
  });

  it('shows the texts at the end where not all fit, and drops many at once', async () => {
    const all = texts(60, 30);
    const starts = new Set<string>();
    for (let count = 1; count <= all.length; count++) {
      const others = all.slice(0, count);
      const { shown } = await frontOf(parts, { name: 'main.ts', others });
      assert.deepEqual(shown, others.slice(count - shown.length));
      assert.ok(shown.length >= Math.min(count, 4), `${shown.length} of ${count}`);
      starts.add(shown[0]!.name);
    }
    assert.ok(starts.size <= 60 / 1.5, `${starts.size} beginnings`);
  });

  it('shows none where one is larger than all the room', async () => {
    assert.deepEqual(await frontOf(parts, { name: 'a', others: texts(2, 400) }), { tokens: [], shown: [] });
  });

  it('is the same from key to key, but for its end', async () => {
    const { tokens: front } = await frontOf(parts, { name: 'main.ts', others: texts(4, 30) });
    const before = 'a line of code;\n'.repeat(60);
    const after = '\nmore of it;'.repeat(30);
    const typed = 'const result = compute(first, second);';
    let last: readonly Token[] = [];
    for (let at = 0; at <= typed.length; at++) {
      const text = before + typed.slice(0, at) + after;
      const place = { text, offset: before.length + at, anchor: before.length, front };
      const { context } = await promptFor(parts, place);
      if (at > 1) {
        const shared = context.findIndex((token, index) => token !== last[index]);
        const common = shared === -1 ? context.length : shared;
        // What was taken back of a word comes again with its end.
        assert.ok(common >= last.length - 16, `${common} of ${last.length} at ${at}`);
      }
      last = context;
    }
  });
});
