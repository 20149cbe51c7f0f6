/** Counting what keys cost: the traces, the prompts and what of them is read again. */
import type { Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeldOutFile } from '../../evaluation/src/heldout.ts';
import { countTrace, sumUp } from '../bench/keystrokes/count.ts';
import {
  batchFor,
  CACHE_REUSE,
  infillEvaluated,
  infillPrompt,
  infillTexts,
} from '../bench/keystrokes/infill.ts';
import { layoutsFor, placeFor, unshared } from '../bench/keystrokes/layouts.ts';
import { reportOf } from '../bench/keystrokes/part.ts';
import { BURSTS, tracesOver } from '../bench/keystrokes/places.ts';
import { deletionTrace, jumpTrace, lineTrace, type Keystroke } from '../bench/keystrokes/traces.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const TEXT = 'function one() {\n  return first;\n}\n\nfunction two() {\n  return second;\n}\n';
const file: HeldOutFile = { package: 'p', path: 'a.ts', split: 'test', text: TEXT };
const holeOf = (gold: string) => {
  const from = TEXT.indexOf(gold);
  return { file, kind: 'indent' as const, from, to: from + gold.length };
};
const cursors = (strokes: readonly Keystroke[]) =>
  strokes.map(({ text, offset }) => `${text.slice(0, offset)}|${text.slice(offset)}`);
const family = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, bos: 290, end: [FAKE.end] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'suffix-first' as const },
};

describe('traces', () => {
  it('type what stood there, a character a key, and end with the file as it was', () => {
    const strokes = lineTrace(holeOf('first;'));
    assert.deepEqual(
      strokes.map(({ key }) => key),
      ['open', ...Array<string>(6).fill('typed')],
    );
    assert.equal(cursors(strokes)[2], TEXT.replace('first;', 'fi|'));
    assert.equal(strokes.at(-1)!.text, TEXT);
    assert.equal(strokes[0]!.text, TEXT.replace('first;', ''));
  });
  it('end a line and indent the next with one key', () => {
    const strokes = lineTrace(holeOf('return first;\n}'));
    assert.deepEqual(
      strokes.filter(({ key }) => key === 'line end').map((stroke) => cursors([stroke])[0]),
      [TEXT.replace('return first;\n}', 'return first;\n|')],
    );
    const indented = lineTrace(holeOf('two() {\n  return second'));
    assert.equal(indented.find(({ key }) => key === 'line end')!.text.slice(-7), '{\n  ;\n}\n'.slice(-7));
  });
  it('take some keys back and type them again', () => {
    const strokes = deletionTrace(holeOf('return second;'));
    const deleted = strokes.filter(({ key }) => key === 'deleted');
    assert.equal(deleted.length, 4);
    assert.equal(cursors(deleted).at(-1), TEXT.replace('return second;', 'ret|'));
    assert.equal(strokes.at(-1)!.text, TEXT);
  });
  for (const [from, to] of [
    ['first;', 'second;'],
    ['second;', 'first;'],
  ] as const) {
    it(`go from ${from} to ${to} and come back`, () => {
      const strokes = jumpTrace(holeOf(from), holeOf(to));
      assert.equal(strokes.at(-1)!.text, TEXT);
      const jumps = cursors(strokes.filter(({ key }) => key === 'jumped'));
      const half = from.slice(0, from.length >> 1);
      assert.deepEqual(jumps, [
        TEXT.replace(from, half).replace(to, `${to[0]}|`),
        TEXT.replace(from, `${from.slice(0, half.length + 1)}|`),
      ]);
    });
  }
  it('are split where the server would split: at the front of the line, and anew after a jump', () => {
    const strokes = jumpTrace(holeOf('first;'), holeOf('second;'));
    const fronts = strokes.map(({ text, anchor }) => text.lastIndexOf('\n', anchor - 1) + 1);
    assert.deepEqual(
      strokes.map(({ anchor }) => anchor),
      fronts,
    );
    assert.equal(new Set(fronts).size, 2);
    for (const { text, offset, anchor } of strokes) assert.ok(!text.slice(anchor, offset).includes('\n'));
  });
  it('are drawn over all packages, the same for the same label', () => {
    const body = Array.from(
      { length: 50 },
      (_, line) => `const value${line} = compute(${line});\n  next();\n`,
    ).join('');
    const packages = ['p', 'q'].map((name) => ({
      name,
      version: '1',
      files: [{ ...file, package: name, text: body }],
    }));
    const traces = tracesOver(packages, 4);
    assert.deepEqual(
      traces.map(({ burst }) => burst),
      BURSTS.flatMap((burst) => Array<string>(4).fill(burst)),
    );
    assert.deepEqual(traces.map(({ file: of }) => of.package).slice(0, 4), ['p', 'p', 'q', 'q']);
    for (const { strokes } of traces) assert.equal(strokes.at(-1)!.text, body);
    assert.deepEqual(tracesOver(packages, 4), traces);
    assert.notDeepEqual(tracesOver(packages, 4, { label: 'other' }), traces);
    assert.ok(traces[8]!.strokes.some(({ key }) => key === 'deleted'));
    assert.equal(traces[12]!.strokes.filter(({ key }) => key === 'jumped').length, 2);
  });
});

describe('what llama.vim asks for', () => {
  const at = (marked: string) => infillTexts({ text: marked.replace('|', ''), offset: marked.indexOf('|') });
  it('is whole lines above, the line up to the cursor, and the rest', () =>
    assert.deepEqual(at('a\nb\n  c|d\ne\nf\n'), {
      prefix: 'a\nb\n',
      prompt: '  c',
      suffix: 'd\ne\nf\n',
      indent: 2,
    }));
  it('is 256 lines above and 64 below', () => {
    const { prefix, suffix } = at(`${'above\n'.repeat(300)}x|\n${'below\n'.repeat(300)}`);
    assert.equal(prefix, 'above\n'.repeat(256));
    assert.equal(suffix, `\n${'below\n'.repeat(64)}`);
  });
  it('leaves out white space where a line has nothing else', () =>
    assert.deepEqual(at('a\n    |\nb\n'), { prefix: 'a\n', prompt: '', suffix: '\nb\n', indent: 0 }));
  it('ends with line ends where there is nothing more', () =>
    assert.deepEqual(at('|'), { prefix: '\n', prompt: '', suffix: '\n\n', indent: 0 }));
});

describe('the prompt that llama-server makes', () => {
  const fim = { prefix: -1, suffix: -2, middle: -3 };
  const tokens = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);
  it('has what was typed before the suffix, or before the middle', () => {
    const parts = { prefix: [1, 2], prompt: [3], suffix: [4, 5] };
    assert.deepEqual(
      infillPrompt(parts, { fim, bos: 0, batch: 100, suffixFirst: false }),
      [0, -1, 1, 2, 3, -2, 4, 5, -3],
    );
    assert.deepEqual(
      infillPrompt(parts, { fim, batch: 100, suffixFirst: true }),
      [-2, 4, 5, -1, 1, 2, 3, -3],
    );
  });
  it('has three quarters of a batch before and one behind, from which what was typed is taken', () => {
    const parts = { prefix: tokens(200), prompt: tokens(5, 300), suffix: tokens(200, 400) };
    const prompt = infillPrompt(parts, { fim, batch: 103, suffixFirst: false });
    assert.deepEqual(prompt, [-1, ...tokens(75, 125), ...tokens(5, 300), -2, ...tokens(18, 400), -3]);
  });
  it('fits the context with what is written', () => {
    assert.equal(batchFor(8192), 1024);
    assert.ok(batchFor(512) + 128 < 512);
  });
});

describe('tokens that are evaluated', () => {
  const tokens = (count: number, from = 0): Token[] =>
    Array.from({ length: count }, (_, index) => from + index);
  it('are those that do not follow the same ones, and one at least', () => {
    assert.equal(unshared([1, 2, 3], [1, 2, 4, 3]), 2);
    assert.equal(unshared([1, 2, 3], [1, 2, 3]), 1);
    assert.equal(unshared([], [1, 2, 3]), 3);
  });
  it('with llama-server’s cache reuse are not those of a long row that only moved', () => {
    const row = tokens(CACHE_REUSE, 1000);
    assert.equal(
      infillEvaluated([1, 2, 3, ...row, 9], [1, 3, ...row, 8]),
      1 + 1 + CACHE_REUSE - (CACHE_REUSE + 1),
    );
    assert.equal(infillEvaluated([1, 2, ...row], [1, ...row, 8]), 1);
    assert.equal(infillEvaluated([1, 2, ...row.slice(1)], [1, ...row.slice(1), 8]), CACHE_REUSE);
    // What is put in before a row finds no place for its own tokens, so that the row is not found either.
    assert.equal(infillEvaluated([1, ...row], [1, 2, ...row]), CACHE_REUSE + 1);
  });
});

describe('counting', () => {
  const layouts = layoutsFor({ family, tokenizer: new FakeEngine() });
  const counts = async (name: string) =>
    countTrace(
      lineTrace(holeOf('first;')),
      layouts.find((layout) => layout.name === name)!,
    );

  it('is of every key but the opening', async () => assert.equal((await counts('suffix-first')).length, 6));
  it('finds that a prompt with the suffix first, or split, grows at its end alone', async () => {
    for (const name of ['suffix-first', 'suffix-first, anchored', 'prefix-first, anchored']) {
      // In a vocabulary of bytes a word is taken back whole, so that the prompt stays as it is until it ends.
      const found = await counts(name);
      assert.deepEqual(
        found.map(({ healed }) => healed),
        [1, 2, 3, 4, 5, 1],
      );
      assert.ok(
        found.every(({ evaluated }) => evaluated <= 7),
        JSON.stringify(found),
      );
    }
  });
  it('finds that the suffix is read again where it stands behind what is typed', async () => {
    const suffix = TEXT.length - TEXT.indexOf('first;') - 'first;'.length;
    for (const { evaluated, prompt } of await counts('/infill')) {
      assert.ok(evaluated > suffix && evaluated < prompt, `${evaluated} of ${prompt}`);
    }
    assert.ok((await counts('prefix-first')).at(-1)!.evaluated > suffix);
    assert.ok((await counts('/infill, --spm-infill')).every(({ evaluated }) => evaluated === 2));
  });
  it('asks for a place as the language server does', () => {
    const [stroke] = lineTrace(holeOf('first;'));
    assert.equal(placeFor(family, stroke!).anchor, undefined);
    const prefixFirst = { fim: { ...family.fim, order: 'prefix-first' as const } };
    assert.equal(placeFor(prefixFirst, stroke!).anchor, TEXT.indexOf('  return'));
  });
  it('is summed up by layout and by key, and shown', async () => {
    const layout = layouts[0]!;
    const found = sumUp(
      layout.name,
      await countTrace(jumpTrace(holeOf('first;'), holeOf('second;')), layout),
    );
    assert.deepEqual([found.byKey.jumped.count, found.byKey.typed.count, found.evaluated.count], [2, 11, 13]);
    assert.ok(found.byKey.jumped.median > found.byKey.typed.median);
    const { text, charts } = reportOf({ family: 'f', places: 1, keystrokes: 13, layouts: [found] });
    assert.match(text, /\| joined \| +\d/u);
    assert.match(text, /13 keys at 1 places, family `f`/u);
    assert.match(charts[0]!.svg, /joined/u);
  });
});
