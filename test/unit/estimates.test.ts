import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  conditionsAt,
  DEPTH,
  observe,
  PRIOR,
  startEstimates,
  trust,
  type Estimates,
  type Observation,
  type RoundObservation,
} from '../../server/src/estimates.ts';
import { ACCEPTANCE_PRIOR } from '../../server/src/estimates/acceptance.ts';
import { NODE_PRIOR } from '../../server/src/estimates/node-time.ts';
import { seeded } from '../bench/policy/world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A round that took `rttMs` on the channel, sent at `sentAt`. */
function round(sentAt: number, rttMs: number, seen: Partial<RoundObservation> = {}): RoundObservation {
  const nodeSpentMs = seen.nodeSpentMs ?? 20;
  return {
    kind: 'round',
    at: sentAt + rttMs + nodeSpentMs,
    sentAt,
    bytesUp: 60,
    bytesDown: 40,
    sent: 0,
    drafted: 0,
    accepted: 0,
    more: 0,
    fresh: 0,
    source: 'neural',
    adapter: '',
    ...seen,
    nodeSpentMs,
    judgedMs: seen.judgedMs ?? nodeSpentMs,
  };
}

function after(observations: readonly Observation[], start: Estimates = startEstimates()): Estimates {
  return observations.reduce(observe, start);
}

function rounds(count: number, make: (index: number) => RoundObservation): RoundObservation[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function near(actual: number, expected: number, part: number, what = '') {
  assert.ok(
    Math.abs(actual - expected) <= part * expected,
    `${what} ${actual} is not within ${part} of ${expected}`,
  );
}

describe('the channel', () => {
  it('is the prior before anything was seen', () => {
    const { rttMs, verify, streamMs, draftMs, lengths, rounds } = conditionsAt(startEstimates(), '', 0);
    assert.deepEqual([rttMs, draftMs.neural, rounds], [PRIOR.rttMs, PRIOR.draftMs.neural, 0]);
    near(verify.fixedMs, NODE_PRIOR[0], 1e-6);
    near(streamMs, NODE_PRIOR[0], 1e-6);
    near(
      lengths.reduce((sum, share) => sum + share, 0),
      1,
      1e-9,
    );
  });

  it('has a round trip without the time that the node took', () => {
    const seen = rounds(12, (index) => round(index * 200, 50, { nodeSpentMs: 10 + 90 * (index % 2) }));
    near(conditionsAt(after(seen), '', 2600).rttMs, 50, 0.02);
  });

  it('is not moved by stalls of seconds, and counts them as losses', () => {
    const seen = rounds(60, (index) => round(index * 300, index % 10 === 7 ? 3000 : 50));
    const { rttMs, loss, lostMs } = conditionsAt(after(seen), '', 60 * 300);
    near(rttMs, 50, 0.05);
    near(loss, 0.08, 0.25);
    assert.ok(lostMs > 1500, String(lostMs));
  });

  for (const [from, to] of [
    [20, 200],
    [200, 3],
  ] as const) {
    it(`follows a step from ${from} to ${to} ms within ten rounds`, () => {
      const before = after(rounds(40, (index) => round(index * 300, from)));
      const seen = rounds(10, (index) => round(15_000 + index * 300, to));
      near(conditionsAt(after(seen, before), '', 18_000).rttMs, to, 0.1);
    });
  }

  it('is forgotten in a pause of minutes', () => {
    const seen = after(rounds(12, (index) => round(index * 300, 400)));
    const at = (pause: number) => conditionsAt(seen, '', 5000 + pause).rttMs;
    near(at(0), 400, 0.02);
    assert.ok(at(5 * MINUTE) < 350 && at(5 * MINUTE) > 200, String(at(5 * MINUTE)));
    near(at(20 * MINUTE), PRIOR.rttMs, 0.05);
  });

  it('tells its rates only from rounds big enough', () => {
    const small = rounds(12, (index) => round(index * 300, 50));
    const before = conditionsAt(after(small), '', 4000);
    near(before.upBytesPerMs, PRIOR.bytesPerMs, 1e-9);
    const big = round(4000, 50 + 100, { bytesUp: 20_000 });
    const now = conditionsAt(after([...small, big]), '', 4200);
    near(now.upBytesPerMs, 200, 0.5);
    near(now.downBytesPerMs, PRIOR.bytesPerMs, 1e-9);
    near(now.rttMs, 50, 0.05);
  });

  it('is measured by contexts sent ahead too, and by what is lost', () => {
    const syncs = Array.from({ length: 12 }, (_, index) => {
      const sentAt = index * 100;
      return { kind: 'sync', sentAt, at: sentAt + 75, nodeSpentMs: 5, bytesUp: 20, bytesDown: 8 } as const;
    });
    near(conditionsAt(after(syncs), '', 1300).rttMs, 70, 0.02);
    const lost = syncs.map(({ at }) => ({ kind: 'lost', at, waitedMs: 5000 }) as const);
    const { loss, lostMs } = conditionsAt(after([...syncs, ...lost]), '', 1300);
    assert.ok(loss > 0.2, String(loss));
    near(lostMs, 5000, 0.1);
  });
});

describe('the node', () => {
  const truth = { fixedMs: 30, judgeMs: 2, streamMs: 25 };
  /** Rounds with drafts of 0-16 tokens and now and then some writing on; one in `stalls` takes 4 s. */
  const work = (count: number, node: typeof truth, start = 0, stalls = Infinity) => {
    const chance = seeded(5);
    return rounds(count, (index) => {
      const sent = Math.floor(17 * chance());
      const more = chance() < 0.4 ? Math.floor(12 * chance()) : 0;
      const stalled = index % stalls === stalls - 1 ? 4000 : 0;
      const judgedMs = (node.fixedMs + node.judgeMs * sent) * (0.9 + 0.2 * chance()) + stalled;
      const nodeSpentMs = judgedMs + node.streamMs * more * (0.9 + 0.2 * chance());
      return round(start + index * 500, 20, { sent, more, judgedMs, nodeSpentMs });
    });
  };
  const check = (seen: Estimates, now: number, node: typeof truth, part: number) => {
    const { verify, streamMs } = conditionsAt(seen, '', now);
    near(verify.fixedMs, node.fixedMs, part, 'fixed');
    near(verify.tokenMs, node.judgeMs, 3 * part, 'per token judged');
    near(streamMs, node.streamMs, part, 'per token written');
  };

  it('is taken apart into what a round, a token judged and a token written cost', () =>
    check(after(work(80, truth)), 40_000, truth, 0.1));
  it('is not moved by stalls of seconds', () => check(after(work(80, truth, 0, 9)), 40_000, truth, 0.15));
  it('is followed within 30 rounds, of which 12 are written on, where it becomes four times slower', () => {
    const slower = { fixedMs: 120, judgeMs: 8, streamMs: 100 };
    check(after(work(30, slower, 40_000), after(work(80, truth))), 55_000, slower, 0.2);
  });
  it('has no cost below zero', () => {
    const odd = rounds(40, (index) =>
      round(index * 300, 20, { sent: index % 9, nodeSpentMs: 60 - 5 * (index % 9) }),
    );
    const { verify, streamMs } = conditionsAt(after(odd), '', 12_000);
    assert.equal(verify.tokenMs, 0);
    assert.ok(verify.fixedMs > 0 && streamMs >= 0);
  });
});

describe('acceptance', () => {
  /** Drafts of `length` tokens whose token k stands with probability `rates[k - 1]`. */
  const drafts = (count: number, length: (index: number) => number, rates: readonly number[], seed = 3) => {
    const chance = seeded(seed);
    return rounds(count, (index) => {
      const drafted = length(index);
      let accepted = 0;
      while (accepted < drafted && chance() < rates[accepted]!) accepted++;
      return round(index * 300, 20, { sent: drafted, drafted, accepted });
    });
  };
  const curve = (seen: Estimates, adapter = '') =>
    conditionsAt(seen, adapter, 100_000).acceptance.neural.standing;

  it('is counted by position, not assumed geometric', () => {
    const rates = [0.55, 0.95, 0.95, 0.6, 0.95, 0.95];
    const found = curve(after(drafts(400, () => 6, rates)));
    let standing = 1;
    for (const [index, rate] of rates.entries())
      near(found[index]!, (standing *= rate), 0.2, `F${index + 1}`);
    assert.ok(found[3]! / found[2]! < 0.75 && found[4]! / found[3]! > 0.85, found.join(' '));
  });

  it('of positions that were not drafted is not taken for a rejection', () => {
    const found = curve(after(drafts(300, () => 4, Array<number>(16).fill(0.9))));
    near(found[3]!, 0.9 ** 4, 0.1);
    near(found[7]!, 0.9 ** 8, 0.15);
  });

  it('does not depend on how the drafts were cut', () => {
    const rates = Array<number>(16).fill(0.85);
    const long = curve(after(drafts(400, () => 8, rates)));
    const mixed = curve(after(drafts(400, (index) => 1 + (index % 8), rates)));
    for (let k = 0; k < 6; k++) near(mixed[k]!, long[k]!, 0.15, `F${k + 1}`);
  });

  it('is near the pooled rate after few rounds', () => {
    const found = curve(after(drafts(2, () => 3, [1, 1, 1])));
    assert.ok(found[0]! > ACCEPTANCE_PRIOR.neural && found[0]! < 1, String(found[0]));
    assert.ok(found[15]! < found[0]!);
  });

  for (const [from, to] of [
    [0.93, 0.5],
    [0.5, 0.93],
  ] as const) {
    it(`follows a step from ${from} to ${to} within 20 rounds`, () => {
      const rates = (rate: number) => Array<number>(16).fill(rate);
      const before = after(drafts(150, () => 4, rates(from)));
      const curves = Array.from({ length: 20 }, (_, seed) =>
        curve(
          after(
            drafts(20, () => 4, rates(to), seed),
            before,
          ),
        ),
      );
      const mean = (k: number) => curves.reduce((sum, one) => sum + one[k - 1]!, 0) / curves.length;
      near(mean(1), to, 0.08, 'F1');
      near(mean(3), to ** 3, 0.35, 'F3');
    });
  }

  it('belongs to an adapter and a source; a new adapter is like those seen', () => {
    const bad = drafts(60, () => 4, Array<number>(4).fill(0.3));
    const seen = after(bad.map((one) => ({ ...one, adapter: 'a b' })));
    assert.ok(curve(seen, 'a b')[0]! < 0.45);
    assert.ok(curve(seen, 'other')[0]! < 0.65 && curve(seen, 'other')[0]! > curve(seen, 'a b')[0]!);
    assert.equal(conditionsAt(seen, 'a b', 0).acceptance.lookup.standing[0], ACCEPTANCE_PRIOR.lookup);
  });

  it('is known by how sure the source was, whatever it means by that', () => {
    // A source that is twice as often wrong as it says.
    const chance = seeded(5);
    const seen = rounds(400, (index) => {
      const sureness = Array.from({ length: 6 }, () => (chance() < 0.5 ? 0.96 : 0.4));
      const wrong = sureness.findIndex((sure) => chance() > (sure > 0.9 ? 0.92 : 0.2));
      const accepted = wrong === -1 ? 6 : wrong;
      return round(index * 300, 20, { sent: 6, drafted: 6, accepted, sureness });
    });
    const { neural } = conditionsAt(after(seen), '', 100_000).acceptance;
    near(trust(neural, 0.97), 0.92, 0.06);
    near(trust(neural, 0.35), 0.2, 0.4);
    // A sureness never seen is believed by half.
    assert.ok(trust(neural, 0.1) > 0.2 && trust(neural, 0.1) < neural.standing[0]!);
  });

  it('that is not tried any more has less and less evidence', () => {
    const tried = after(drafts(60, () => 4, Array<number>(4).fill(0.8)));
    const evidence = (seen: Estimates) => conditionsAt(seen, '', 20_000).acceptance.neural.evidence[0]!;
    const streamed = after(
      rounds(120, (index) => round(20_000 + index, 20)),
      tried,
    );
    near(evidence(streamed), evidence(tried) / 4, 0.02);
  });
});

it('lengths follow the completions', () => {
  const done = Array.from(
    { length: 80 },
    (_, index) => ({ kind: 'completion', at: index, tokens: 5 }) as const,
  );
  const { lengths } = conditionsAt(after(done), '', 0);
  assert.ok(lengths[4]! > 0.25 && lengths[4]! === Math.max(...lengths), String(lengths[4]));
  assert.ok(lengths[20]! > 0, 'no length is ruled out');
});

it('drafting speed is told by source', () => {
  const seen = [6, 7, 8].map(
    (ms) => ({ kind: 'drafting', at: 0, source: 'neural', tokens: 2, ms: 2 * ms, startMs: 30 }) as const,
  );
  const { draftMs, draftStartMs } = conditionsAt(after(seen), '', 0);
  near(draftStartMs, 30, 0.05);
  near(draftMs.neural, 7, 0.05);
  assert.equal(draftMs.lookup, PRIOR.draftMs.lookup);
});

describe('whatever is seen', () => {
  const source = fc.constantFrom('neural' as const, 'lookup' as const, 'memory' as const);
  const ms = fc.double({ min: 0, max: 1e5, noNaN: true });
  const count = fc.integer({ min: 0, max: 40 });
  const seen: fc.Arbitrary<Observation> = fc.oneof(
    fc
      .record({
        gap: ms,
        rttMs: ms,
        nodeSpentMs: ms,
        judgedMs: ms,
        bytes: fc.integer({ min: 0, max: 1e6 }),
        drafted: count,
        accepted: count,
        more: count,
        fresh: fc.integer({ min: 0, max: 500 }),
        source,
        adapter: fc.constantFrom('', 'a', 'b c'),
      })
      .map(({ gap, rttMs, bytes, accepted, ...rest }) =>
        round(gap, rttMs, {
          ...rest,
          sent: rest.drafted,
          bytesUp: bytes,
          accepted: Math.min(accepted, rest.drafted),
        }),
      ),
    fc.record({ kind: fc.constant('lost' as const), at: ms, waitedMs: ms }),
    fc.record({
      kind: fc.constant('drafting' as const),
      at: ms,
      source,
      tokens: count,
      ms,
      startMs: fc.option(ms),
    }),
    fc.record({
      kind: fc.constant('completion' as const),
      at: ms,
      tokens: fc.integer({ min: 1, max: 200 }),
    }),
  );

  it('conditions are finite and possible, and the state is plain data', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 60 }), ms, (observations, now) => {
        const estimates = after(observations);
        assert.deepEqual(JSON.parse(JSON.stringify(estimates)), estimates);
        assert.ok(JSON.stringify(estimates).length < 20_000);
        const found = conditionsAt(estimates, 'a', now);
        const { rttMs, loss, lostMs, verify, streamMs, draftMs, upBytesPerMs, lengths } = found;
        for (const value of [rttMs, loss, lostMs, ...Object.values(verify), streamMs, draftMs.neural])
          assert.ok(Number.isFinite(value) && value >= 0, String(value));
        assert.ok(loss < 1 && upBytesPerMs > 0);
        near(
          lengths.reduce((sum, share) => sum + share, 0),
          1,
          1e-9,
        );
        for (const { standing: curve, bands } of Object.values(found.acceptance)) {
          assert.ok(bands.every((rate) => rate > 0 && rate < 1));
          assert.equal(curve.length, DEPTH);
          curve.forEach((all, index) => assert.ok(all >= 0 && all <= (curve[index - 1] ?? 1) + 1e-12));
        }
      }),
      { numRuns: 200 },
    );
  });
});
