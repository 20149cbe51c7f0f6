/** Time that is made up: nothing here takes any. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { realClock, VirtualClock } from '../support/emulator/virtual-clock.ts';

describe('a virtual clock', () => {
  it('moves only when told, and to where it is told', async () => {
    const clock = new VirtualClock(1000);
    let woken = false;
    void clock.sleep(10).then(() => (woken = true));
    await clock.advance(9.5);
    assert.deepEqual([clock.now(), woken, clock.pending], [1009.5, false, 1]);
    await clock.advance(0.5);
    assert.deepEqual([clock.now(), woken, clock.pending], [1010, true, 0]);
  });

  it('fires every timer once, at its time, in the order of time and then of age, and loses none', async () => {
    const plan = fc.record({
      sleeps: fc.array(fc.integer({ min: -1, max: 20 }), { maxLength: 40 }),
      moves: fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ sleeps, moves }) => {
        const clock = new VirtualClock();
        const fired: { index: number; at: number }[] = [];
        for (const [index, ms] of sleeps.entries())
          void clock.sleep(ms).then(() => fired.push({ index, at: clock.now() }));
        for (const ms of moves) {
          await clock.advance(ms);
          const due = sleeps.filter((sleep) => sleep <= clock.now()).length;
          assert.equal(fired.length, due, 'what is due has fired, and nothing else');
        }
        await clock.advance(20);
        const expected = sleeps
          .map((ms, index) => ({ index, at: Math.max(0, ms) }))
          .sort((one, two) => one.at - two.at || one.index - two.index);
        assert.deepEqual(fired, expected);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 150 },
    );
  });

  it('fires what a fired timer starts, however deep, before anything later', async () => {
    const chains = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(chains, async (steps) => {
        const clock = new VirtualClock();
        const times: number[] = [];
        const ends = steps.map(async (chain) => {
          for (const ms of chain) {
            const due = clock.now() + ms;
            await clock.sleep(ms);
            assert.equal(clock.now(), due, 'no timer is early or late');
            times.push(clock.now());
          }
        });
        await clock.run(Promise.all(ends));
        assert.deepEqual(
          times,
          [...times].sort((one, two) => one - two),
        );
        const longest = Math.max(0, ...steps.map((chain) => chain.reduce((sum, ms) => sum + ms, 0)));
        assert.deepEqual([times.length, clock.now()], [steps.flat().length, longest]);
      }),
      { numRuns: 150 },
    );
  });

  it('rejects what is cancelled with the reason, and fires the rest', async () => {
    const plan = fc.array(
      fc.record({ ms: fc.integer({ min: 1, max: 20 }), cancelled: fc.integer({ min: 0, max: 25 }) }),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (sleeps) => {
        const clock = new VirtualClock();
        const outcomes = sleeps.map(async ({ ms, cancelled }) => {
          const abort = new AbortController();
          const cancelling = clock.sleep(cancelled).then(() => abort.abort('typed on'));
          const outcome = await clock.sleep(ms, abort.signal).then(
            () => ['fired', clock.now()],
            (reason: unknown) => [reason, clock.now()],
          );
          await cancelling;
          return outcome;
        });
        // At the same time the older timer is the first, and here that is the one which cancels.
        const expected = sleeps.map(({ ms, cancelled }) =>
          cancelled <= ms ? ['typed on', cancelled] : ['fired', ms],
        );
        assert.deepEqual(await clock.run(Promise.all(outcomes)), expected);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 150 },
    );
  });

  it('rejects at once where the signal is aborted already, and keeps no timer', async () => {
    const clock = new VirtualClock();
    await assert.rejects(clock.sleep(5, AbortSignal.abort(new Error('too late'))), { message: 'too late' });
    assert.equal(clock.pending, 0);
  });

  it('lets promise chains of any length settle between two timers', async () => {
    const clock = new VirtualClock();
    let steps = 0;
    const chain = async () => {
      await clock.sleep(1);
      for (; steps < 5000; steps++) await Promise.resolve();
    };
    void chain();
    const seen = clock.sleep(2).then(() => steps);
    await clock.advance(2);
    assert.equal(await seen, 5000);
  });

  it('says so where work waits for ever, goes round in a circle, or is moved by two', async () => {
    const clock = new VirtualClock();
    await assert.rejects(clock.run(clock.sleep(Infinity)), /no timer of this clock will bring/u);
    const round = async () => {
      const started = clock.now();
      while (clock.now() === started) await clock.sleep(0);
    };
    const circle = round();
    const moving = clock.advance(1);
    await assert.rejects(clock.advance(1), /being moved already/u);
    await assert.rejects(moving, /timers fired at 0 ms/u);
    await clock.advance(0).catch(() => undefined);
    void circle;
  });

  it('passes on what work gives or throws', async () => {
    const clock = new VirtualClock();
    assert.equal(await clock.run(clock.sleep(3).then(() => clock.now())), 3);
    const failing = clock.sleep(1).then(() => Promise.reject(new Error('broken')));
    await assert.rejects(clock.run(failing), { message: 'broken' });
  });
});

describe('the real clock', () => {
  it('is never early and rejects with the reason', async () => {
    for (const ms of [0, 0.3, 1, 2.7]) {
      const started = realClock.now();
      await realClock.sleep(ms);
      assert.ok(realClock.now() - started >= ms);
    }
    const abort = new AbortController();
    const sleeping = realClock.sleep(60_000, abort.signal);
    abort.abort(new Error('typed on'));
    await assert.rejects(sleeping, { message: 'typed on' });
    await assert.rejects(realClock.sleep(0, abort.signal), { message: 'typed on' });
  });
});
