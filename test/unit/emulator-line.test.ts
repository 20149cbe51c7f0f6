/** One way of a connection, on a clock that is made up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Line, type Parcel } from '../support/emulator/line.ts';
import { Link } from '../support/emulator/link.ts';
import { VirtualClock } from '../support/emulator/virtual-clock.ts';

/** Milliseconds. */
const DELAY = 30;
const ROUND_TRIP = 60;
/** Two hundred more than the round trip, then twice that. */
const [FIRST_RETRY, SECOND_RETRY] = [260, 780];

function line(bandwidth = Infinity) {
  const clock = new VirtualClock();
  const settings = { at: 0, delay: DELAY, jitter: 0, bandwidth, loss: 0, roundTrip: ROUND_TRIP };
  const link = new Link([settings], 1);
  const out: [at: number, parcel: string][] = [];
  const flow: [at: number, free: boolean][] = [];
  const made = new Line({
    clock,
    shape: (bytes) => link.pass(bytes, clock.now()).out,
    deliver: (parcel: Parcel) => out.push([clock.now(), parcel.toString()]),
    flow: (free) => flow.push([Math.round(clock.now()), free]),
  });
  return { clock, line: made, out, flow };
}

describe('a line', () => {
  it('gives out what it was given, in its order and when the link says', async () => {
    const { clock, line: made, out } = line(1000);
    made.push('open');
    made.push(Buffer.from('twenty bytes, twenty'));
    await clock.advance(5);
    made.push(Buffer.from('five5'));
    made.push('end');
    await clock.advance(1000);
    assert.deepEqual(out, [
      [DELAY, 'open'],
      [DELAY + 20, 'twenty bytes, twenty'],
      [DELAY + 25, 'five5'],
      [DELAY + 25, 'end'],
    ]);
    assert.equal(clock.pending, 0);
  });

  it('frozen gives out nothing, and thawed what waited when it would have been sent again', async () => {
    const { clock, line: made, out } = line();
    made.push(Buffer.from('on its way'));
    await clock.advance(DELAY - 1);
    made.freeze();
    await clock.advance(100);
    made.push(Buffer.from('behind it'));
    await clock.advance(FIRST_RETRY);
    assert.deepEqual(out, []);
    void made.thaw(ROUND_TRIP);
    await clock.advance(2000);
    assert.deepEqual(out, [
      [SECOND_RETRY + DELAY, 'on its way'],
      [SECOND_RETRY + DELAY, 'behind it'],
    ]);
  });

  it('tries a handshake again after a second', async () => {
    const { clock, line: made, out } = line();
    made.freeze();
    made.push('open');
    await clock.advance(300);
    void made.thaw(ROUND_TRIP);
    await clock.advance(2000);
    assert.deepEqual(out, [[1000 + DELAY, 'open']]);
  });

  it('frozen anew is not thawed by what thawed it before', async () => {
    const { clock, line: made, out } = line();
    made.freeze();
    made.push(Buffer.from('late'));
    void made.thaw(ROUND_TRIP);
    made.freeze();
    await clock.advance(10_000);
    assert.deepEqual(out, []);
    void made.thaw(ROUND_TRIP);
    await clock.advance(60_000);
    assert.equal(out.length, 1);
  });

  it('says when the buffers on the way are full, and when they are free again', async () => {
    const { clock, line: made, flow } = line(1_000_000);
    made.push(Buffer.alloc(200_000));
    assert.deepEqual(flow, []);
    made.push(Buffer.alloc(100_000));
    assert.deepEqual(flow, [[0, false]]);
    await clock.advance(1000);
    assert.deepEqual(flow.slice(1), [[200 + DELAY, true]]);
  });

  it('closed gives out nothing more and keeps no timer', async () => {
    const { clock, line: made, out } = line();
    made.push(Buffer.from('lost'));
    made.close();
    await clock.advance(1000);
    assert.deepEqual([out.length, clock.pending], [0, 0]);
  });
});
