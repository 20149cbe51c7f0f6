import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conditionsAt, DEPTH, startEstimates, type Conditions } from '../../server/src/estimates.ts';
import {
  choose,
  refill,
  spend,
  wantedAfter,
  worthDrafting,
  type Demand,
  type EnergyBudget,
  type Plan,
} from '../../server/src/policy.ts';
import { oracle } from '../bench/policy/oracle.ts';
import { between, geometric, type World } from '../bench/policy/world.ts';

interface Parameters {
  readonly rttMs: number;
  readonly draftMs: number;
  readonly fixedMs: number;
  readonly judgeMs: number;
  readonly streamMs: number;
  /** P(token k stands | all before it do). */
  readonly rates: readonly number[];
  readonly lengths: readonly number[];
  readonly rounds: number;
}

const OFFICE: Parameters = {
  rttMs: 20,
  draftMs: 3,
  fixedMs: 14,
  judgeMs: 1,
  streamMs: 13,
  rates: geometric(0.85),
  lengths: between(4, 24),
  // Not one that explores.
  rounds: 1,
};

/** Conditions that are known exactly. */
function known(change: Partial<Parameters> = {}): Conditions {
  const { rttMs, draftMs, fixedMs, judgeMs, streamMs, rates, lengths, rounds } = { ...OFFICE, ...change };
  let all = 1;
  const certain = Array<number>(DEPTH).fill(1000);
  const like = { standing: rates.map((rate) => (all *= rate)), evidence: certain, bands: [] };
  return {
    ...conditionsAt(startEstimates(), '', 0),
    rttMs,
    loss: 0,
    upBytesPerMs: Infinity,
    downBytesPerMs: Infinity,
    draftStartMs: 0,
    draftMs: { neural: draftMs, lookup: 0, memory: 0 },
    verify: { fixedMs, tokenMs: judgeMs },
    streamMs,
    streamKnown: true,
    acceptance: { neural: like, lookup: like, memory: like },
    lengths,
    rounds,
  };
}

function wants(change: Partial<Demand> = {}): Demand {
  return {
    source: 'neural',
    wanted: OFFICE.lengths,
    hand: [],
    delayMs: 0,
    longest: DEPTH,
    overlap: false,
    deadlineMs: Infinity,
    ...change,
  };
}

function draftOf(plan: Plan): number {
  return plan.kind === 'speculate' ? plan.draft : 0;
}

function msOf(plan: Plan): number {
  assert.ok(plan.kind !== 'draft-only', plan.why);
  return plan.expectedMs;
}

const parameters: fc.Arbitrary<Parameters> = fc.record({
  rttMs: fc.double({ min: 0, max: 300, noNaN: true }),
  draftMs: fc.double({ min: 0.5, max: 12, noNaN: true }),
  fixedMs: fc.double({ min: 1, max: 60, noNaN: true }),
  judgeMs: fc.double({ min: 0, max: 8, noNaN: true }),
  streamMs: fc.double({ min: 2, max: 60, noNaN: true }),
  rates: fc.array(fc.double({ min: 0.05, max: 0.99, noNaN: true }), { minLength: DEPTH, maxLength: DEPTH }),
  lengths: fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 }))
    .map(([least, width]) => between(least, least + width)),
  rounds: fc.constant(1),
});

function worldOf(true_: Parameters): World {
  return { ...true_, acceptance: true_.rates, jitter: 0, stall: 0, overlap: false, ghost: false };
}

describe('choose', () => {
  it('is the best that a brute-force search finds, within 1 %, whatever the parameters', () => {
    fc.assert(
      fc.property(parameters, (given) => {
        const ms = msOf(choose(known(given), wants({ wanted: given.lengths })));
        const best = oracle(worldOf(given)).expectedMs;
        assert.ok(ms > best * 0.9999 && ms < best * 1.01, `${ms} for ${best}`);
      }),
      { numRuns: 120 },
    );
  });

  it('is never slower than streaming, nor than any fixed draft length', () => {
    fc.assert(
      fc.property(parameters, fc.integer({ min: 1, max: DEPTH }), (given, K) => {
        const ms = msOf(choose(known(given), wants({ wanted: given.lengths })));
        const limit = given.lengths.length;
        const only = (allowed: Parameters_<typeof oracle>[1]) => oracle(worldOf(given), allowed).expectedMs;
        assert.ok(ms <= 1.01 * only(({ draft, more }, t) => draft === 0 && more === limit - t));
        assert.ok(ms <= 1.01 * only(({ draft, more }, t) => draft === Math.min(K, limit - t) && more === 0));
      }),
      { numRuns: 60 },
    );
  });

  it('does not wait for a draft that begins late', () => {
    const late = choose(known(), wants({ delayMs: 500 }));
    assert.equal(late.kind, 'stream', late.why);
    // The longer it takes to begin, the more it should be worth; it never gets better by that.
    const times = [0, 5, 10, 20].map((delayMs) => msOf(choose(known(), wants({ delayMs }))));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('has nobody who waits: the draft alone', () => {
    assert.equal(choose(known({ rttMs: 500 }), wants({ deadlineMs: 400 })).kind, 'draft-only');
    assert.notEqual(choose(known({ rttMs: 100 }), wants({ deadlineMs: 400 })).kind, 'draft-only');
  });

  it('streams where the draft is of no use, is slow, or the channel is long and the node fast', () => {
    const streams = (given: Partial<Parameters>) => choose(known(given), wants()).kind === 'stream';
    assert.ok(streams({ rates: geometric(0.05) }));
    assert.ok(streams({ draftMs: 30 }));
    assert.ok(streams({ streamMs: 1, fixedMs: 2 }));
    assert.ok(!streams({}));
  });

  it('pays the round trip once where it is long: drafts, and has the node write the rest', () => {
    const plan = choose(known({ rttMs: 200 }), wants());
    assert.ok(plan.kind === 'speculate' && plan.more >= 20, plan.why);
    const near = choose(known({ rttMs: 1, streamMs: 30, fixedMs: 30 }), wants());
    assert.ok(near.kind === 'speculate' && near.more === 0, near.why);
  });

  // A node that never writes on, and a long text: the setting of arXiv 2606.20591.
  const endless = { streamMs: 1e6, lengths: between(48, 48) };
  const drafts = (change: Partial<Parameters>) =>
    draftOf(choose(known({ ...endless, ...change }), wants({ wanted: endless.lengths })));

  it('drafts further the longer the round trip, but only a little', () => {
    const found = [1, 5, 20, 50, 100, 200].map((rttMs) => drafts({ rttMs, rates: geometric(0.8) }));
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
    assert.ok(found[0]! >= 2 && found.at(-1)! > found[0]! && found.at(-1)! <= 16, found.join(' '));
  });

  it('drafts as far as Dinkelbach’s rule says where the text does not end soon', () => {
    // c_d 8, c_v 30 + 1 K, a = .8 (papers.md B2: K* = 3, 3, 4, 5, 7, 9 there), ± 1 for the end of the text.
    const expected = [3, 3, 4, 5, 7, 9];
    const found = [1, 5, 20, 50, 100, 200].map((rttMs) =>
      drafts({ rttMs, draftMs: 8, fixedMs: 31, rates: geometric(0.8) }),
    );
    found.forEach((draft, index) => assert.ok(Math.abs(draft - expected[index]!) <= 1, found.join(' ')));
  });

  it('drafts further the better the draft', () => {
    const found = [0.5, 0.7, 0.85, 0.93].map((rate) => drafts({ rates: geometric(rate) }));
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
  });

  it('stops before a position that never stands, whatever comes after it', () => {
    const rates = [0.95, 0.95, 0.02, ...Array<number>(13).fill(0.95)];
    assert.equal(drafts({ rates }), 2);
  });

  it('never drafts what cannot be wanted', () => {
    fc.assert(
      fc.property(parameters, (given) => {
        const plan = choose(known(given), wants({ wanted: given.lengths }));
        assert.ok(draftOf(plan) <= given.lengths.length);
      }),
    );
  });

  it('takes what is at hand for free', () => {
    const slow = known({ draftMs: 13 });
    assert.ok(
      draftOf(choose(slow, wants({ hand: Array<number>(8).fill(0.85) }))) > draftOf(choose(slow, wants())),
    );
  });

  it('counts on what is drafted while it waits', () => {
    const given = { ...endless, rttMs: 60, rates: geometric(0.95) };
    const alone = choose(known(given), wants({ wanted: endless.lengths }));
    const ahead = choose(known(given), wants({ wanted: endless.lengths, overlap: true }));
    assert.ok(msOf(ahead) < 0.95 * msOf(alone), `${msOf(ahead)} ${msOf(alone)}`);
  });

  it('says why, with the figures', () => {
    assert.match(
      choose(known(), wants()).why,
      /^neural K \d+ m \d+: \d+ ms of \d+ streamed; rtt 20, draft 3\.0, /,
    );
  });

  it('is fast enough to be asked before every round', () => {
    const asked = Array.from({ length: 20 }, (_, index) => {
      const started = performance.now();
      choose(known({ rttMs: index }), wants({ wanted: between(1, 48) }));
      return performance.now() - started;
    });
    assert.ok(Math.min(...asked) < 5, asked.join(' '));
  });
});

describe('worthDrafting', () => {
  it('stops where the plan stops, if the draft is as sure as the curve', () => {
    const rate = fc.double({ min: 0.2, max: 0.97, noNaN: true });
    fc.assert(
      fc.property(rate, fc.integer({ min: 0, max: 200 }), fc.boolean(), (sure, rttMs, overlap) => {
        const plan = choose(known({ rates: geometric(sure), rttMs }), wants({ overlap }));
        const value = (k: number) => (worthDrafting(plan, k, sure ** (k - 1)) ? 1 : 0);
        // The gains need not fall from each token to the next: with overlap a longer draft may pay where the next does not.
        if (draftOf(plan) > 0) assert.equal(value(draftOf(plan)), 1, plan.why);
        if (draftOf(plan) < DEPTH) assert.equal(value(draftOf(plan) + 1), 0, plan.why);
      }),
    );
  });

  it('goes on while the draft is sure, and stops once it is not', () => {
    const plan = choose(known(), wants());
    assert.ok(worthDrafting(plan, draftOf(plan) + 2, 1));
    assert.ok(!worthDrafting(plan, 2, 0.05));
    assert.ok(!worthDrafting(plan, DEPTH + 1, 1));
    assert.ok(!worthDrafting({ kind: 'draft-only', why: '' }, 1, 1));
  });
});

describe('exploring', () => {
  // Too slow a node to be left to write, as far as is known.
  const slow = (rounds: number, streamKnown: boolean, rttMs = 3): Conditions => ({
    ...known({ rounds, rttMs, streamMs: 60 }),
    streamKnown,
  });

  it('has a node write now and then where that was not seen lately, at 1 % of the time at most', () => {
    for (const rttMs of [3, 8]) {
      const base = choose(slow(1, true, rttMs), wants());
      assert.ok(base.kind !== 'draft-only' && base.more === 0, base.why);
      let tried = 0;
      for (let rounds = 0; rounds < 2000; rounds++) {
        const plan = choose(slow(rounds, false, rttMs), wants());
        assert.ok(plan.kind !== 'draft-only');
        assert.equal(draftOf(plan), draftOf(base));
        tried += plan.more;
      }
      assert.ok(tried >= 8, `tried ${tried}`);
      assert.ok(tried * 60 <= 0.011 * 2000 * msOf(base), `${tried * 60} of ${2000 * msOf(base)}`);
    }
  });

  it('does not try what is known', () => {
    for (let rounds = 0; rounds < 200; rounds++) {
      const plan = choose(slow(rounds, true), wants());
      assert.ok(plan.kind !== 'draft-only' && plan.more === 0);
    }
  });
});

describe('energy', () => {
  const costs = { draftTokenJ: 0.03, roundJ: 0.3, waitJPerS: 1 };
  const budget = (backlogJ: number): EnergyBudget => ({ backlogJ, jPerHour: 1000, at: 0 });
  const plan = (backlogJ: number, given = known({ rttMs: 3, streamMs: 30, fixedMs: 30 })) =>
    choose(given, wants(), { budget: budget(backlogJ), costs });

  it('changes nothing while the budget is kept', () => {
    const given = known();
    assert.deepEqual(choose(given, wants(), { budget: budget(0), costs }), choose(given, wants()));
  });

  it('makes fewer rounds the longer the queue, and none at its end', () => {
    const more = [0, 15, 30].map((backlogJ) => {
      const found = plan(backlogJ);
      return found.kind === 'draft-only' ? Infinity : found.more;
    });
    assert.ok(more[0]! < more[2]!, more.join(' '));
    assert.equal(plan(39.9).kind, 'draft-only');
    assert.equal(plan(60).kind, 'draft-only');
  });

  it('is refilled by time, and saves nothing up', () => {
    const spent = spend(budget(0), 10);
    assert.equal(refill(spent, 18_000).backlogJ, 5);
    assert.deepEqual(refill(spent, 3_600_000), { backlogJ: 0, jPerHour: 1000, at: 3_600_000 });
    assert.equal(refill({ ...spent, at: 5000 }, 4000).backlogJ, 10);
  });
});

it('wantedAfter is what is left of the lengths', () => {
  assert.deepEqual(wantedAfter([0.5, 0.25, 0.25], 1), [0.5, 0.5]);
  const beyond = wantedAfter([1], 3);
  assert.ok(beyond.length > 0 && Math.abs(beyond.reduce((a, b) => a + b, 0) - 1) < 1e-9);
});

type Parameters_<F extends (...args: never[]) => unknown> = F extends (...args: infer A) => unknown
  ? A
  : never;
