import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyTrace, readTrace, reportOf, timeline, type CompletionTrace } from '../../server/src/trace.ts';

/** Two rounds: of eight drafted tokens three stand; then the target writes on in two parts. */
const trace: CompletionTrace = {
  ...emptyTrace('blue'),
  context: 431,
  leading: 2,
  promptMs: 1.5,
  draftMs: 12,
  verifiedMs: 71,
  drafted: 9,
  endMs: 71.5,
  outcome: 'done',
  rounds: [
    {
      source: 'neural',
      draft: 8,
      more: 0,
      why: 'fixed',
      startMs: 2,
      sentMs: 10,
      drafted: 8,
      bytesUp: 44,
      bytesDown: 14,
      parts: [{ ms: 40, nodeMs: 9, accepted: 3, tokens: 1 }],
    },
    {
      source: null,
      draft: 0,
      more: 4,
      why: 'streaming is faster',
      startMs: 41,
      sentMs: 41,
      drafted: 0,
      bytesUp: 21,
      bytesDown: 30,
      parts: [
        { ms: 61, nodeMs: 5, accepted: 0, tokens: 1 },
        { ms: 70, nodeMs: 9, accepted: 0, tokens: 2 },
      ],
    },
  ],
};

describe('reportOf', () => {
  it('sums up a verified completion', () => {
    assert.deepEqual(reportOf(trace, 'speculated'), {
      path: 'speculated',
      rounds: 2,
      drafted: 8,
      accepted: 3,
      committed: 7,
      firstTextMs: 12,
      verifiedMs: 71,
      unverified: null,
      bytesUp: 65,
      bytesDown: 44,
      adapter: 'blue',
    });
  });

  it('of a draft says nothing of the target', () => {
    const { drafted, rounds, adapter, verifiedMs, firstTextMs } = reportOf(trace, 'draft');
    assert.deepEqual([drafted, rounds, adapter, verifiedMs, firstTextMs], [9, 0, null, null, 12]);
  });

  it('counts the target as the first text where it was first', () => {
    assert.equal(reportOf({ ...trace, draftMs: null }, 'speculated').firstTextMs, 71);
    assert.equal(reportOf(emptyTrace(''), 'draft').firstTextMs, null);
  });
});

describe('timeline', () => {
  it('has a line for all that happened, in that order, with node and channel apart', () => {
    assert.deepEqual(timeline(trace), [
      'adapter blue, 2 rounds',
      '      1.5 ms  prompt: 431 tokens, 2 taken back',
      '      2.0 ms  round 1: neural draft of 8 (fixed)',
      '     10.0 ms  round 1: 8 drafted tokens sent',
      '     12.0 ms  local draft: 9 tokens',
      '     40.0 ms  round 1: 3 accepted, 1 of the target; node 9.0 ms, channel 21.0 ms, 44 B up, 14 B down',
      '     41.0 ms  round 2: no draft, 4 more from the target (streaming is faster)',
      '     41.0 ms  round 2: 0 drafted tokens sent',
      '     61.0 ms  round 2: 0 accepted, 1 of the target; node 5.0 ms, channel 15.0 ms, 21 B up, 30 B down',
      '     70.0 ms  round 2: 2 more',
      '     71.0 ms  verified',
      '     71.5 ms  end',
    ]);
  });

  it('says why there was no further round', () => {
    const last = timeline({ ...trace, verifiedMs: null, unverified: 'energy budget used up' }).slice(-2);
    assert.deepEqual(last, ['     71.5 ms  no further round: energy budget used up', '     71.5 ms  end']);
  });

  it('leaves out what did not happen', () => {
    assert.deepEqual(timeline({ ...emptyTrace(''), promptMs: 1, context: 1, endMs: 2 }), [
      'adapter none, 0 rounds',
      '      1.0 ms  prompt: 1 token',
      '      2.0 ms  end: nobody waited any more',
    ]);
  });
});

it('readTrace reads what was stored and nothing else', () => {
  const stored = { time: '2026-11-21T08:00:00.000Z', family: 'f', ...trace };
  assert.deepEqual(readTrace(JSON.stringify(stored)), stored);
  for (const line of ['', '{', '{}', '7', 'null', '{"time": 1, "rounds": []}'])
    assert.equal(readTrace(line), undefined);
});
