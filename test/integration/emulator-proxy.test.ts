/** The emulated network against a server that sends back what it gets; times with room for a busy machine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { atRoundTrip, IDEAL, LTE, type Profile } from '../support/emulator/profiles.ts';
import { LinkProxy, type ProxyOptions } from '../support/emulator/proxy.ts';
import { realClock } from '../support/emulator/virtual-clock.ts';

const LIMIT = { timeout: 30_000 };
const TOGETHER = { ...LIMIT, concurrency: 8 };

/** One end of a connection to an echo. */
class Caller {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #got = 0;
  #wanted: { readonly bytes: number; readonly resolve: () => void } | undefined;

  constructor(url: string) {
    this.socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), noDelay: true });
    this.socket.on('data', (bytes) => {
      this.#got += bytes.length;
      if (this.#wanted && this.#got >= this.#wanted.bytes) this.#wanted.resolve();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  /** Milliseconds until `bytes` bytes have come back. */
  async trip(bytes = 60): Promise<number> {
    const started = performance.now();
    const back = new Promise<void>((resolve) => (this.#wanted = { bytes: this.#got + bytes, resolve }));
    this.socket.write(Buffer.alloc(bytes));
    await back;
    return performance.now() - started;
  }
}

async function proxied(t: TestContext, profile: Profile, options: Partial<ProxyOptions> = {}) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy = await LinkProxy.start({ to, profile, ...options }, t);
  const call = () => {
    const caller = new Caller(proxy.url);
    t.after(() => caller.socket.destroy());
    return caller;
  };
  return { proxy, call };
}

/**
 * The least of eleven measurements, or of more until it is at most `enough`: a link may never be quicker than its profile
 * says, while other work of the machine makes any single measurement longer, and seldom all of them.
 */
async function least(enough: number, measure: () => Promise<number>): Promise<number> {
  let found = Infinity;
  for (let run = 0; run < 11 || (run < 60 && found > enough); run++) found = Math.min(found, await measure());
  return found;
}

function between(actual: number, least: number, most: number): void {
  assert.ok(actual >= least && actual <= most, `expected ${least} to ${most}, got ${actual}`);
}

describe('the real clock', LIMIT, () => {
  it('is less than a millisecond late at 3 ms', async () => {
    const late = await least(1, async () => {
      const started = performance.now();
      await realClock.sleep(3);
      return performance.now() - started - 3;
    });
    between(late, 0, 1);
  });
});

// One after the other, since what else this process does would be counted.
describe('an emulated link, by the clock,', LIMIT, () => {
  for (const [ms, most] of [
    [3, 9],
    [20, 25],
    [60, 75],
  ] as const) {
    it(`of ${ms} ms measures ${ms} ms`, async (t) => {
      const { call } = await proxied(t, atRoundTrip(IDEAL, ms));
      const caller = call();
      await caller.trip();
      between(await least(most, () => caller.trip()), ms, most);
    });
  }
});

describe('an emulated link', TOGETHER, () => {
  it('takes a round trip more for the first answer of a connection', async (t) => {
    const { call } = await proxied(t, atRoundTrip(IDEAL, 60));
    between(await least(150, () => call().trip()), 120, 150);
  });

  it('has the jitter of its profile', async (t) => {
    const { call } = await proxied(t, atRoundTrip(LTE, 30), { seed: 4 });
    const caller = call();
    await caller.trip();
    const trips: number[] = [];
    for (let run = 0; run < 25; run++) trips.push(await caller.trip());
    trips.sort((one, two) => one - two);
    between(trips[2]!, 10, 40);
    assert.ok(trips[22]! - trips[2]! > 6, trips.join(' '));
  });

  it('lets pass what its bandwidth allows, and loses no byte', async (t) => {
    const slow = atRoundTrip(IDEAL, 10);
    const limited = { ...slow, up: [{ ...slow.up[0]!, bandwidth: 1e6 }] };
    const { proxy, call } = await proxied(t, limited);
    const caller = call();
    await caller.trip();
    between(await caller.trip(400_000), 400, 1600);
    assert.deepEqual(proxy.counts, { connections: 1, up: 400_060, down: 400_060 });
  });

  it('lets a sender wait when the buffers on the way are full', async (t) => {
    const far = atRoundTrip(IDEAL, 10);
    const narrow = { ...far, up: [{ ...far.up[0]!, bandwidth: 1e6 }] };
    const { call } = await proxied(t, narrow);
    const { socket } = call();
    socket.write(Buffer.alloc(32e6));
    await realClock.sleep(500);
    assert.ok(socket.writableLength > 0, 'the kernels hold some of it and the link a little');
  });

  it('keeps the order within a connection, and lets a new connection overtake one that waits', async (t) => {
    const { proxy, call } = await proxied(t, atRoundTrip(IDEAL, 800));
    const old = call();
    await old.trip();
    const trip = old.trip();
    await realClock.sleep(50);
    proxy.reshape(atRoundTrip(IDEAL, 10));
    const done: string[] = [];
    const first = trip.then(() => done.push('old'));
    await call()
      .trip()
      .then(() => done.push('new'));
    await first;
    assert.deepEqual(done, ['new', 'old']);
    between(await trip, 400, 800);
  });

  it('passes on the end of each way, and a reset', async (t) => {
    const { proxy, call } = await proxied(t, atRoundTrip(IDEAL, 10));
    const ending = call();
    await ending.trip();
    ending.socket.end();
    await ending.closed;
    const resetting = call();
    await resetting.trip();
    resetting.socket.resetAndDestroy();
    await t.waitFor(() => assert.equal(proxy.open, 0));
  });
});

describe('a network that is cut', TOGETHER, () => {
  it('resets connections, old and new, until it is healed', async (t) => {
    const { proxy, call } = await proxied(t, atRoundTrip(IDEAL, 10));
    const old = call();
    await old.trip();
    proxy.cut('reset');
    await old.closed;
    await call().closed;
    await proxy.heal();
    between(await call().trip(), 20, 900);
  });

  it('or is silent: what waits goes out after the healing, when TCP next tries', async (t) => {
    const { proxy, call } = await proxied(t, atRoundTrip(IDEAL, 10));
    const old = call();
    await old.trip();
    proxy.cut('silent');
    const started = performance.now();
    const trips = [old.trip(), call().trip()];
    const early = await Promise.race([...trips, realClock.sleep(300)]);
    assert.equal(early, undefined, 'nothing passes');
    await proxy.heal();
    const idle = call();
    between(await idle.trip(), 20, 900);
    // 210 ms and 420 ms after what was lost, then 840; a handshake after 1 s, then 2 s.
    await trips[0];
    between(performance.now() - started, 630, 1400);
    await trips[1];
    between(performance.now() - started, 1000, 2900);
  });

  it('or takes no new connections, while the old ones go on', async (t) => {
    const { proxy, call } = await proxied(t, atRoundTrip(IDEAL, 10));
    const old = call();
    await old.trip();
    proxy.refuse();
    const [error] = (await once(call().socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
    between(await old.trip(), 10, 900);
    await proxy.heal();
    between(await call().trip(), 20, 900);
  });

  it('by its schedule: an address that changes leaves old connections behind', async (t) => {
    const { up, down } = atRoundTrip(IDEAL, 10);
    const moving = (steps: Profile['up']) => [...steps, { ...steps[0]!, at: 150, moves: true }];
    const { call } = await proxied(t, { name: 'moving', up: moving(up), down: moving(down) });
    const old = call();
    await old.trip();
    await realClock.sleep(200);
    const lost = old.trip();
    between(await call().trip(), 20, 900);
    assert.equal(await Promise.race([lost, realClock.sleep(300)]), undefined);
  });
});
