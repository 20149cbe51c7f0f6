import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Snooze } from '../../extension/src/snooze.ts';

const MINUTE = 60_000;

/** A clock that stands until it is told to go; `slept` lets time pass, or turns it back, while timers stand still. */
class ManualClock {
  time = 1_000_000;
  timers: { left: number; run: () => void }[] = [];

  readonly now = () => this.time;
  readonly after = (ms: number, run: () => void) => {
    const timer = { left: ms, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  };

  pass(ms: number): void {
    for (let left = ms; left > 0;) {
      const step = Math.min(left, ...this.timers.map((timer) => timer.left));
      left -= step;
      this.time += step;
      for (const timer of this.timers) timer.left -= step;
      const due = this.timers.filter((timer) => timer.left <= 0);
      this.timers = this.timers.filter((timer) => timer.left > 0);
      for (const { run } of due) run();
    }
  }

  slept(ms: number): void {
    this.time += ms;
  }
}

describe('a snooze', () => {
  let clock: ManualClock;
  let changes: (number | null)[];
  let snooze: Snooze;
  beforeEach(() => {
    clock = new ManualClock();
    changes = [];
    snooze = new Snooze(clock, () => changes.push(snooze.until));
  });

  it('ends by itself after its minutes, and says so both times', () => {
    const end = clock.time + 5 * MINUTE;
    snooze.start(5);
    clock.pass(5 * MINUTE - 1);
    assert.deepEqual(changes, [end]);
    clock.pass(1);
    assert.deepEqual(changes, [end, null]);
    assert.deepEqual(clock.timers, []);
  });

  it('gets another end, and the first one does not count any more', () => {
    snooze.start(5);
    snooze.start(60);
    clock.pass(5 * MINUTE);
    assert.equal(snooze.until, clock.time + 55 * MINUTE);
    assert.equal(changes.length, 2);
  });

  it('until the restart has no end and no timer', () => {
    snooze.start(Infinity);
    assert.deepEqual([snooze.until, clock.timers.length], [Infinity, 0]);
  });

  it('for longer than a timer can count does not end at once', () => {
    const end = clock.time + 100_000 * MINUTE;
    snooze.start(100_000);
    // A timer for longer than this ends at once.
    assert.ok(clock.timers.every(({ left }) => left < 2 ** 31));
    clock.pass(60 * MINUTE);
    assert.equal(snooze.until, end);
  });

  for (const minutes of [0, -5, NaN]) {
    it(`of ${minutes} minutes ends one, and changes nothing where there is none`, () => {
      snooze.start(minutes);
      assert.deepEqual(changes, []);
      snooze.start(5);
      snooze.start(minutes);
      assert.deepEqual([snooze.until, changes.length, clock.timers.length], [null, 2, 0]);
    });
  }

  it('is over when somebody looks after its time, however long the machine slept', () => {
    snooze.start(5);
    snooze.review();
    clock.slept(60 * MINUTE);
    assert.equal(changes.length, 1);
    snooze.review();
    snooze.review();
    assert.deepEqual([changes.length, changes[1], clock.timers.length], [2, null, 0]);
  });

  it('is over within a minute after the machine woke up, though nobody looks', () => {
    snooze.start(60);
    clock.pass(10 * MINUTE);
    clock.slept(45 * MINUTE);
    clock.pass(4 * MINUTE);
    assert.equal(changes.length, 1);
    clock.pass(MINUTE);
    assert.deepEqual(changes.slice(1), [null]);
    clock.slept(60 * MINUTE);
    snooze.start(15);
    clock.slept(20 * MINUTE);
    clock.pass(MINUTE);
    assert.deepEqual([changes.length, changes.at(-1), clock.timers.length], [4, null, 0]);
  });

  it('does not end before its time where the clock is turned back', () => {
    const end = clock.time + 5 * MINUTE;
    snooze.start(5);
    clock.slept(-3 * MINUTE);
    clock.pass(6 * MINUTE);
    assert.deepEqual([snooze.until, changes.length], [end, 1]);
    clock.pass(2 * MINUTE);
    assert.deepEqual([snooze.until, changes.length], [null, 2]);
  });

  it('leaves no timer behind when the extension goes', () => {
    snooze.start(5);
    snooze.dispose();
    assert.deepEqual([clock.timers.length, changes.length], [0, 1]);
  });
});
