import { speculate, type Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addDrafts,
  addUp,
  addUpBy,
  compareBlock,
  compareLine,
  countRound,
  median,
  noDrafts,
} from '../../evaluation/src/aggregate.ts';
import { verdictBy, type DraftResult } from '../../evaluation/src/drafting.ts';
import { retentions } from '../../evaluation/src/report-drafts.ts';
import { reportOf, withReport } from '../../evaluation/src/report.ts';
import { table } from '../../evaluation/src/table.ts';
import { weightsRead } from '../../evaluation/src/weights.ts';
import { inOnePart } from '../support/verdict.ts';

describe('compareLine', () => {
  it('white space at the end does not count', () =>
    assert.deepEqual(compareLine('foo(); ', 'foo();'), { holes: 1, exact: 1, leading: 6, characters: 6 }));
  it('white space at the front does', () =>
    assert.deepEqual(compareLine('foo();', ' foo();'), { holes: 1, exact: 0, leading: 0, characters: 6 }));
  it('the leading part counts where the rest is wrong', () =>
    assert.deepEqual(compareLine('foo(bar);', 'foo(baz)'), {
      holes: 1,
      exact: 0,
      leading: 6,
      characters: 9,
    }));
  it('a text that goes on is not exact', () => assert.equal(compareLine('foo', 'foo()').exact, 0));
});

describe('compareBlock', () => {
  it('what comes after as many lines does not count', () => {
    const counts = compareBlock('a\n  b', 'a \n  b\nc');
    assert.deepEqual(counts, {
      holes: 1,
      exact: 1,
      firstLine: 1,
      rightLines: 2,
      lines: 2,
      leading: 5,
      characters: 5,
    });
  });
  it('lines count one by one, in their places', () => {
    const { exact, firstLine, rightLines, lines, leading } = compareBlock('a\nb\nc', 'x\nb');
    assert.deepEqual(
      { exact, firstLine, rightLines, lines, leading },
      { exact: 0, firstLine: 0, rightLines: 1, lines: 3, leading: 0 },
    );
  });
});

describe('sums', () => {
  it('add up by name and by group', () => {
    assert.deepEqual(
      addUp([
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ]),
      { a: 4, b: 6 },
    );
    const items = [
      { key: 'x', n: 1 },
      { key: 'y', n: 2 },
      { key: 'x', n: 4 },
    ];
    assert.deepEqual(
      addUpBy(
        items,
        ({ key }) => key,
        ({ n }) => ({ n }),
      ),
      { x: { n: 5 }, y: { n: 2 } },
    );
  });
  it('median', () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1, 3, 2]), median([])], [2, 2.5, NaN]);
  });
});

describe('draft counts', () => {
  it('by place: drafted, judged, accepted', () => {
    const counts = noDrafts(4);
    countRound(counts, { drafted: 4, accepted: 2, committed: 3 });
    countRound(counts, { drafted: 2, accepted: 2, committed: 3 });
    countRound(counts, { drafted: 0, accepted: 0, committed: 1 });
    assert.deepEqual(counts, {
      prompts: 0,
      rounds: 3,
      drafted: 6,
      accepted: 4,
      committed: 7,
      draftedAt: [2, 2, 1, 1],
      judgedAt: [2, 2, 1, 0],
      acceptedAt: [2, 2, 0, 0],
    });
    const twice = addDrafts([counts, counts], 4);
    assert.deepEqual([twice.rounds, twice.judgedAt], [6, [4, 4, 2, 0]]);
    assert.deepEqual(counts.judgedAt, [2, 2, 1, 0]);
  });

  it('a verdict by a known text leads to that text, whatever is drafted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(2), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat(2)),
        fc.nat(5),
        async (own, noise, draftLength) => {
          const output: Token[] = [];
          const rounds = speculate({
            prompt: [7, 7],
            limit: own.length,
            plan: () => ({ draft: draftLength, more: 0 }),
            end: new Set(),
            draft: (_, count) => Promise.resolve([...noise.take(count)]),
            verify: (context, drafted) => inOnePart(verdictBy(own, context.length - 2, drafted)),
          });
          for await (const { committed } of rounds) output.push(...committed);
          assert.deepEqual(output, own);
        },
      ),
    );
  });
});

describe('weightsRead', () => {
  const tensor = (name: string, ...shape: number[]) => ({
    name,
    shape,
    type: 'f32' as const,
    at: 0,
    bytes: 0,
  });
  const tensors = [
    tensor('token_embd.weight', 4, 10),
    tensor('blk.0.attn_q.weight', 4, 4),
    tensor('norm', 4),
  ];
  it('an embedding that is also the output is read whole', () => assert.equal(weightsRead({ tensors }), 60));
  it('one that is not gives a row', () =>
    assert.equal(weightsRead({ tensors: [...tensors, tensor('output.weight', 4, 10)] }), 4 + 16 + 4 + 40));
});

describe('report', () => {
  it('a table is as prettier leaves it', () => {
    assert.equal(
      table(
        '**T**',
        ['name', 'n', 'x'],
        [
          ['a', '10', '–'],
          ['long name', '5', '1.5'],
        ],
      ),
      '**T**\n\n| name      |   n |   x |\n| --------- | --: | --: |\n| a         |  10 |   – |\n| long name |   5 | 1.5 |',
    );
  });
  const result = (adapter: string, project: string, accepted: number): DraftResult => ({
    adapter,
    project,
    counts: Object.fromEntries(
      ['neural', 'lookup', 'n-gram', 'blend'].flatMap((source) =>
        [4, 8].map((length) => [
          `${source} ${length}`,
          { ...noDrafts(8), rounds: 10, drafted: 40, accepted, committed: 30 },
        ]),
      ),
    ),
    choices: { tokens: 100, same: 50, draftRight: 30, targetRight: 40 },
  });
  const draft = [
    result('', '', 20),
    result('', 'one', 30),
    result('one', 'one', 15),
    result('', 'two', 10),
    result('two', 'two', 10),
  ];
  it('retention is against the backbone on the same prompts', () => {
    assert.deepEqual(retentions(draft, 'neural 8'), [
      { adapter: 'one', kept: 0.5 },
      { adapter: 'two', kept: 1 },
    ]);
    const report = reportOf({ family: 'f', percent: 100, draft });
    assert.match(report, /^\| median +\| +75\.0 \|/mu);
    assert.match(report, /^\| backbone on one +\| neural +\| 30\/40 +\| +75\.0 \| +3\.00 \|/mu);
  });
  it('bits, perplexity and sums are made of the counts', () => {
    const counts = { bytes: 1000, tokens: 250, backbone: 1000 * Math.LN2, draft: 2000 * Math.LN2 };
    const adapters = [
      {
        adapter: 'a',
        package: 'p',
        bytes: 9,
        tokens: 100,
        without: 100 * Math.log(8),
        with: 100 * Math.log(6),
      },
    ];
    const report = reportOf({
      family: 'f',
      percent: 50,
      bits: { context: 512, packages: { p: counts, q: counts }, adapters },
    });
    assert.match(report, /, on 50 % of the samples\./u);
    assert.match(report, /^\| all +\| +2,000 \| +500 \| +1\.000 \| +2\.000 \| +– \|$/mu);
    assert.match(report, /^\| a +\| p +\| +100 \| +8\.00 \| 6\.00 \| +25\.0 \|$/mu);
  });
  it('goes between the markers of a document, and takes the place of the last one', () => {
    const document = 'a\n<!-- eval:begin -->\n<!-- eval:end -->\nb\n';
    const once = withReport(document, 'old');
    assert.equal(once, 'a\n<!-- eval:begin -->\n\nold\n\n<!-- eval:end -->\nb\n');
    assert.equal(withReport(once, 'new'), once.replace('old', 'new'));
    assert.throws(() => withReport('no markers', 'new'), /lacks the markers/u);
  });
});
