import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slots } from '../../models/src/engine/slots.ts';

const slot = (name: string, ...tokens: number[]) => ({ name, adapter: '', tokens });
const plain = (...context: number[]) => ({ adapter: '', context });

describe('Slots', () => {
  it('lends the slot that shares the longest prefix', async () => {
    const slots = new Slots([slot('a', 1, 2, 3), slot('b', 1, 2, 9, 9)]);
    assert.equal((await slots.acquire(plain(1, 2, 9, 4))).slot.name, 'b');
  });

  it('keeps conversations apart whose prompts have only a marker in common', async () => {
    const slots = new Slots(['a', 'b', 'c', 'd'].map((name) => slot(name)));
    const lent: string[] = [];
    for (const conversation of [10, 20, 10, 20, 30, 10]) {
      const context = [1, ...Array.from({ length: 9 }, (_, at) => conversation + at)];
      const lease = await slots.acquire(plain(...context));
      lease.slot.tokens = context;
      lease.release();
      lent.push(lease.slot.name);
    }
    assert.deepEqual(lent, ['a', 'b', 'a', 'b', 'c', 'a']);
  });

  it('among equals lends the one idle longest, so that a new conversation does not evict a warm one', async () => {
    const slots = new Slots([slot('a', 1), slot('b', 1)]);
    (await slots.acquire(plain(7))).release();
    assert.equal((await slots.acquire(plain(7))).slot.name, 'b');
  });

  it('never lends one slot twice, and serves those who wait in order', async () => {
    const slots = new Slots([slot('only')]);
    const order: string[] = [];
    const first = await slots.acquire(plain(1));
    const waiting = ['second', 'third'].map(async (name) => {
      const lease = await slots.acquire(plain(1));
      order.push(name);
      lease.release();
    });
    assert.deepEqual(order, []);
    first.release();
    await Promise.all(waiting);
    assert.deepEqual(order, ['second', 'third']);
    assert.equal((await slots.acquire(plain(1))).slot.name, 'only');
  });

  it('lets a cancelled request leave the queue', async () => {
    const slots = new Slots([slot('only')]);
    const held = await slots.acquire(plain(1));
    const abort = new AbortController();
    const cancelled = slots.acquire(plain(1), abort.signal);
    const patient = slots.acquire(plain(1));
    abort.abort();
    await assert.rejects(cancelled, { name: 'AbortError' });
    held.release();
    assert.equal((await patient).slot.name, 'only');
  });

  it('keeps the slots of adapters apart, whatever their tokens are', async () => {
    const slots = new Slots([
      { ...slot('of one', 1, 2, 3), adapter: 'one' },
      { ...slot('of the other', 1, 2), adapter: 'other' },
      slot('empty'),
    ]);
    const taken = async (adapter: string) => {
      const lease = await slots.acquire({ adapter, context: [1, 2, 3] });
      lease.release();
      return lease.slot.name;
    };
    assert.equal(await taken('other'), 'of the other');
    assert.equal(await taken('one'), 'of one');
    assert.equal(await taken(''), 'empty');
  });
});
