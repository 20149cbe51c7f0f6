import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anchorFor } from '../../server/src/anchor.ts';
import { promptFor } from '../../models/src/prompt.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

/** A document with the cursor at `|`. */
function at(marked: string, uri = 'a') {
  const offset = marked.indexOf('|');
  return { uri, text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
}
const from = (marked: string) => ({ ...at(marked), anchor: at(marked).offset });

describe('the anchor', () => {
  const last = { ...at('one\n  tw|o\nthree'), anchor: 4 };
  const cases: [name: string, marked: string, anchor: number][] = [
    ['stays while something is typed', 'one\n  two and |o\nthree', 4],
    ['stays while something is deleted behind it', 'one\n|o\nthree', 4],
    ['stays over the end of a line', 'one\n  two\nand\n|o\nthree', 4],
    ['moves to the line of a jump', 'one\n  two\nthr|ee', 10],
    ['moves where something before it was changed', 'One\n  tw|o\nthree', 4],
    ['moves where something before it is deleted', 'on|o\nthree', 0],
    ['moves where something after the cursor was changed', 'one\n  x\ntw|\nthree', 8],
    ['moves when it has become far', `one\n${'x\n'.repeat(120)}tw|o\nthree`, 244],
  ];
  for (const [name, marked, anchor] of cases)
    it(name, () => assert.equal(anchorFor(at(marked), last), anchor));

  it('is the start of the word where the line is long', () => {
    const line = `${'long '.repeat(60)}wor`;
    assert.equal(anchorFor(at(`${line}|d`), undefined), line.length - 3);
    assert.equal(anchorFor(at(`${line} |`), undefined), line.length + 1);
  });

  it('is the line start at first and in another document', () => {
    assert.equal(anchorFor(at('one\n  tw|o'), undefined), 4);
    assert.equal(anchorFor(at('one\n  tw|o', 'b'), { ...last, anchor: 6 }), 4);
    assert.equal(anchorFor(at('|'), undefined), 0);
    assert.equal(anchorFor(at('|\ntwo'), undefined), 0);
  });

  it('is the cursor in a paragraph that is longer than what may be typed behind one', () => {
    assert.equal(anchorFor(at(`one\n${'x'.repeat(300)}|`), undefined), 304);
  });
});

describe('a prompt that is split at an anchor', () => {
  const family = {
    context: FAKE.context,
    tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
    fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'prefix-first' as const },
  };
  const parts = { family, tokenizer: new FakeEngine() };

  it('has what was typed behind the marker of the middle, healed there', async () => {
    const { context, leading, around } = await promptFor(parts, { ...at('ab\ncd ef|\ngh'), anchor: 3 });
    assert.deepEqual(context, [
      FAKE.prefix,
      ...Buffer.from('ab\n'),
      FAKE.suffix,
      ...Buffer.from('\ngh'),
      FAKE.middle,
      ...Buffer.from('cd '),
    ]);
    assert.deepEqual(leading, { text: 'ef', tokens: [...Buffer.from('ef')] });
    assert.equal(Buffer.from(around.prefix).toString(), 'ab\ncd ');
  });

  it('grows at its end only, in a text that is longer than the context too', async () => {
    const lines = 'const value = 1;\n'.repeat(60);
    const typed = 'const total = values.reduce((a, b) => a + b)';
    let last: Awaited<ReturnType<typeof promptFor>>['context'] = [];
    let changed = 0;
    for (let length = 0; length <= typed.length; length++) {
      const marked = `${lines}${typed.slice(0, length)}|\n${lines}`;
      const { context } = await promptFor(parts, { ...at(marked), anchor: lines.length });
      const same = context.findIndex((token, index) => token !== last[index]);
      if (same !== -1 && same < last.length && length > 0) changed++;
      assert.ok(context.length + 48 + 16 <= FAKE.context);
      last = context;
    }
    assert.equal(changed, 0);
  });

  it('is split at the cursor where too much was typed behind the anchor', async () => {
    const long = from(`${'x'.repeat(100)}|`);
    const { context } = await promptFor(parts, { ...long, anchor: 0 });
    assert.equal(context.at(-1), FAKE.middle);
  });
});
