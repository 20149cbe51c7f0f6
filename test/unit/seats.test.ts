import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Seats } from '../../edge-node/src/seats.ts';

const OPTIONS = { count: 2, idleMs: 100, tenureMs: 1000, newcomers: 2 };

/** Seats, and who asks for one with a request that is done at once. */
function around() {
  const seats = new Seats(OPTIONS);
  const ask = (who: string, now: number) => {
    const taken = seats.take(who, now);
    if (taken) seats.done(who, now);
    return taken;
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
    seats.take('a', 0);
    ask('b', 0);
    assert.equal(ask('c', 301), true, 'of b');
    assert.equal(ask('d', 390), false);
    seats.done('a', 500);
    assert.equal(ask('d', 501), true, 'of c');
    assert.equal(ask('e', 600), false, 'the pause begins when the request is done');
    seats.done('nobody', 601);
    assert.equal(ask('e', 601), true, 'of a');
  });

  it('are given to so many newcomers at a time', () => {
    const seats = new Seats({ ...OPTIONS, count: 10 });
    assert.deepEqual(
      ['a', 'b', 'c'].map((who) => seats.take(who, 0)),
      [true, true, false],
      'their prompts have to be read',
    );
    seats.done('a', 10);
    assert.equal(seats.take('c', 10), true);
    seats.take('a', 11);
    assert.equal(seats.take('d', 11), false, 'b and c are new');
    seats.done('b', 12);
    assert.equal(seats.take('d', 12), true, 'a is not');
    assert.equal(seats.take('a', 13, true), false, 'a has gone to another place');
    assert.equal(seats.take('a', 13), true);
  });

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
