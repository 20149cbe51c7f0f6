/** The networks that a laptop is on: their round trips, and the walk out of the office and back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Link } from '../support/emulator/link.ts';
import {
  atRoundTrip,
  IDEAL,
  PROFILES,
  roundTripOf,
  sped,
  WALK,
  type Profile,
} from '../support/emulator/profiles.ts';

/** Round trips in milliseconds of `count` small messages, 200 ms apart, on one connection each. */
function trips({ up, down }: Profile, count: number, seed = 1, from = 0): number[] {
  const [there, back] = [new Link(up, `${seed} up`), new Link(down, `${seed} down`)];
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * 200;
    const turned = there.pass(60, at, index).out;
    return turned === Infinity ? Infinity : back.pass(40, turned, index).out - at;
  });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, two) => one - two)[numbers.length >> 1]!;
}

describe('profiles', () => {
  for (const profile of PROFILES) {
    it(`${profile.name} is set to any round trip`, () => {
      for (const ms of [3, 15, 60, 200]) {
        const set = atRoundTrip(profile, ms);
        assert.ok(Math.abs(roundTripOf(set) - ms) < 1e-9);
        // Of exponential parts the median is below the mean; and a link may be stalled when it is asked.
        const middle = median(trips(set, 40));
        assert.ok(middle > ms * 0.55 && middle < ms * 1.4, `${middle} ms of ${ms}`);
      }
    });
  }

  it('without jitter it is exact', () => {
    for (const trip of trips(atRoundTrip(IDEAL, 60), 50)) assert.ok(Math.abs(trip - 60) < 1e-9);
  });

  it('are in the order that everybody knows', () => {
    const trip = Object.fromEntries(PROFILES.map((profile) => [profile.name, roundTripOf(profile)]));
    const order = ['LAN', 'Wi-Fi', '5G', 'satellite', '4G', 'geostationary'];
    assert.deepEqual(
      order.toSorted((one, two) => trip[one]! - trip[two]!),
      order,
    );
  });

  it('a walk: near, far, nothing, a phone, near again', () => {
    const { up } = WALK;
    const [, weak, drop, phone, back] = up.map(({ at }) => at);
    const typical = (from: number, to: number) => median(trips(WALK, Math.floor((to - from) / 200), 5, from));
    assert.ok(typical(0, weak!) < 15);
    assert.ok(typical(weak!, drop!) > 25);
    assert.ok(typical(phone!, back!) > 35);
    assert.ok(typical(back!, back! + 10_000) < 15);
    const lost = trips(WALK, 10, 5, drop! + 500);
    assert.ok(
      lost.every((trip) => trip === Infinity),
      'what was begun in the hole belongs to the address that is gone',
    );
    const link = new Link(up, 1);
    assert.ok(link.pass(60, 0).out < Infinity);
    assert.equal(link.pass(60, phone! + 10).out, Infinity, 'and so does the connection from before');
    assert.ok(link.pass(60, phone! + 10, 2).out < phone! + 200);
  });

  it('a trace passes faster, and its delays do not', () => {
    const fast = sped(WALK, 10);
    assert.deepEqual(
      fast.up.map(({ at }) => at),
      [0, 1000, 2000, 2400, 6000],
    );
    assert.equal(roundTripOf(fast), roundTripOf(WALK));
  });
});
