import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { BusyError, Scheduler, type Asking } from '../../edge-node/src/scheduler.ts';
import { Seats } from '../../edge-node/src/seats.ts';

const free = () => ({
  seats: new Seats({ count: 100, idleMs: 1000, tenureMs: 1000, soonMs: 1000, readMs: Infinity }),
  now: () => 0,
});
const OPTIONS = { running: 1, waiting: 8, waitingEach: 4, patienceMs: 1000, ...free() };
const never = new AbortController().signal;

/** Asks, and notes in `order` who got a place. */
function asking(scheduler: Scheduler, order: string[]) {
  return (client: string, adapter = '', signal = never) => {
    const entered = scheduler.enter({ client, conversation: client, adapter }, signal);
    entered.then(
      () => order.push(adapter ? `${client}/${adapter}` : client),
      () => undefined,
    );
    return entered;
  };
}

describe('the scheduler', () => {
  it('lets in as many as there are places, and the next when one leaves', async () => {
    const scheduler = new Scheduler({ ...OPTIONS, running: 2 });
    const order: string[] = [];
    const ask = asking(scheduler, order);
    const first = await ask('a');
    await ask('b');
    const third = ask('c');
    await turn();
    assert.deepEqual(order, ['a', 'b']);
    assert.deepEqual(scheduler.load, { running: 2, waiting: 1 });
    first.leave();
    first.leave();
    await third;
    assert.deepEqual(scheduler.load, { running: 2, waiting: 0 }, 'a place is given back once');
  });

  it('is fair between adapters, and between the clients of one', async () => {
    const scheduler = new Scheduler({ ...OPTIONS, waitingEach: 8 });
    const order: string[] = [];
    const ask = asking(scheduler, order);
    // Whoever is let in leaves a moment later.
    const visit = async (client: string, adapter: string) => {
      const place = await ask(client, adapter);
      await turn();
      place.leave();
    };
    const greedy = Array.from({ length: 4 }, () => visit('greedy', 'x'));
    await Promise.all([...greedy, visit('modest', 'x'), visit('other', 'y'), visit('other', 'y')]);
    assert.deepEqual(order, [
      'greedy/x',
      'other/y',
      'modest/x',
      'other/y',
      'greedy/x',
      'greedy/x',
      'greedy/x',
    ]);
  });

  it('refuses at once what cannot wait, of one client and of all', async () => {
    const scheduler = new Scheduler({ ...OPTIONS, waiting: 3, waitingEach: 2 });
    const ask = asking(scheduler, []);
    await ask('a');
    void ask('a');
    void ask('a');
    await assert.rejects(ask('a'), { name: 'BusyError', code: 'busy' });
    void ask('b');
    await assert.rejects(ask('c'), BusyError);
    assert.deepEqual(scheduler.load, { running: 1, waiting: 3 });
  });

  it('refuses who waited too long', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const scheduler = new Scheduler(OPTIONS);
    const ask = asking(scheduler, []);
    await ask('a');
    const late = ask('b');
    t.mock.timers.tick(999);
    assert.equal(scheduler.load.waiting, 1);
    t.mock.timers.tick(1);
    await assert.rejects(late, BusyError);
    assert.equal(scheduler.load.waiting, 0);
  });

  it('forgets who does not wait any more', async () => {
    const scheduler = new Scheduler(OPTIONS);
    const ask = asking(scheduler, []);
    const place = await ask('a');
    const gone = new AbortController();
    const waiting = ask('b', '', gone.signal);
    gone.abort(new Error('typed on'));
    await assert.rejects(waiting, /typed on/);
    place.leave();
    assert.deepEqual(scheduler.load, { running: 0, waiting: 0 });
    await assert.rejects(ask('c', '', gone.signal), /typed on/);
    assert.equal(scheduler.load.running, 0);
  });

  it('refuses at once who has no seat, and serves who has one', async () => {
    let clock = 0;
    const seats = new Seats({ count: 1, idleMs: 100, tenureMs: 10_000, soonMs: 1000, readMs: 1000 });
    const scheduler = new Scheduler({ ...OPTIONS, running: 2, seats, now: () => clock });
    const ask = asking(scheduler, []);
    const place = await ask('a');
    await assert.rejects(ask('b'), BusyError);
    assert.equal(scheduler.enterIfFree({ client: 'b', conversation: 'b', adapter: '' }), undefined);
    clock = 500;
    place.leave();
    clock = 600;
    await assert.rejects(ask('b'), BusyError, 'a request that took long is no pause');
    clock = 601;
    await ask('b');
  });

  it('gives a place to work that can be left undone only while one is free', () => {
    const scheduler = new Scheduler(OPTIONS);
    const place = scheduler.enterIfFree({ client: 'a', conversation: 'a', adapter: '' });
    assert.ok(place);
    assert.equal(scheduler.enterIfFree({ client: 'a', conversation: 'a', adapter: '' }), undefined);
    place.leave();
    assert.ok(scheduler.enterIfFree({ client: 'a', conversation: 'a', adapter: '' }));
  });

  it('never lets in more than it has places for, and loses nobody', async () => {
    const asked = fc.record({
      client: fc.constantFrom('a', 'b', 'c'),
      conversation: fc.constantFrom('1', '2'),
      adapter: fc.constantFrom('', 'x', 'y'),
    });
    const all = fc.array(asked, { minLength: 1, maxLength: 30 });
    const property = fc.asyncProperty(all, fc.integer({ min: 1, max: 4 }), async (askings, running) => {
      const options = { running, waiting: 100, waitingEach: 100, patienceMs: 10_000, ...free() };
      const scheduler = new Scheduler(options);
      let inside = 0;
      const visit = async (asking: Asking) => {
        const place = await scheduler.enter(asking, never);
        assert.ok(++inside <= running);
        await turn();
        inside--;
        place.leave();
      };
      await Promise.all(askings.map(visit));
      assert.deepEqual(scheduler.load, { running: 0, waiting: 0 });
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
