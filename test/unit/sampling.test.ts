import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { largest, probabilityOf, withLuck } from '../../models/src/sampling.ts';
import { chance } from '../support/prompts.ts';

const logits = new Map([0.5, 2, -1, 1.5, 0].map((logit, token) => [token, logit]));
const choose = (values: ReadonlyMap<number, number>, temperature: number, seed: number, place: number) =>
  largest(withLuck(values, { temperature, seed }, place))!;
/** Shares of each id over many places. */
function shares(temperature: number, seed: number, places = 20_000): number[] {
  const counts = [0, 0, 0, 0, 0];
  for (let place = 0; place < places; place++) counts[choose(logits, temperature, seed, place)]!++;
  return counts.map((count) => count / places);
}

describe('sampling', () => {
  it('follows the softmax at the temperature, whatever the seed', () => {
    for (const [temperature, seed] of [
      [1, 0],
      [1, 4_294_967_295],
      [0.5, 1],
      [2, 7],
    ] as const) {
      const hot = new Map([...logits].map(([token, logit]) => [token, logit / temperature]));
      // Four standard deviations of a share over so many places are at most 0.015.
      shares(temperature, seed).forEach((share, token) => {
        const expected = probabilityOf(hot, token);
        assert.ok(Math.abs(share - expected) < 0.015, `${temperature} ${token}: ${share} for ${expected}`);
      });
    }
  });

  it('is the same for the same seed and place, and independent over seeds and places', () => {
    const at = (seed: number) => Array.from({ length: 2000 }, (_, place) => choose(logits, 1, seed, place));
    assert.deepEqual(at(3), at(3));
    const same = at(3).filter((token, index) => token === at(4)[index]).length / 2000;
    const next = at(3).filter((token, index) => token === at(3)[index + 1]).length / 2000;
    const byChance = [...logits.keys()].reduce((sum, token) => sum + probabilityOf(logits, token) ** 2, 0);
    for (const share of [same, next])
      assert.ok(Math.abs(share - byChance) < 0.06, `${share} for ${byChance}`);
  });

  it('lets a draft foresee the choice far more often than by chance', () => {
    const random = chance(5);
    const near = new Map([...logits].map(([token, logit]) => [token, logit + 0.4 * (random() - 0.5)]));
    const places = Array.from({ length: 4000 }, (_, place) => place);
    const shared = places.filter((place) => choose(logits, 1, 1, place) === choose(near, 1, 1, place)).length;
    const apart = places.filter((place) => choose(logits, 1, 1, place) === choose(near, 1, 2, place)).length;
    assert.ok(shared / 4000 > 0.85 && apart / 4000 < 0.5, `${shared} and ${apart} of 4000`);
  });

  it('becomes the greedy choice as the temperature goes to zero; among equals the lowest id', () => {
    for (let place = 0; place < 100; place++) assert.equal(choose(logits, 0.001, 9, place), 1);
    assert.equal(
      largest(
        new Map([
          [4, 1],
          [2, 1],
          [3, 0],
        ]),
      ),
      2,
    );
    assert.equal(largest(new Map()), undefined);
  });
});
