/** The policy's experiments as tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reportOf } from '../bench/policy-part.ts';
import { compare, grid, hourOfTyping, measure } from '../bench/policy/experiment.ts';

describe('the report on the policy', () => {
  const cells = grid(undefined, ['office']).map((cell) => measure(cell, 2));
  const base = compare(cells);
  const { world } = grid(undefined, ['office'])[0]!;
  const { text, charts } = reportOf(
    {
      goals: ['≥ 0.97', '≥ 1.06', '≥ 1.20', '', '≤ 0.83', '', '≤ 0.80', '≤ 1.02'],
      base,
      byMachine: [{ name: 'office', ...base }],
      otherWorlds: [{ name: 'another', ...base }],
      steps: [{ name: 'RTT 20 → 200 ms, office', ofOracle: 0.98 }],
      energy: [{ ...hourOfTyping(world, 100), jPerHour: 100 }],
      cells,
    },
    2,
  );
  const rows = (name: string) => text.split('\n').filter((line) => line.startsWith(`| ${name} `));

  it('has the goals above what was found', () => {
    assert.match(rows('goal')[0]!, /≥ 0\.97 .*≥ 1\.20 +\| +– \|/u);
    for (const name of ['all machines', 'office', 'another'])
      assert.ok(rows(name)[0]!.includes(base.ofOracle.toFixed(3)), name);
  });
  it('has steps by machine, and the hour', () => {
    assert.match(rows('RTT 20 → 200 ms')[0]!, /0\.98/u);
    assert.match(text, /\n\| +100 \| +\d+\.\d \|/u);
  });
  it('draws one machine over the round trips', () => {
    const svg = charts[0]!.svg;
    assert.equal([...svg.matchAll(/<polyline/gu)].length, 4);
    assert.equal([...svg.matchAll(/<circle/gu)].length, 16);
  });
});
