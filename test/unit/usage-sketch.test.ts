import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  isUsageReport,
  SKETCH_ERROR,
  SKETCH_RANGE,
  USAGE_LANGUAGES,
  type UsageReport,
  type UsageRow,
} from '@foretype/edge-node/protocol';
import { moved, trimmed } from '../../server/src/usage/change.ts';
import { emptyRow, merged } from '../../server/src/usage/rows.ts';
import { bucketOf, quantileOf } from '../../server/src/usage/sketch.ts';
import { shareKept } from '../../server/src/usage/standing.ts';

const sketchOf = (values: readonly number[]) => {
  const sketch: Record<string, number> = {};
  for (const value of values) sketch[bucketOf(value)] = (sketch[bucketOf(value)] ?? 0) + 1;
  return sketch;
};
const milliseconds = fc
  .double({ min: Math.log(SKETCH_RANGE.least), max: Math.log(SKETCH_RANGE.greatest), noNaN: true })
  .map(Math.exp);
const values = fc.array(milliseconds, { minLength: 1, maxLength: 200 });

describe('a sketch of times', () => {
  it('tells each quantile with the error that it promises', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.floor(q * (all.length - 1))]!;
        const told = quantileOf(sketchOf(all), q)!;
        // The bound is met with equality at the ends of buckets; the last digits are the logarithm's.
        assert.ok(Math.abs(told - exact) <= exact * SKETCH_ERROR * (1 + 1e-6), `${told} for ${exact}`);
      }),
    );
  });

  it('counts what lies beyond its range as the end of it', () => {
    assert.equal(bucketOf(0), bucketOf(SKETCH_RANGE.least));
    assert.equal(bucketOf(1e12), bucketOf(SKETCH_RANGE.greatest));
    assert.equal(quantileOf({}, 0.5), null);
  });

  it('has few enough buckets for a report', () => {
    const least = Number(bucketOf(SKETCH_RANGE.least));
    assert.ok(Number(bucketOf(SKETCH_RANGE.greatest)) - least < 512);
  });
});

const reportOf = (day: string, row: Partial<UsageRow>): UsageReport => ({
  version: 1,
  days: [{ day, rows: [{ ...emptyRow({ language: 'c', adapter: false }), ...row }] }],
});

describe('reports', () => {
  it('merge to what one would have counted', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const report = (draft: readonly number[]) =>
          reportOf('2026-01-01', {
            requests: draft.length,
            latency: { cache: {}, draft: sketchOf(draft), verified: {} },
          });
        const together = report([...a, ...b, ...c]);
        assert.deepEqual(merged([report(a), report(b), report(c)]), together);
        assert.deepEqual(merged([merged([report(c), report(a)]), report(b)]), together);
      }),
    );
  });

  it('keep days, languages and adapters apart, in order', () => {
    const rows = [
      reportOf('2026-01-02', { language: 'rust', requests: 1 }),
      reportOf('2026-01-02', { requests: 2, adapter: true }),
      reportOf('2026-01-01', { requests: 3 }),
      reportOf('2026-01-02', { requests: 4, adapter: true }),
    ];
    const all = merged(rows);
    assert.ok(isUsageReport(all));
    assert.deepEqual(
      all.days.map(({ day, rows: of }) => [
        day,
        of.map(({ language, adapter, requests }) => [language, adapter, requests]),
      ]),
      [
        ['2026-01-01', [['c', false, 3]]],
        [
          '2026-01-02',
          [
            ['c', true, 6],
            ['rust', false, 1],
          ],
        ],
      ],
    );
    assert.deepEqual(merged([]), { version: 1, days: [] });
  });

  it('are refused where anything is in them that has no place there', () => {
    assert.ok(isUsageReport(reportOf('2026-01-01', {})));
    for (const broken of [
      null,
      {},
      { version: 2, days: [] },
      { version: 1, days: [], user: 'me' },
      reportOf('yesterday', {}),
      reportOf('2026-01-01', { requests: -1 }),
      reportOf('2026-01-01', { requests: 1.5 }),
      reportOf('2026-01-01', { language: 'secret-language' as 'c' }),
      reportOf('2026-01-01', { ['path' as 'swapped']: 1 }),
      reportOf('2026-01-01', { latency: { cache: { 'file:///a': 1 }, draft: {}, verified: {} } }),
      reportOf('2026-01-01', { latency: { cache: { '1': 0 }, draft: {}, verified: {} } }),
    ])
      assert.equal(isUsageReport(broken), false, JSON.stringify(broken));
  });

  it('know each language once', () => assert.equal(new Set(USAGE_LANGUAGES).size, USAGE_LANGUAGES.length));
});

describe('a change', () => {
  const apply = (text: string, { offset, removed, inserted }: ReturnType<typeof trimmed>) =>
    text.slice(0, offset) + inserted + text.slice(offset + removed);

  it('is the same without what it puts back', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, (before, removed, inserted) => {
        const change = trimmed({ offset: before.length, removed, inserted });
        assert.equal(apply(`${before}${removed}z`, change), `${before}${inserted}z`);
        assert.ok(change.removed <= removed.length && change.inserted.length <= inserted.length);
      }),
    );
  });

  it('leaves a part of the document that it does not touch as it was', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, text, fc.boolean(), (before, between, part, inserted, isBefore) => {
        const place = {
          start: before.length + between.length,
          end: before.length + between.length + part.length,
        };
        const all = `${before}${between}${part}${between}`;
        const change = isBefore
          ? { offset: before.length, removed: between.length, inserted }
          : { offset: place.end, removed: between.length, inserted };
        const { start, end } = moved(place, change);
        // Without a length it may be on either side of what is put there.
        if (part !== '') assert.equal(apply(all, change).slice(start, end), part);
      }),
    );
  });

  for (const [name, change, place] of [
    ['in the midst', { offset: 12, removed: 2, inserted: 'abcd' }, [10, 22]],
    ['over its front', { offset: 8, removed: 4, inserted: 'x' }, [9, 17]],
    ['over its end', { offset: 18, removed: 4, inserted: 'x' }, [10, 18]],
    ['in place of it', { offset: 10, removed: 10, inserted: 'xyz' }, [10, 13]],
    ['in place of more', { offset: 0, removed: 30, inserted: 'x'.repeat(34) }, [10, 24]],
    ['that takes away more', { offset: 0, removed: 30, inserted: '' }, [0, 0]],
  ] as const)
    it(`${name} of a part`, () => {
      const { start, end } = moved({ start: 10, end: 20 }, change);
      assert.deepEqual([start, end], place);
    });
});

describe('the share of a text that is kept', () => {
  for (const [name, text, now, least, most] of [
    ['all of it', 'a + b', 'a + b', 1, 1],
    ['within more', 'a + b', 'const x = a + b; // why', 1, 1],
    ['with other blanks', 'if (a) {\n  b();\n}', 'if (a)\n{\n\tb();\n}', 1, 1],
    ['with more between', 'one(two, three)', 'one(first, two, and, three)', 1, 1],
    ['half', 'alpha beta', 'alpha', 0.5, 0.6],
    ['none', 'alpha beta', 'gamma', 0, 0],
    ['none of nothing', '  ', '', 0, 0],
    ['not in another order', 'alpha beta', 'beta alpha', 0.4, 0.6],
    ['not found by chance far away', 'alpha', `${'x '.repeat(50)}alph a`, 0, 0],
  ] as const)
    it(name, () => {
      const share = shareKept(text, now);
      assert.ok(share >= least && share <= most, String(share));
    });

  it('takes little time for the longest', () => {
    const words = Array.from({ length: 4000 }, (_, index) => `w${index % 97}`).join(' ');
    // The least counts: what else the machine does only adds.
    let least = Infinity;
    for (let run = 0; run < 10 && least >= 200; run++) {
      const began = performance.now();
      shareKept(words, words.replaceAll('w5', 'v'));
      least = Math.min(least, performance.now() - began);
    }
    assert.ok(least < 200, `${least} ms`);
  });
});
