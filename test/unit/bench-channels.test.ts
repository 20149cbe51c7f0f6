/** The comparison of strategies: what they decide, what resting does, and how cells are made. */
import type { Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cellOf } from '../bench/channels/cells.ts';
import { momentsOver } from '../bench/channels/moments.ts';
import { reportOf } from '../bench/channels/report.ts';
import { figuresOf, workOf, type Work } from '../bench/rig/work.ts';
import { emptyTrace } from '../../server/src/trace.ts';
import { resting } from '../bench/channels/rest.ts';
import { POLICY, STRATEGIES, STREAM } from '../bench/channels/strategies.ts';
import type { Offer } from '../../server/src/drafts.ts';
import type { Verifier } from '../../server/src/verifier.ts';
import { FAKE, FakeEngine, fakeWrite } from '../support/fake-engine.ts';
import { roundOf } from '../support/verdict.ts';

const neural: Offer = { source: 'neural', hand: [], writes: true, waitedMs: null };
const drafted = (count: number) => Array.from({ length: count }, (_, token) => ({ token, sureness: 0.9 }));
const copied: Offer = { source: 'lookup', hand: drafted(12), writes: false, waitedMs: null };
const decide = (name: string, offers: readonly Offer[] = [copied, neural]) => {
  const control = STRATEGIES.find((strategy) => strategy.name === name)!.control({
    now: () => 0,
    jPerHour: () => 36_000,
  });
  return control.decide({ adapter: '', written: 0, offers, deadlineMs: Infinity });
};

describe('strategies', () => {
  for (const draft of [1, 4, 8, 16]) {
    it(`fixed K = ${draft} drafts as many with the draft model, and the node writes nothing on`, () => {
      const { plan, offer, wanted } = decide(`fixed K = ${draft}`);
      assert.deepEqual(plan.kind === 'speculate' && [plan.draft, plan.more], [draft, 0]);
      assert.equal(offer.source, 'neural');
      assert.deepEqual([wanted(drafted(draft - 1)), wanted(drafted(draft))], [true, false]);
    });
  }
  it('fixed K = 0 asks for each token, streaming for all of them', () => {
    for (const [name, more] of [
      ['fixed K = 0', 0],
      [STREAM, 48],
    ] as const) {
      const { plan, wanted } = decide(name);
      assert.deepEqual(plan.kind === 'stream' && plan.more, more);
      assert.equal(wanted([]), false);
    }
  });
  it('the policy may copy, and with the draft model alone it may not', () => {
    assert.equal(decide(POLICY).offer.source, 'lookup');
    assert.equal(decide('policy, draft model alone').offer.source, 'neural');
  });
  it('draft only never asks', () => assert.equal(decide('draft only').plan.kind, 'draft-only'));
});

describe('a draft that rests while the verifier is asked', () => {
  const context = [FAKE.prefix, 97, FAKE.middle];
  const own = fakeWrite(context, 20).filter((token) => token !== FAKE.end);
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
  };

  it('writes nothing meanwhile, and the same text in the end', async () => {
    const engine = new FakeEngine({ delay: () => new Promise(setImmediate) });
    const verdict = Promise.withResolvers<undefined>();
    const verifier: Verifier = {
      async *verify() {
        await verdict.promise;
        yield { accepted: 0, tokens: [1], nodeMs: 0, fresh: 0, bytesUp: 0, bytesDown: 0 };
      },
      sync: () => Promise.resolve(undefined),
    };
    const rested = resting(engine, verifier);
    const written: Token[] = [];
    const writing = (async () => {
      for await (const { token } of rested.engine.write({ context, limit: own.length })) written.push(token);
    })();
    while (written.length < 2) await turns(1);
    const asking = Array.fromAsync(
      rested.verifier.verify(roundOf({ context }), new AbortController().signal),
    );
    await turns(5);
    const before = written.length;
    await turns(50);
    assert.equal(written.length, before);
    assert.ok(before < own.length);
    verdict.resolve(undefined);
    await Promise.all([asking, writing]);
    assert.deepEqual(written, own);
  });

  it('ends with the reason of whoever stops it', async () => {
    const engine = new FakeEngine({ delay: () => new Promise(setImmediate) });
    const never: Verifier = { verify: () => new ReadableStream(), sync: () => Promise.resolve(undefined) };
    const { engine: rested } = resting(engine, never);
    const stop = new AbortController();
    const writing = Array.fromAsync(rested.write({ context, limit: 1000 }, stop.signal));
    await turns(3);
    stop.abort(new Error('typed on'));
    await assert.rejects(writing, /typed on/u);
  });
});

const work = (part: Partial<Work>): Work => ({
  roundBytes: [40],
  aheadBytes: 20,
  committed: 1,
  evaluations: 1,
  ...part,
});

describe('work', () => {
  it('counts an evaluation for a verdict and for each token written on, and every byte', () => {
    const part = { ms: 1, nodeMs: 1 };
    const parts = [
      { ...part, accepted: 3, tokens: 1 },
      { ...part, accepted: 0, tokens: 2 },
    ];
    const round = {
      source: 'neural',
      draft: 4,
      more: 2,
      why: '',
      startMs: 0,
      sentMs: 0,
      drafted: 4,
      parts,
    } as const;
    const trace = {
      ...emptyTrace(''),
      ahead: { ms: 1, nodeMs: 0, bytesUp: 7, bytesDown: 3 },
      rounds: [{ ...round, parts, bytesUp: 30, bytesDown: 12 }],
    };
    const one = workOf(trace);
    assert.deepEqual(one, { roundBytes: [42], aheadBytes: 10, committed: 6, evaluations: 3 });
    const { bytesAToken, evaluationsAToken, bytesARound, roundsEach } = figuresOf([one, one]);
    assert.deepEqual([bytesAToken, evaluationsAToken, bytesARound, roundsEach], [52 / 6, 0.5, 42, 1]);
  });
});

describe('cells', () => {
  const times = Object.fromEntries(
    STRATEGIES.map(({ name }) => [name, [100, 200, 300] as (number | null)[]]),
  );
  const cell = cellOf({
    model: 'backbone',
    roundTripMs: 20,
    times: { ...times, [POLICY]: [80, 160, null], 'fixed K = 4': [90, 160, 240] },
    work: {
      policy: [work({ committed: 9, evaluations: 3 })],
      stream: [work({ committed: 6, evaluations: 6 })],
    },
  });
  it('compare keystroke by keystroke, where both have a time', () => {
    assert.equal(cell.spreads[POLICY]!.count, 2);
    assert.deepEqual(cell.ofStream, { median: 0.8, low: 0.8, high: 0.8 });
  });
  it('compare with the fixed length that is best in the median', () => {
    assert.equal(cell.bestFixed, 'fixed K = 4');
    assert.ok(Math.abs(cell.ofBestFixed.median - (80 / 90 + 1) / 2) < 1e-9);
  });
  it('are shown with all strategies', () => {
    const results = { family: 'f', pinned: true, keystrokes: 3, lessons: 1, cells: [], summary: [cell] };
    const { text, charts } = reportOf(results, 'a machine');
    assert.match(text, /left 1 completions unverified/u);
    for (const { name } of STRATEGIES) assert.ok(text.includes(`| ${name} `), name);
    assert.match(text, /\| backbone \| +20 \| +1\.0 \| +40 \| +6\.7 \| +0\.33 \| +0\.33 \|/u);
    assert.match(text, /\| backbone \| +20 \| +120 \|.*0\.80 \(0\.80–0\.80\)/u);
    assert.deepEqual(
      charts.map(({ name }) => name),
      ['channels-backbone'],
    );
  });
});

describe('moments', () => {
  it('are keys of a line with something of it still to come, and the key before', () => {
    const text = Array.from({ length: 40 }, (_, line) => `const value${line} = compute();\n`).join('');
    const files = [{ package: 'p', path: 'a.ts', split: 'test' as const, text }];
    const moments = momentsOver([{ name: 'p', version: '1', files }], 12, 'test');
    assert.equal(moments.length, 12);
    for (const { before, at } of moments) {
      assert.equal(at.key, 'typed');
      assert.equal(at.offset, before.offset + 1);
      assert.ok(at.text.length < text.length);
    }
  });
});
