/** The link's model against closed forms and properties. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkSettings, Step } from '../support/emulator/course.ts';
import { Link, nextRetry, TIMEOUT_MARGIN } from '../support/emulator/link.ts';

const PLAIN: LinkSettings = { delay: 30, jitter: 0, bandwidth: Infinity, loss: 0, roundTrip: 60 };

function steady(settings: Partial<LinkSettings>, seed = 1): Link {
  return new Link([{ at: 0, ...PLAIN, ...settings }], seed);
}

function near(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `expected ${expected} ± ${tolerance}, got ${actual}`);
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

describe('a link, by formula:', () => {
  it('distance only', () => {
    const link = steady({});
    assert.deepEqual(
      [0, 5, 5, 70].map((at) => link.pass(100, at).out),
      [30, 35, 35, 100],
    );
  });

  it('bandwidth: a message takes its bytes over the rate, and waits for those before it', () => {
    const link = steady({ bandwidth: 100_000 });
    // 100 bytes a millisecond: 4000 bytes take 40 ms.
    near(link.pass(4000, 0).out, 70);
    near(link.pass(1000, 10).out, 80);
    near(link.pass(1000, 500, 2).out, 540);
    near(link.pass(0, 505, 2).out, 540);
  });

  it('jitter: its mean comes on top', () => {
    const link = steady({ jitter: 8 });
    const taken = Array.from(
      { length: 20_000 },
      (_, index) => link.pass(60, index * 1000).out - index * 1000,
    );
    near(mean(taken), 38, 0.3);
    assert.ok(Math.min(...taken) >= 30);
    // Exponential: the median is the mean times ln 2.
    near(taken.sort((one, two) => one - two)[10_000]!, 30 + 8 * Math.LN2, 0.3);
  });

  it('loss: a lone segment waits for the timer, one with others behind it for a round trip', () => {
    const lone = steady({ loss: 0.2 }, 7);
    const delays = Array.from({ length: 5000 }, (_, index) => lone.pass(60, index * 1e7).out - index * 1e7);
    const timeout = 60 + TIMEOUT_MARGIN;
    const shares = [0, 1, 2].map((lost) => {
      const waited = 30 + timeout * (2 ** lost - 1);
      return delays.filter((delay) => Math.abs(delay - waited) < 1e-3).length / delays.length;
    });
    near(shares[0]!, 0.8, 0.03);
    near(shares[1]!, 0.16, 0.03);
    near(shares[2]!, 0.032, 0.02);

    const large = steady({ loss: 0.02 }, 8);
    const times = Array.from(
      { length: 3000 },
      (_, index) => large.pass(14_480, index * 1e7).out - index * 1e7,
    );
    const recovered = times.filter((time) => Math.abs(time - 90) < 1e-3).length / times.length;
    // One of the nine that have others behind them is lost once, and the last one is not.
    near(recovered, (1 - 0.98 ** 9) * 0.98, 0.03);
  });

  it('stalls: what comes meanwhile waits for the end and nothing is lost', () => {
    const link = steady({ stalls: { every: 400, last: 100 } }, 3);
    const taken = Array.from({ length: 50_000 }, (_, index) => link.pass(10, 4 * index).out - 4 * index - 30);
    const waiting = taken.filter((wait) => wait > 1e-9);
    near(waiting.length / taken.length, 0.2, 0.02);
    // Of an exponential stall the rest is as long, on average, as the whole.
    near(mean(waiting), 100, 15);
  });

  it('a cut: what was lost in it goes out when the doubled timer next fires', () => {
    const steps: Step[] = [
      { at: 0, ...PLAIN },
      { at: 1000, ...PLAIN, cut: true },
      { at: 3000, ...PLAIN },
    ];
    const link = new Link(steps, 1);
    near(link.pass(60, 999).out, 1029);
    // Lost at 1000; tried again after 260, 520, 1040 and 2080 ms.
    near(link.pass(60, 1000).out, 1000 + 260 * 15 + 30);
    near(link.pass(60, 3100).out, 1000 + 260 * 15 + 30, 1e-6);
    near(link.pass(60, 3100, 2).out, 3130);
    assert.equal(nextRetry(1000, 3000, 260), 1000 + 260 * 15);
    // What is sent behind it waits for it, and has no timer of its own.
    const short = new Link([steps[0]!, steps[1]!, { ...steps[2]!, at: 1300 }], 1);
    near(short.pass(60, 1000).out, 1000 + 260 * 3 + 30);
    near(short.pass(60, 1030).out, 1000 + 260 * 3 + 30);
    assert.equal(new Link([{ at: 0, ...PLAIN, cut: true }], 1).pass(60, 0).out, Infinity);
  });

  it('a move: an old connection is left behind for ever, a new one is not', () => {
    const link = new Link(
      [
        { at: 0, ...PLAIN },
        { at: 100, ...PLAIN, delay: 50, moves: true },
      ],
      1,
    );
    assert.equal(link.pass(60, 99).out, 129);
    assert.equal(link.pass(60, 100).out, Infinity);
    assert.equal(link.pass(60, 100, 2).out, 150);
    assert.equal(link.pass(60, 200).out, Infinity);
  });

  it('steps: bytes go at the rate of their time', () => {
    const link = new Link(
      [
        { at: 0, ...PLAIN, bandwidth: 10_000 },
        { at: 100, ...PLAIN, bandwidth: 100_000 },
      ],
      1,
    );
    // 500 bytes at 10 a millisecond from 50 to 100, then 900 at 100 a millisecond.
    near(link.pass(1400, 50).out, 50 + 50 + 9 + 30);
  });

  it('refuses what is no link', () => {
    const broken: Partial<Step>[] = [
      { at: 1 },
      { delay: -1 },
      { bandwidth: 0 },
      { loss: 1.1 },
      { jitter: NaN },
    ];
    for (const fields of broken)
      assert.throws(() => new Link([{ at: 0, ...PLAIN, ...fields }], 1), RangeError, JSON.stringify(fields));
    assert.throws(() => new Link([], 1), RangeError);
  });
});

describe('a link, whatever is sent:', () => {
  const settings = fc.record({
    delay: fc.double({ min: 0, max: 300, noNaN: true }),
    jitter: fc.double({ min: 0, max: 50, noNaN: true }),
    bandwidth: fc.double({ min: 1000, max: 1e7, noNaN: true }),
    loss: fc.constantFrom(0, 0.01, 0.3),
    roundTrip: fc.double({ min: 0, max: 600, noNaN: true }),
    stalls: fc.constantFrom({ every: 1e12, last: 0 }, { every: 300, last: 100 }),
    cut: fc.constantFrom(false, false, true),
  });
  const world = fc.record({
    seed: fc.integer(),
    legs: fc.array(settings, { minLength: 1, maxLength: 4 }),
    messages: fc.array(
      fc.record({
        after: fc.double({ min: 0, max: 400, noNaN: true }),
        bytes: fc.integer({ min: 0, max: 8000 }),
        connection: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 1, maxLength: 30 },
    ),
  });
  type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

  function play({ seed, legs, messages }: World) {
    const link = new Link(
      // The last leg carries, so that every message arrives at some time.
      legs.map((leg, index) => ({ ...leg, at: index * 900, cut: leg.cut && index < legs.length - 1 })),
      seed,
    );
    let at = 0;
    return messages.map(({ after, bytes, connection }) => {
      at += after;
      return { at, bytes, connection, ...link.pass(bytes, at, connection) };
    });
  }

  it('nothing is out before it was in and its way was gone', () => {
    fc.assert(
      fc.property(world, (made) => {
        const least = Math.min(...made.legs.map(({ delay }) => delay));
        for (const { at, left, out } of play(made)) assert.ok(left >= at && out >= left + least);
      }),
      { numRuns: 500 },
    );
  });

  it('the order within a connection stays', () => {
    fc.assert(
      fc.property(world, (made) => {
        const last = new Map<number, number>();
        for (const { connection, out } of play(made)) {
          assert.ok(out >= (last.get(connection) ?? 0));
          last.set(connection, out);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the same seed gives the same times, and connections that wait do not hold up the others', () => {
    fc.assert(
      fc.property(world, (made) => {
        assert.deepEqual(play(made), play(made));
      }),
      { numRuns: 200 },
    );
    const times = (seed: number) =>
      [...Array(20).keys()].map((at) => steady({ jitter: 5 }, seed).pass(1, at));
    assert.notDeepEqual(times(1), times(2), 'another seed is another link');
    const link = steady({ loss: 0.5 }, 2);
    const outs = Array.from({ length: 40 }, (_, connection) => link.pass(60, connection, connection).out);
    assert.ok(outs.some((out, index) => outs.slice(index + 1).some((later) => later < out)));
  });

  interface Sent {
    readonly at: number;
    readonly bytes: number;
    readonly left: number;
  }

  /** Whatever was handed in and left within a window fits into it at `rate` bytes a millisecond. */
  function assertWithin(rate: number, sent: readonly Sent[]): void {
    for (const { at: from } of sent) {
      for (const { left: to } of sent) {
        const inside = sent.filter(({ at, left }) => at >= from && left <= to);
        const bytes = inside.reduce((sum, message) => sum + message.bytes, 0);
        assert.ok(bytes <= Math.max(0, to - from) * rate + 1e-3, `${bytes} bytes from ${from} to ${to} ms`);
      }
    }
  }

  it('in no window does more pass than the bandwidth allows', () => {
    fc.assert(
      fc.property(world, (made) => {
        assertWithin(Math.max(...made.legs.map(({ bandwidth }) => bandwidth)) / 1000, play(made));
      }),
      { numRuns: 500 },
    );
  });

  it('which is seen where each connection has a queue of its own', () => {
    const links = [steady({ bandwidth: 1000 }), steady({ bandwidth: 1000 })];
    const sent = links.map((link) => ({ at: 0, bytes: 500, ...link.pass(500, 0) }));
    assert.throws(() => assertWithin(1, sent), /1000 bytes from 0 to 500 ms/u);
  });
});
