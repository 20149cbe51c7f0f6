import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Snooze } from '../../extension/src/snooze.ts';

const MINUTE = 60_000;

/** A clock that stands until it is told to go; `asleep` lets time pass without timers. */
class ManualClock {
  time = 1_000_000;
  timers: { at: number; run: () => void }[] = [];

  readonly now = () => this.time;
  readonly after = (ms: number, run: () => void) => {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  };

  pass(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { run } of due) run();
  }

  asleep(ms: number): void {
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
    snooze.start(100_000);
    assert.deepEqual([snooze.until, clock.timers.length], [clock.time + 100_000 * MINUTE, 0]);
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

  it('is over when the machine wakes up late', () => {
    snooze.start(5);
    snooze.review();
    clock.asleep(60 * MINUTE);
    assert.equal(changes.length, 1);
    snooze.review();
    snooze.review();
    assert.deepEqual([changes.length, changes[1], clock.timers.length], [2, null, 0]);
  });

  it('leaves no timer behind when the extension goes', () => {
    snooze.start(5);
    snooze.dispose();
    assert.deepEqual([clock.timers.length, changes.length], [0, 1]);
  });
});
