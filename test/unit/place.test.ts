import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { place, unionBytes, type Model } from '../../edge-node/src/placement/place.ts';

const BASE = { id: 'base', bytes: 1000 };
const adapter = (id: string, hits: number, bytes: number, base = BASE): Model => ({
  id,
  hits,
  blocks: [base, { id: `${id} itself`, bytes }],
});

describe('place', () => {
  it('takes what has most hits for the bytes that it adds', () => {
    const models = [adapter('large', 10, 100), adapter('small', 5, 20), adapter('rare', 1, 20)];
    assert.deepEqual(place(models, 1120).placed, ['small', 'large']);
    assert.deepEqual(place(models, 1140), { placed: ['small', 'large', 'rare'], bytes: 1140 });
    assert.deepEqual(place(models, 1030).placed, ['small']);
  });

  it('places a backbone for many that are asked for seldom, rather than one that is asked for often', () => {
    const other = { id: 'other', bytes: 1000 };
    const many = Array.from({ length: 10 }, (_, index) => adapter(`many ${index}`, 3, 10));
    assert.deepEqual(place([adapter('one', 12, 10, other), ...many], 1110).placed.length, 10);
  });

  it('counts what is shared once', () => {
    const shared = { id: 'shared', bytes: 50 };
    const version = (id: string) => ({
      id,
      hits: 1,
      blocks: [BASE, shared, { id: `${id} itself`, bytes: 10 }],
    });
    assert.equal(unionBytes([version('v1'), version('v2')]), 1070);
    assert.deepEqual(place([version('v1'), version('v2')], 1070).placed, ['v1', 'v2']);
  });

  it('places pinned ones first, and leaves out those for which there is no room', () => {
    const models = [adapter('a', 100, 50), { ...adapter('b', 0, 50), pinned: true }];
    assert.deepEqual(place(models, 1060).placed, ['b']);
    assert.deepEqual(place([{ ...adapter('huge', 1, 5000), pinned: true }, ...models], 1100).placed, [
      'b',
      'a',
    ]);
  });

  it('places nothing that nobody asks for', () => {
    assert.deepEqual(place([adapter('a', 0, 1)], 9999), { placed: [], bytes: 0 });
  });

  it('never exceeds its capacity, and is at least half as good as the best choice where one backbone is there', () => {
    const sizes = fc.array(fc.record({ hits: fc.nat(50), bytes: fc.integer({ min: 1, max: 60 }) }), {
      maxLength: 9,
    });
    const property = fc.property(sizes, fc.nat(300), (made, room) => {
      const models = made.map(({ hits, bytes }, index) => adapter(`m${index}`, hits, bytes));
      const found = place(models, 1000 + room);
      assert.ok(found.bytes <= 1000 + room);
      assert.equal(found.bytes, unionBytes(models.filter(({ id }) => found.placed.includes(id))));
      const hitsOf = (chosen: readonly Model[]) => chosen.reduce((sum, { hits }) => sum + hits, 0);
      const hits = hitsOf(models.filter(({ id }) => found.placed.includes(id)));
      let best = 0;
      for (let set = 0; set < 2 ** models.length; set++) {
        const chosen = models.filter((_, index) => set & (2 ** index));
        if (unionBytes(chosen) <= 1000 + room) best = Math.max(best, hitsOf(chosen));
      }
      const largest = Math.max(0, ...models.map((model) => model.hits));
      assert.ok(hits >= best - largest, `${hits} of ${best}`);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
