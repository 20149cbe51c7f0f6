import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Control, type Situation } from '../../server/src/control.ts';
import type { Offer } from '../../server/src/drafts.ts';
import type { Agreement } from '../../server/src/estimates.ts';

const neural: Offer = { source: 'neural', hand: [], writes: true, waitedMs: null };
const drafted = (count: number, sureness: number) =>
  Array.from({ length: count }, (_, token) => ({ token, sureness }));
const lookup: Offer = { source: 'lookup', hand: drafted(6, 0.5), writes: false, waitedMs: null };
const situation = (change: Partial<Situation> = {}): Situation => ({
  adapter: '',
  written: 0,
  offers: [neural],
  deadlineMs: 10_000,
  ...change,
});

/** A control that has seen `rounds` of each of these agreements, on a node and a channel of these times. */
function taught(agreements: readonly Omit<Agreement, 'adapter'>[], { rttMs = 20, nodeMs = 25 } = {}) {
  let clock = 0;
  const control = new Control({ now: () => clock, jPerHour: () => 36_000 });
  for (let round = 0; round < 60; round++) {
    for (const agreement of agreements) {
      clock += 100;
      const sentAt = clock - rttMs - nodeMs;
      const work = { sent: 4, more: round % 3, fresh: 0, bytesUp: 40, bytesDown: 20 };
      const nodeSpentMs = nodeMs * (1 + work.more);
      control.observe({
        kind: 'round',
        at: clock,
        sentAt: sentAt - nodeSpentMs + nodeMs,
        nodeSpentMs,
        judgedMs: nodeMs,
        ...work,
        adapter: '',
        ...agreement,
      });
    }
  }
  return control;
}

describe('control', () => {
  it('takes the source that gets further', () => {
    const good = { drafted: 4, accepted: 4 };
    const bad = { drafted: 4, accepted: 0 };
    const sureness = [0.5, 0.5, 0.5, 0.5];
    const offers = [neural, lookup];
    const chosen = (control: Control) => control.decide(situation({ offers })).offer.source;
    const learnt = (a: typeof good, b: typeof good) =>
      taught([
        { source: 'neural', ...a, sureness },
        { source: 'lookup', ...b, sureness },
      ]);
    assert.equal(chosen(learnt(bad, good)), 'lookup');
    assert.equal(chosen(learnt(good, bad)), 'neural');
  });

  it('goes on with a draft as long as it is sure enough by what sureness was worth', () => {
    // Sure tokens nearly always stood, unsure ones hardly ever.
    const control = taught([
      { source: 'neural', drafted: 4, accepted: 4, sureness: [0.999, 0.999, 0.999, 0.999] },
      { source: 'neural', drafted: 4, accepted: 2, sureness: [0.999, 0.999, 0.2, 0.999] },
    ]);
    const { plan, wanted } = control.decide(situation());
    assert.equal(plan.kind, 'speculate');
    const sure = drafted(3, 0.999);
    assert.ok(wanted(sure));
    assert.ok(!wanted([...sure, ...drafted(3, 0.2)]));
  });

  it('does not wait for a draft model that has much to read, unless it has read for long', () => {
    const control = taught([{ source: 'neural', drafted: 4, accepted: 4 }]);
    control.observe({ kind: 'drafting', at: 6000, source: 'neural', tokens: 4, ms: 8, startMs: 900 });
    const kindAfter = (waitedMs: number) =>
      control.decide(situation({ offers: [{ ...neural, waitedMs }] })).plan.kind;
    assert.deepEqual([kindAfter(0), kindAfter(890)], ['stream', 'speculate']);
  });

  it('takes no more of what is at hand than was planned', () => {
    const control = taught([{ source: 'lookup', drafted: 4, accepted: 4, sureness: [0.5, 0.5, 0.5, 0.5] }]);
    const { plan, wanted } = control.decide(situation({ offers: [lookup] }));
    assert.ok(plan.kind === 'speculate' && plan.draft <= 6);
    assert.ok(wanted(drafted(plan.draft - 1, 0.5)) && !wanted(drafted(plan.draft, 0.5)));
  });

  it('asks no node for what nobody will wait for, and says so', () => {
    const { plan, wanted } = taught([], {}).decide(situation({ deadlineMs: 5 }));
    assert.equal(plan.kind, 'draft-only');
    assert.match(plan.why, /ms expected, 5 left/);
    assert.ok(!wanted([]));
  });

  it('comes back after a bad quarter of an hour, though nothing was asked meanwhile', () => {
    let clock = 0;
    const control = new Control({ now: () => clock, jPerHour: () => 36_000 });
    for (let round = 0; round < 60; round++) {
      clock += 10_000;
      control.observe({ kind: 'lost', at: clock, waitedMs: 10_000 });
    }
    const kind = () => control.decide(situation({ deadlineMs: 400 })).plan.kind;
    assert.equal(kind(), 'draft-only');
    clock += 900_000;
    assert.notEqual(kind(), 'draft-only');
  });

  it('rests where no round can be worth its energy, before the budget is used up to the last', () => {
    const control = new Control({ now: () => 0, jPerHour: () => 900 });
    // A limit of 36 J: at 35 a joule costs more than a second and a half for each of the text's tokens.
    control.spend({ drafted: 0, rounds: 0, waitMs: 35_000 });
    assert.equal(control.decide(situation()).plan.kind, 'draft-only');
    assert.ok(control.rests);
  });

  it('leaves the node alone when the energy budget is used up, and comes back', () => {
    let clock = 0;
    const control = new Control({ now: () => clock, jPerHour: () => 900 });
    control.spend({ drafted: 2000, rounds: 100, waitMs: 10_000 });
    assert.equal(control.decide(situation()).plan.kind, 'draft-only');
    assert.ok(control.rests);
    // However much was spent at once, a minute's rest is enough for one more.
    clock = 60_000;
    assert.ok(!control.rests);
    assert.notEqual(control.decide(situation()).plan.kind, 'draft-only');
  });
});
