/** The bench's statistics, charts and generated document. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chance } from '../../evaluation/src/random.ts';
import { barChart, linearTicks, lineChart, logarithmicTicks } from '../bench/chart.ts';
import { withPart } from '../bench/document.ts';
import { quantile, ratioOf, spreadOf } from '../bench/statistics.ts';

describe('spreads', () => {
  it('are medians, tenths and means', () => {
    const numbers = [11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    assert.deepEqual(spreadOf(numbers), { count: 11, median: 6, p10: 2, p90: 10, mean: 6 });
  });
  it('lie between neighbours where no number is in the place', () => {
    assert.equal(quantile([0, 10], 0.25), 2.5);
    assert.equal(quantile([7], 0.9), 7);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });
});

describe('ratios of pairs', () => {
  const random = chance('noise');
  // Each pair has a size of its own, a hundred times as spread as the ratio.
  const pairs = Array.from({ length: 200 }, () => {
    const size = 1 + 99 * random();
    return [0.5 * size * (0.9 + 0.2 * random()), size] as const;
  });
  it('are not disturbed by what both have in common', () => {
    const { median, low, high } = ratioOf(pairs, chance('r'));
    assert.ok(low <= median && median <= high && high - low < 0.03, `${low} ${median} ${high}`);
    assert.ok(low < 0.5 && high > 0.5, `${low} ${high}`);
  });
  it('are less certain of fewer pairs, and the same for the same chance', () => {
    const width = (count: number) => {
      const { low, high } = ratioOf(pairs.slice(0, count), chance('r'));
      return high - low;
    };
    assert.ok(width(10) > 2 * width(200));
    assert.deepEqual(ratioOf(pairs, chance('r')), ratioOf(pairs, chance('r')));
  });
  it('of none are no number', () => assert.ok(Number.isNaN(ratioOf([], chance('r')).median)));
});

describe('charts', () => {
  /** Every tag is closed, and none is inside what it must not be. */
  const wellFormed = (svg: string) => {
    const open: string[] = [];
    for (const [, closing, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/gu)) {
      if (closing) assert.equal(open.pop(), name);
      else if (!self) open.push(name!);
    }
    assert.deepEqual(open, []);
  };
  it('of bars show each with its figures', () => {
    const bars = [
      { name: 'a < b', value: 2, upTo: 40 },
      { name: 'c', value: 81, upTo: 93.5 },
    ];
    const svg = barChart({ title: 'T & U', bars });
    wellFormed(svg);
    assert.match(svg, /T &amp; U/u);
    assert.match(svg, /a &lt; b/u);
    assert.match(svg, /81 · 93.5/u);
    const widths = [...svg.matchAll(/width="([\d.]+)" height="16"/gu)].map(([, width]) => Number(width));
    assert.ok(Math.abs(widths[1]! / widths[0]! - 81 / 2) < 0.5, widths.join());
  });
  it('of lines have a point for each value, higher ones above', () => {
    const series = [
      { name: 'slow', values: [100, 900] },
      { name: 'fast', values: [20, 30] },
    ];
    const svg = lineChart({ title: 't', xTitle: 'x', x: ['3', '20'], series });
    wellFormed(svg);
    const points = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/gu)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    assert.equal(points.length, 4);
    const [slow, slower, fast] = points as [[number, number], [number, number], [number, number]];
    assert.ok(slower[1] < slow[1] && slow[1] < fast[1] && slower[0] > slow[0]);
  });
  it('have ticks around what they show', () => {
    assert.deepEqual(linearTicks(93), [0, 20, 40, 60, 80, 100]);
    assert.deepEqual(linearTicks(7), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(logarithmicTicks(13, 240), [10, 20, 50, 100, 200, 500]);
    assert.deepEqual(logarithmicTicks(10, 10), [10, 20]);
    assert.deepEqual(logarithmicTicks(0.4, 1.5), [1, 2]);
  });
});

describe('the document', () => {
  const document =
    'before\n<!-- bench:a -->\nold\n<!-- bench:a:end -->\n<!-- bench:b -->\n<!-- bench:b:end -->\n';
  const report = { text: 'new', charts: [{ name: 'a', alt: 'An A', svg: '<svg/>' }] };
  it('has one part replaced and all else kept', () => {
    const found = withPart(document, 'a', report);
    assert.equal(
      found,
      'before\n<!-- bench:a -->\n\nnew\n\n![An A](charts/a.svg)\n\n<!-- bench:a:end -->\n<!-- bench:b -->\n<!-- bench:b:end -->\n',
    );
    assert.equal(withPart(found, 'a', report), found);
  });
  it('that lacks a marker is refused', () => {
    assert.throws(() => withPart(document, 'c', report), /lacks the markers <!-- bench:c -->/u);
    const unended = document.replace('<!-- bench:a:end -->', '');
    assert.throws(() => withPart(unended, 'a', report), /lacks the markers/u);
  });
});
