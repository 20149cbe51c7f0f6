/**
 * The real channel and a real node's session with a middle box between them that mistreats whole frames, as TCP never
 * would and a bug might. Tests that are expected to fail say what does not hold today.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { EdgeError } from '../../server/src/rounds.ts';
import { startEdge, type EdgeOptions } from '../support/edge-node.ts';
import type { Making } from '../support/emulator/completions.ts';
import { FaultProxy, FAULTS, nextFault, type Fault, type FaultOptions } from '../support/emulator/faults.ts';
import { Laptop, SILENCE } from '../support/emulator/laptop.ts';
import { realClock } from '../support/emulator/virtual-clock.ts';
import { roundOf, wholeVerdict } from '../support/verdict.ts';

const TOGETHER = { concurrency: 16, timeout: 60_000 };
const KEYS = 12;
const CONTEXT = [97, 98, 99];
const never = new AbortController().signal;

/** How completions are made: tokens drafted a round, and tokens that the target streams behind its own. */
const judged: Making = () => ({ draft: 4, more: 0 });
const streamed: Making = () => ({ draft: 2, more: 6 });

async function faulty(t: TestContext, options: Omit<FaultOptions, 'to'>, engine: EdgeOptions['engine'] = {}) {
  const edge = await startEdge(t, { engine, logLevel: 'silent' });
  const proxy = await FaultProxy.start({ to: edge.url, seed: 11, ...options }, t);
  return { proxy, laptop: new Laptop(t, { url: proxy.url }) };
}

/** Faults of the way down that streaming cannot tell from a good connection. */
const UNSEEN = new Set<Fault>(['lose', 'duplicate', 'reorder']);

describe('nextFault', () => {
  it('follows its chances', () => {
    const rates = { lose: 0.25, close: 0.5 };
    const rolls = [0, 0.2, 0.25, 0.7, 0.75, 0.99].map((roll) => nextFault(rates, () => roll));
    assert.deepEqual(rolls, ['lose', 'lose', 'close', 'close', undefined, undefined]);
    assert.throws(() => nextFault({ lose: 0.6, delay: 0.6 }, () => 0), RangeError);
  });
});

describe('a channel through a middle box that mistreats frames', TOGETHER, () => {
  const cases = FAULTS.flatMap((fault) => [
    // Up go the same frames whether or not the answers are streamed.
    { way: 'up', fault, kind: 'streamed', making: streamed } as const,
    { way: 'down', fault, kind: 'judged', making: judged } as const,
    ...(UNSEEN.has(fault) ? [] : [{ way: 'down', fault, kind: 'streamed', making: streamed } as const]),
  ]);
  for (const { way, fault, kind, making } of cases) {
    it(`${way}: ${fault}, ${kind}`, async (t) => {
      // Of streamed tokens each one has a frame of its own.
      const rate = way === 'down' && making === streamed ? 0.03 : 0.1;
      const { proxy, laptop } = await faulty(t, { [way]: { [fault]: rate }, spare: 1 });
      const { verified, wrong, hung } = await laptop.type(KEYS, making);
      const happened = proxy.counts[way][fault];
      t.diagnostic(`${happened} faults: ${verified} verified, connection lost ${laptop.lost.length} times`);
      assert.ok(happened > 0, 'a test without a fault tests nothing');
      assert.deepEqual([wrong, hung], [0, 0]);
      assert.ok(verified >= 2, `only ${verified} verified`);
      proxy.calm();
      await laptop.connected();
      // One more may fail: a frame that was lost before the calm makes itself felt.
      await laptop.complete(1, making);
      await laptop.connected();
      assert.equal(await laptop.complete(2, making), 'verified');
    });
  }

  it('all at once, the greeting included', async (t) => {
    const rates = Object.fromEntries(FAULTS.map((fault) => [fault, 0.02]));
    const { proxy, laptop } = await faulty(t, { up: rates, down: rates, delay: 20 });
    const tally = await laptop.type(2 * KEYS, judged);
    t.diagnostic(
      `${JSON.stringify(proxy.counts)}; ${JSON.stringify(tally)}, lost ${laptop.lost.length} times`,
    );
    assert.deepEqual([tally.wrong, tally.hung], [0, 0]);
    assert.ok(tally.verified > 4);
  });

  const ask = (laptop: Laptop): Promise<string> =>
    wholeVerdict(laptop.channel.verify(roundOf({ context: CONTEXT }), never)).then(
      () => 'verdict',
      (error: unknown) => (error instanceof EdgeError ? `${error.code}: ${error.message}` : String(error)),
    );

  for (const fault of UNSEEN) {
    it(`streamed tokens of which a frame meets with "${fault}" are not taken for the target’s text`, async (t) => {
      const { laptop } = await faulty(t, { down: { [fault]: 0.15 }, spare: 1 });
      let wrong = 0;
      for (let key = 0; key < KEYS; key++) {
        await laptop.connected();
        if ((await laptop.complete(key, streamed)) === 'wrong') wrong++;
      }
      assert.equal(wrong, 0, `${wrong} wrong`);
    });
  }

  it('a round that came twice is answered with its verdict', async (t) => {
    const { laptop } = await faulty(t, { up: { duplicate: 1 }, spare: 1 }, { delay: 20 });
    await laptop.connected();
    assert.equal(await ask(laptop), 'verdict');
  });

  it('a round whose answer was lost ends also while others are answered, and the connection stays', async (t) => {
    const { laptop, proxy } = await faulty(t, { down: { lose: 1 }, spare: 1 });
    await laptop.connected();
    let ended = '';
    void ask(laptop).then((end) => (ended = end));
    await t.waitFor(() => assert.equal(proxy.counts.down.lose, 1));
    proxy.calm();
    for (let key = 0; key < 12; key++) {
      assert.equal(await ask(laptop), 'verdict');
      await realClock.sleep(SILENCE / 4);
    }
    assert.equal(ended, 'away: The edge node left this round without an answer.');
    assert.equal(laptop.lost.length, 0);
  });
});
