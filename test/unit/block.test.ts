import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockAt, completeBlock } from '../../server/src/block.ts';
import type { Candidate } from '../../server/src/completion.ts';
import type { CompletionReport } from '../../server/src/protocol.ts';
import { emptyTrace, reportOf } from '../../server/src/trace.ts';

type Said = readonly (readonly [text: string, path: CompletionReport['path']])[];

/** Blocks at a cursor `|` whose lines are said by what was written before. */
function blocks(
  marked: string,
  lines: Readonly<Record<string, Said>>,
  { unverified = false, msPerLine = 0, fails = '' } = {},
) {
  let clock = 0;
  const asked: string[] = [];
  const [before, after] = marked.split('|') as [string, string];
  async function* line(written: string): AsyncGenerator<Candidate, void> {
    asked.push(written);
    clock += msPerLine;
    if (fails !== '' && written === fails) throw new Error('the time is over');
    for (const [text, path] of await Promise.resolve(lines[written] ?? []))
      yield { text, report: { ...reportOf(emptyTrace(''), path), rounds: 1 } };
  }
  const given = completeBlock({
    line,
    place: { before, after, language: 'typescript' },
    unverified,
    now: () => clock,
  });
  return { given, asked };
}

const texts = async (given: AsyncIterable<Candidate>) => Array.fromAsync(given, ({ text }) => text);

describe('a block', () => {
  const lines: Record<string, Said> = {
    '': [
      ['\n  draft();', 'draft'],
      ['\n  one();', 'speculated'],
    ],
    '\n  one();': [['\n  two();', 'speculated']],
    '\n  one();\n  two();': [['\n}', 'speculated']],
    '\n  one();\n  two();\n}': [['\nnever();', 'speculated']],
  };

  it('begins as a line does, and goes on line by line until it is closed', async () => {
    const { given, asked } = blocks('function f() {|\n', lines);
    const all = await Array.fromAsync(given);
    assert.deepEqual(
      all.map(({ text }) => text),
      ['\n  draft();', '\n  one();', '\n  one();\n  two();\n}'],
    );
    assert.equal(all.at(-1)!.report.rounds, 3);
    assert.deepEqual(asked, ['', '\n  one();', '\n  one();\n  two();']);
  });

  it('is given as it grows where that takes a while', async () => {
    const { given } = blocks('function f() {|\n', lines, { msPerLine: 200 });
    assert.deepEqual((await texts(given)).slice(2), ['\n  one();\n  two();', '\n  one();\n  two();\n}']);
  });

  it('has what was there when the time is over', async () => {
    const { given } = blocks('function f() {|\n', lines, { fails: '\n  one();\n  two();' });
    const got: string[] = [];
    await assert.rejects(async () => {
      for await (const { text } of given) got.push(text);
    }, /the time is over/u);
    assert.equal(got.at(-1), '\n  one();\n  two();');
  });

  it('has nothing behind its first line that nobody verified, unless that is wanted', async () => {
    const drafts: Record<string, Said> = {
      '': [['\n  one();', 'draft']],
      '\n  one();': [['\n}', 'draft']],
    };
    assert.deepEqual(await texts(blocks('function f() {|\n', drafts).given), ['\n  one();']);
    assert.deepEqual(await texts(blocks('function f() {|\n', drafts, { unverified: true }).given), [
      '\n  one();',
      '\n  one();\n}',
    ]);
    const half: Record<string, Said> = { ...lines, '\n  one();': [['\n  two();', 'draft']] };
    assert.equal(
      (await texts(blocks('function f() {|\n', half, { unverified: true }).given)).at(-1),
      '\n  one();',
    );
  });

  it('ends where nothing more is said, and with no more lines than are read at a glance', async () => {
    const endless: Record<string, Said> = {};
    let written = '';
    for (let count = 0; count < 40; count++) {
      endless[written] = [[`\n  call${count}();`, 'speculated']];
      written += `\n  call${count}();`;
    }
    const many = (await texts(blocks('function f() {|\n', endless).given)).at(-1)!;
    assert.equal(many.split('\n').length, 13, many);
    const { given, asked } = blocks('function f() {|\n', { '': [['\n  one();', 'speculated']] });
    assert.deepEqual(await texts(given), ['\n  one();']);
    assert.equal(asked.length, 2);
  });

  it('is nothing where its first line is', async () => {
    assert.deepEqual(await texts(blocks('function f() {|\n', {}).given), []);
  });
});

describe('whether a block is to be completed', () => {
  const at = (marked: string) => {
    const [before, after] = marked.split('|') as [string, string];
    return { before, after, language: 'typescript' };
  };
  const opened = at('function f() {|\n}');
  const within = at('const a = |;');
  for (const [name, place, multiline, written, verifies, expected] of [
    ['where the target writes blocks and can be asked', opened, 'auto', 'block', true, false],
    ['not where it writes lines', opened, 'auto', 'line', true, undefined],
    ['not by drafts alone', opened, 'auto', 'block', false, undefined],
    ['by drafts alone where that is wanted', opened, 'always', 'line', false, true],
    ['never where that is wanted', opened, 'never', 'block', true, undefined],
    ['not in the middle of a line', within, 'always', 'block', true, undefined],
  ] as const)
    it(name, () => assert.equal(blockAt({ place, multiline, written, verifies })?.unverified, expected));
});
