/**
 * The promise, where the network, the frames, the node and its engine break: whole completions over the real channel to
 * a real node's session. A text that counts as verified is what the target writes alone; what is not verified fails by
 * an `EdgeError` behind the draft; nothing hangs. The last tests show that a slip would be seen.
 */
import { EngineError } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  applyDelta,
  contextDelta,
  decodeClientFrame,
  decodeNodeFrame,
  encodeClientFrame,
  encodeNodeFrame,
} from '../../edge-node/src/protocol/index.ts';
import { chance, type Random } from '../../evaluation/src/random.ts';
import type { Verifier } from '../../server/src/verifier.ts';
import { startEdge, type Edge, type EdgeOptions } from '../support/edge-node.ts';
import type { Making } from '../support/emulator/completions.ts';
import { FaultProxy, type FaultOptions } from '../support/emulator/faults.ts';
import { Laptop, type LaptopOptions, type Tally } from '../support/emulator/laptop.ts';
import { atRoundTrip, IDEAL, WIFI, type Profile } from '../support/emulator/profiles.ts';
import { LinkProxy } from '../support/emulator/proxy.ts';
import { realClock } from '../support/emulator/virtual-clock.ts';

/** Other draft lengths and numbers of streamed tokens in every round. */
const streamed: Making = (random) => ({ draft: Math.floor(random() * 9), more: Math.floor(random() * 7) });
const judged: Making = (random) => ({ draft: Math.floor(random() * 9), more: 0 });

const TOGETHER = { concurrency: 8, timeout: 60_000 };
const KEYS = 12;
const UPHEAVALS = 3;
/** Milliseconds an evaluation, so that most of what happens meets with a round. */
const SLOW = { delay: 3 };
const QUIET: EdgeOptions = { engine: SLOW, logLevel: 'silent' };

interface World {
  readonly t: TestContext;
  readonly proxy: LinkProxy;
  readonly random: Random;
  /** How many upheavals there were before. */
  turn: number;
  edge: Edge;
}

interface Scenario {
  readonly profile?: Profile;
  readonly engine?: EdgeOptions['engine'];
  readonly frames?: Omit<FaultOptions, 'to'>;
  /** Happens {@link UPHEAVALS} times while laptops type, with pauses of 100 ms and more, when the node is at work. */
  readonly upheaval?: (world: World) => Promise<void>;
  readonly laptops?: readonly Making[];
  readonly silence?: number;
  /** The least number that must be verified, of {@link KEYS} for each laptop. */
  readonly verified: number;
}

const NEAR = atRoundTrip(IDEAL, 4);
const lossy = (profile: Profile): Profile => {
  const steps = (way: 'up' | 'down') =>
    profile[way].map((step) => ({
      ...step,
      jitter: 3,
      loss: 0.01,
      bandwidth: 100_000,
      stalls: { every: 200, last: 40 },
    }));
  return { name: 'lossy', up: steps('up'), down: steps('down') };
};

/** Waits for the node to work; not for long, since everybody may have typed all. */
async function underWay({ t, edge }: World): Promise<void> {
  const working = () => assert.ok(edge.engine.calls.some(({ outcome }) => outcome === 'running'));
  await t.waitFor(working, { interval: 1, timeout: 200 }).catch(() => undefined);
}

async function cut({ proxy, random, turn }: World): Promise<void> {
  proxy.cut(turn % 2 > 0 ? 'reset' : 'silent');
  await realClock.sleep(random() * 150);
  await proxy.heal();
}

/** Another node in its place, which remembers nothing; the one before says goodbye, or does not. */
async function restart(world: World): Promise<void> {
  const { t, proxy, edge } = world;
  const crash = world.turn % 2 === 0;
  world.edge = await startEdge(t, QUIET);
  if (crash) proxy.cut('reset');
  proxy.lead(world.edge.url);
  await edge.http.close();
  if (crash) await proxy.heal();
}

/** An engine that is lost in one of twenty evaluations. */
function dying(): EdgeOptions['engine'] {
  const random = chance('dying');
  return {
    ...SLOW,
    fail: () => {
      if (random() < 0.05) throw new EngineError('engine-lost', 'The engine ended.');
    },
  };
}

/** What a middle box may do that streamed tokens survive too, see `emulator-frames.test.ts`. */
const KIND = { delay: 0.02, truncate: 0.01, close: 0.01 };
const UNKIND = { lose: 0.01, duplicate: 0.02, reorder: 0.02 };

const SCENARIOS: Record<string, Scenario> = {
  'a link that loses, stalls and is slow': { profile: lossy(NEAR), silence: 150, verified: 8 },
  'cuts in the middle, with a reset or in silence': { profile: WIFI, upheaval: cut, verified: 8 },
  'a node that is started anew in the middle': { upheaval: restart, verified: 8 },
  'an engine that dies in the middle': { engine: dying(), verified: 8 },
  'frames that are mistreated': {
    frames: { up: { ...KIND, ...UNKIND }, down: KIND },
    verified: 8,
  },
  'frames that are lost, doubled and out of order both ways, without streaming': {
    frames: { up: UNKIND, down: UNKIND },
    laptops: [judged, judged, judged],
    verified: 8,
  },
  'all of it at once': {
    profile: lossy(NEAR),
    silence: 500,
    frames: { up: { ...KIND, ...UNKIND }, down: KIND },
    engine: dying(),
    upheaval: async (world) => {
      await cut(world);
      if (world.turn === 1) await restart(world);
    },
    verified: 5,
  },
};

describe('a verified text is the target’s own, over', TOGETHER, () => {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    it(name, async (t) => {
      const { profile = NEAR, engine = SLOW, frames, upheaval, silence } = scenario;
      const { laptops: makings = ['pipeline', 'pipeline', streamed] } = scenario;
      const edge = await startEdge(t, { ...QUIET, engine });
      const proxy = await LinkProxy.start({ to: edge.url, profile, seed: 7 }, t);
      const world: World = { t, proxy, random: chance(name), turn: 0, edge };
      const box = frames && (await FaultProxy.start({ to: proxy.url, seed: 7, spare: 1, ...frames }, t));
      const url = box?.url ?? proxy.url;
      const laptops = makings.map(
        (_, seed) =>
          new Laptop(t, { url, seed, adapter: ['', 'blue', 'red'][seed]!, ...(silence && { silence }) }),
      );

      const upheavals = async () => {
        for (; upheaval && world.turn < UPHEAVALS; world.turn++) {
          await realClock.sleep(100 + world.random() * 100);
          await underWay(world);
          await upheaval(world);
        }
      };
      const typing = laptops.map((laptop, index) => laptop.type(KEYS, makings[index]!, 30));
      const [tallies] = await Promise.all([Promise.all(typing), upheavals()]);
      const lost = laptops.flatMap((laptop) => laptop.lost).length;
      const all = sum(tallies);
      t.diagnostic(`${JSON.stringify(all)}, connections lost ${lost} times`);
      assert.deepEqual([all.wrong, all.hung], [0, 0]);
      assert.ok(all.fallback > 0, 'something must have broken');
      assert.ok(all.left > 0, 'something must have been cancelled');
      assert.ok(all.verified >= scenario.verified, `only ${all.verified} verified`);
    });
  }
});

function sum(tallies: readonly Tally[]): Tally {
  const total = { verified: 0, fallback: 0, left: 0, wrong: 0, hung: 0 };
  for (const tally of tallies)
    for (const outcome of Object.keys(total) as (keyof Tally)[]) total[outcome] += tally[outcome];
  return total;
}

describe('the test of the test:', TOGETHER, () => {
  async function typed(
    t: TestContext,
    making: Making,
    parts: Pick<FaultOptions, 'alter'> & Pick<LaptopOptions, 'spoil' | 'patience'>,
  ) {
    const edge = await startEdge(t, QUIET);
    const proxy = await FaultProxy.start({ to: edge.url, ...parts }, t);
    const tally = await new Laptop(t, { url: proxy.url, silence: 5000, ...parts }).type(KEYS, making);
    t.diagnostic(JSON.stringify(tally));
    return tally;
  }

  for (const making of ['pipeline', streamed] as const) {
    const kind = making === 'pipeline' ? 'by the pipeline' : 'streamed';
    it(`without a fault all is verified that was not cancelled, ${kind}`, async (t) => {
      const { verified, left } = await typed(t, making, {});
      assert.equal(verified + left, KEYS);
    });

    it(`one token too many that is accepted is seen, ${kind}`, async (t) => {
      const spoil = (channel: Verifier): Verifier => ({
        sync: (request, signal) => channel.sync(request, signal),
        verify: async function* (request, signal) {
          let tooMany = 1;
          for await (const part of channel.verify(request, signal)) {
            yield { ...part, accepted: Math.min(request.drafted.length, part.accepted + tooMany) };
            tooMany = 0;
          }
        },
      });
      assert.ok((await typed(t, making, { spoil })).wrong > 0);
    });

    it(`a token that changes on its way down is seen, ${kind}`, async (t) => {
      let frames = 0;
      const alter: FaultOptions['alter'] = (frame, way) => {
        const body = way === 'down' ? decodeNodeFrame(frame) : undefined;
        if ((body?.case !== 'verdict' && body?.case !== 'written') || ++frames % 5 > 0) return frame;
        const value = { ...body.value, tokens: body.value.tokens.map((token) => token ^ 1) };
        return encodeNodeFrame({ ...body, value } as typeof body);
      };
      assert.ok((await typed(t, making, { alter })).wrong > 0);
    });
  }

  it('a verifier that never answers is seen', async (t) => {
    const spoil = (): Verifier => ({
      sync: () => Promise.resolve(undefined),
      // eslint-disable-next-line require-yield
      verify: async function* () {
        await new Promise(() => undefined);
      },
    });
    assert.equal((await typed(t, 'pipeline', { spoil, patience: 50 })).hung, KEYS);
  });

  it('a token that changes on its way up is found by the node: it asks for the whole context', async (t) => {
    let seen = 0;
    let changed = 0;
    let resyncs = 0;
    const alter: FaultOptions['alter'] = (frame, way) => {
      if (way === 'down') {
        const body = decodeNodeFrame(frame);
        if (body?.case === 'failure' && body.value.code === 'resync') resyncs++;
        return frame;
      }
      const body = decodeClientFrame(frame);
      if ((body?.case !== 'sync' && body?.case !== 'verify') || body.value.tokens.length === 0) return frame;
      // Not every one, or the whole context that is then sent would change as well.
      if (++seen % 3 > 0) return frame;
      changed++;
      body.value.tokens[0]! ^= 1;
      return encodeClientFrame(body);
    };
    const { verified, wrong } = await typed(t, 'pipeline', { alter });
    assert.equal(wrong, 0);
    assert.ok(verified > 0 && changed > 0 && resyncs >= changed, `${resyncs} resyncs for ${changed}`);
  });

  it('a context with another token in it is seen where its checksum goes along', async (t) => {
    let base: readonly number[] = [];
    const alter: FaultOptions['alter'] = (frame, way) => {
      const body = way === 'up' ? decodeClientFrame(frame) : undefined;
      if (body?.case !== 'sync' && body?.case !== 'verify') return frame;
      const context = applyDelta(base, body.value)!;
      base = body.case === 'verify' ? [...context, ...body.value.drafted] : context;
      const forged = contextDelta([], context.with(3, context[3]! ^ 1));
      return encodeClientFrame({ ...body, value: { ...body.value, ...forged } } as typeof body);
    };
    const { verified, wrong } = await typed(t, 'pipeline', { alter });
    assert.ok(wrong > verified, `${wrong} wrong, ${verified} verified`);
  });
});
