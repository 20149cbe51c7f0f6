/**
 * The real channel and a real node's session with a network between them: whatever happens, a text that comes out is the
 * target's, and the channel goes on. Tests that are expected to fail say what does not hold today.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Channel } from '../../server/src/channel.ts';
import { EdgeError } from '../../server/src/rounds.ts';
import { startEdge, type Edge } from '../support/edge-node.ts';
import { Laptop, SILENCE } from '../support/emulator/laptop.ts';
import { atRoundTrip, IDEAL, LAN, sped, WALK, WIFI, type Profile } from '../support/emulator/profiles.ts';
import { LinkProxy } from '../support/emulator/proxy.ts';
import { realClock } from '../support/emulator/virtual-clock.ts';
import { roundOf, wholeVerdict } from '../support/verdict.ts';

const TOGETHER = { concurrency: 8, timeout: 60_000 };
const never = new AbortController().signal;

interface World {
  readonly edge: Edge;
  readonly proxy: LinkProxy;
  readonly laptop: Laptop;
}

async function world(t: TestContext, profile: Profile, silence = SILENCE): Promise<World> {
  const edge = await startEdge(t);
  const proxy = await LinkProxy.start({ to: edge.url, profile, seed: 3 }, t);
  return { edge, proxy, laptop: new Laptop(t, { url: proxy.url, silence }) };
}

/** What becomes of a round with one token typed more for each `key`. */
async function ask(channel: Channel, key: number, signal: AbortSignal = never): Promise<string> {
  const context = Array.from({ length: 20 + key }, (_, index) => 97 + (index % 20));
  try {
    const { tokens } = await wholeVerdict(channel.verify(roundOf({ context }), signal));
    return `${tokens.length} token`;
  } catch (error) {
    return error instanceof EdgeError ? `${error.code}: ${error.message}` : 'typed on';
  }
}

// Alone, since what else this process does would be counted.
describe('a channel over an emulated link, by the clock,', { timeout: 60_000 }, () => {
  it('needs one round trip for a round, and three to be welcomed', async (t) => {
    const { proxy, laptop } = await world(t, atRoundTrip(IDEAL, 40));
    const welcomes = [await laptop.connected()];
    const least = () => Math.min(...welcomes);
    while (welcomes.length < 3 || (least() >= 240 && welcomes.length < 12))
      welcomes.push(await new Laptop(t, { url: proxy.url }).connected());
    // TCP, the upgrade, the hello; the least of them, since the first one has code to load and the machine other work.
    assert.ok(least() > 115 && least() < 240, `${welcomes.join(', ')} ms to connect`);
    let trip = Infinity;
    for (let run = 0; run < 5 || (run < 40 && trip >= 75); run++) {
      const started = performance.now();
      await ask(laptop.channel, run);
      trip = Math.min(trip, performance.now() - started);
    }
    assert.ok(trip >= 40 && trip < 75, `${trip} ms for a round`);
  });
});

describe('a channel over an emulated link', TOGETHER, () => {
  it('says nothing wrong and comes back on a walk out of the office', async (t) => {
    const { laptop } = await world(t, sped(WALK, 40), 500);
    const started = performance.now();
    let verified = 0;
    while (performance.now() - started < 1700) {
      const tally = await laptop.type(3, 'pipeline', 20);
      assert.deepEqual([tally.wrong, tally.hung], [0, 0]);
      verified += tally.verified;
    }
    t.diagnostic(`${verified} completions verified; ${laptop.lost.join('; ')}`);
    assert.ok(verified > 0 && laptop.lost.length > 0, 'the walk carries, and cuts connections');
    // The address may have changed since it was last asked, which it does not know yet.
    await laptop.complete(1, 'pipeline');
    await laptop.connected();
    assert.equal(await laptop.complete(1, 'pipeline'), 'verified');
  });

  for (const how of ['reset', 'silent'] as const) {
    it(`goes on after a cut (${how})`, async (t) => {
      const { proxy, laptop } = await world(t, WIFI);
      await laptop.connected();
      assert.equal(await laptop.complete(1, 'pipeline'), 'verified');
      const under = laptop.complete(2, 'pipeline');
      proxy.cut(how);
      assert.equal(await under, 'fallback');
      await realClock.sleep(300);
      assert.equal(await laptop.complete(3, 'pipeline'), 'fallback');
      await proxy.heal();
      const back = await laptop.connected();
      t.diagnostic(`connected ${back.toFixed(0)} ms after the healing, with a silence of ${SILENCE} ms`);
      assert.equal(await laptop.complete(3, 'pipeline'), 'verified');
    });
  }

  it('goes on where no node ran for a while', async (t) => {
    const { proxy, laptop } = await world(t, LAN);
    await laptop.connected();
    proxy.refuse();
    proxy.cut('reset');
    await realClock.sleep(300);
    assert.equal(laptop.channel.state.status, 'away');
    await proxy.heal();
    await laptop.connected();
    assert.equal(await laptop.complete(3, 'pipeline'), 'verified');
  });

  it('goes on with another node in the place of one that said goodbye', async (t) => {
    const { edge, proxy, laptop } = await world(t, LAN);
    await laptop.connected();
    assert.equal(await laptop.complete(1, 'pipeline'), 'verified');
    const next = await startEdge(t);
    proxy.lead(next.url);
    await edge.http.close();
    await t.waitFor(() => assert.equal(laptop.lost.length, 1));
    await laptop.connected();
    assert.equal(await laptop.complete(2, 'pipeline'), 'verified');
    assert.ok(next.engine.calls.length > 0);
  });

  it('the round that is still wanted is answered when a stalled link lets everything through at once', async (t) => {
    const near = atRoundTrip(IDEAL, 20);
    const { proxy, laptop } = await world(t, near, 5000);
    await laptop.connected();
    assert.equal(await ask(laptop.channel, 0), '1 token');
    // One segment is lost and sent again after 220 ms; TCP keeps all that is typed meanwhile behind it.
    const once = near.up.flatMap((step) => [
      { ...step, cut: true },
      { ...step, at: 30 },
    ]);
    proxy.reshape({ ...near, up: once });
    const answers: Promise<string>[] = [];
    const keystrokes: AbortController[] = [];
    for (let key = 0; key < 6; key++) {
      keystrokes.at(-1)?.abort();
      keystrokes.push(new AbortController());
      answers.push(ask(laptop.channel, key, keystrokes[key]!.signal));
      await realClock.sleep(20);
    }
    assert.equal(await answers.at(-1), '1 token');
  });

  it('a connection whose silence was noticed is given up as a whole, its socket included', async (t) => {
    const { proxy, laptop } = await world(t, LAN);
    await laptop.connected();
    proxy.cut('silent');
    assert.match(await ask(laptop.channel, 0), /^away/u);
    laptop.channel.dispose();
    await realClock.sleep(1000);
    assert.equal(proxy.open, 0, `${proxy.open} connection is open`);
  });
});
