import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantile } from '../bench/statistics.ts';
import { chance } from '../../evaluation/src/random.ts';
import { Seats, type SeatsOptions } from '../../edge-node/src/seats.ts';

const OPTIONS = { count: 2, idleMs: 100, tenureMs: 1000, soonMs: 50, readMs: 200 };

/** Seats, and who asks for one with a request that is answered `ms` later. */
function around(options: Partial<SeatsOptions> = {}) {
  const seats = new Seats({ ...OPTIONS, ...options });
  const ask = (who: string, now: number, ms = 0) => {
    const sitting = seats.take(who, now);
    sitting?.answered(now + ms);
    sitting?.done(now + ms);
    return sitting !== undefined;
  };
  return { seats, ask };
}

describe('seats', () => {
  it('are taken by who comes first, and kept by who goes on', () => {
    const { ask } = around();
    assert.deepEqual(
      ['a', 'b', 'c', 'a'].map((who) => ask(who, 0)),
      [true, true, false, true],
    );
    for (let now = 50; now <= 950; now += 50)
      assert.deepEqual([ask('a', now), ask('b', now), ask('c', now)], [true, true, false]);
  });

  it('are free when their holder pauses', () => {
    const { ask } = around();
    ask('a', 0);
    ask('b', 0);
    ask('a', 60);
    assert.equal(ask('c', 100), false);
    assert.equal(ask('c', 101), true, 'of b');
    assert.equal(ask('b', 102), false);
    assert.equal(ask('a', 103), true);
  });

  it('are not lost by a request that takes long', () => {
    const { seats, ask } = around();
    ask('b', 0);
    const long = seats.take('a', 0)!;
    long.answered(100);
    assert.equal(ask('c', 301), true, 'of b');
    assert.equal(ask('d', 390), false);
    long.done(500);
    long.done(501);
    assert.equal(ask('d', 501), true, 'of c');
    assert.equal(ask('e', 600), false, 'the pause begins when the request is done');
    assert.equal(ask('e', 601), true, 'of a');
  });

  it('are free at once when the conversation is over', () => {
    const { seats, ask } = around({ count: 1 });
    const under = seats.take('a', 0)!;
    assert.equal(ask('b', 1), false);
    seats.leave('a');
    assert.equal(ask('b', 1), true);
    under.answered(2);
    under.done(2);
    assert.equal(ask('b', 3), true, 'what was under way changes nothing for others');
  });

  it('are given to one whose prompt is read, until it is known how long that takes', () => {
    const { seats } = around({ count: 10 });
    const here = [1, 2, 3];
    const there = [1, 7, 8];
    const a = seats.take('a', 0, here)!;
    assert.equal(seats.take('b', 0), undefined, 'the prompt of a is read');
    a.answered(50);
    const [b, c, d] = ['b', 'c', 'd'].map((who) => seats.take(who, 50));
    assert.ok(b && c && d, 'the fourth would wait for 200 ms');
    const e = seats.take('e', 50)!;
    assert.equal(seats.take('f', 50), undefined);
    assert.ok(seats.take('a', 50, [...here, 4]), 'a has a prompt that is read');
    assert.equal(seats.take('a', 50, there), undefined, 'a has gone to another place');
    assert.equal(seats.take('a', 50, there), undefined, 'which was not read when it was refused');
    b.done(60);
    assert.ok(seats.take('a', 60, there), 'b has typed on');
    c.answered(100);
    d.answered(150);
    e.answered(850);
    assert.ok(seats.take('f', 850), 'a’s alone is read');
    assert.equal(seats.take('g', 850), undefined, 'three take longer than 200 ms as was measured');
  });

  it('become fewer where answers come late, down to two, and more again where they do not', () => {
    const { seats, ask } = around({ count: 8, tenureMs: Infinity });
    const people = Array.from('abcdefgh');
    let now = 0;
    const round = (ms: number) => people.filter((who) => ask(who, (now += 5), ms)).join('');
    assert.equal(round(10), 'abcdefgh');
    assert.equal(round(51), 'abcde', 'each that is late takes 0.45');
    for (let turn = 0; turn < 20; turn++) round(1000);
    assert.equal(seats.limit, 2);
    assert.equal(round(20), 'ab', 'who sits longest stays');
    for (let turn = 0; turn < 200; turn++) round(20);
    assert.equal(round(20), 'abcdefgh');
  });

  it('count what was given up as late, where it was', () => {
    const { seats } = around({ count: 4 });
    const giveUp = (ms: number) => {
      const sitting = seats.take('a', 0)!;
      sitting.done(ms);
      return seats.limit;
    };
    seats.take('a', 0)!.answered(0);
    const warm = seats.take('a', 0)!;
    warm.answered(1);
    assert.equal(giveUp(50), 4);
    assert.equal(giveUp(51), 3);
    assert.equal(giveUp(10), 3);
  });

  for (const [stepMs, least, most] of [
    [2, 28, 32],
    [20, 12, 24],
    [40, 5, 12],
  ] as const) {
    it(`are as many as are answered in time by a machine that takes ${stepMs} ms for each at once`, () => {
      const random = chance('seats');
      const { seats, answers, limits } = office(stepMs, random);
      const warm = answers.slice(answers.length >> 1);
      assert.ok(quantile(warm, 0.9) < 300, `${quantile(warm, 0.9)} ms at 90 %`);
      const mean = limits.reduce((sum, limit) => sum + limit, 0) / limits.length;
      assert.ok(mean >= least && mean <= most, `${mean} seats, ${seats.limit} at the end`);
    });
  }

  it('go round after a while, from who sits longest', () => {
    const { ask } = around();
    const busy = ['a', 'b', 'c', 'd'];
    const served = new Map(busy.map((who) => [who, 0]));
    let changes = 0;
    let before = '';
    for (let now = 0; now < 20_000; now += 20) {
      const sitting = busy.filter((who) => ask(who, now));
      for (const who of sitting) served.set(who, served.get(who)! + 1);
      if (sitting.join() !== before) changes++;
      before = sitting.join();
    }
    const counts = [...served.values()];
    assert.ok(Math.min(...counts) > 0.6 * Math.max(...counts), counts.join());
    assert.ok(changes < 90, `${changes} changes`);
  });
});

/**
 * Forty people who ask again 100 to 300 ms after each answer, or refusal, for a minute, of a machine on which every
 * request takes `stepMs` for each that is under way when it begins.
 */
function office(stepMs: number, random: () => number) {
  const seats = new Seats({ count: 32, idleMs: 3000, tenureMs: 30_000, soonMs: 250, readMs: 1000 });
  const answers: number[] = [];
  const limits: number[] = [];
  const events: { at: number; run: (at: number) => void }[] = [];
  const pause = () => 100 + 200 * random();
  let under = 0;
  const ask = (who: string) => (at: number) => {
    const sitting = seats.take(who, at);
    if (!sitting) {
      events.push({ at: at + pause(), run: ask(who) });
      return;
    }
    const ms = stepMs * ++under;
    const run = (end: number) => {
      under--;
      sitting.answered(end);
      sitting.done(end);
      answers.push(ms);
      limits.push(seats.limit);
      events.push({ at: end + pause(), run: ask(who) });
    };
    events.push({ at: at + ms, run });
  };
  for (let person = 0; person < 40; person++) events.push({ at: pause(), run: ask(`person ${person}`) });
  for (let at = 0; at < 60_000;) {
    events.sort((one, two) => one.at - two.at);
    const next = events.shift()!;
    at = next.at;
    next.run(at);
  }
  return { seats, answers, limits: limits.slice(limits.length >> 1) };
}
