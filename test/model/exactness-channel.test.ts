/**
 * The promise over a bad channel: whole completions of the product, with real weights on both sides, while frames are
 * lost, doubled, delayed and reordered, connections are cut, and the node and its engine die in between. What comes out as
 * verified is what the target writes alone; what cannot be verified is the draft.
 */
import { identityOf } from '@foretype/edge-node/protocol';
import {
  backboneSpec,
  draftSpec,
  EMBEDDED_FAMILY,
  firstLine,
  loadFamily,
  startEngine,
  tokensOf,
  type Sampling,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Channel } from '../../server/src/channel.ts';
import { complete } from '../../server/src/completion.ts';
import { Control } from '../../server/src/control.ts';
import { continuationOf, COMPLETION_LIMIT, promptFor, type Place } from '../../models/src/prompt.ts';
import { EdgeError } from '../../server/src/rounds.ts';
import { FaultProxy } from '../support/emulator/faults.ts';
import { atRoundTrip, WIFI } from '../support/emulator/profiles.ts';
import { LinkProxy } from '../support/emulator/proxy.ts';
import { EdgeNode } from '../support/node.ts';
import { childrenOf } from '../support/processes.ts';
import { realPlaces } from '../support/prompts.ts';

const FULL = process.env['FORETYPE_FULL'] !== undefined;
const PLACES = FULL ? 200 : 16;
/** Milliseconds without a word after which the node is taken for gone. */
const SILENCE = 1500;
/** By frame; a streamed line has dozens of them. */
const RATES = { lose: 0.002, duplicate: 0.004, delay: 0.01, reorder: 0.002, close: 0.002 };
const GREEDY = undefined;
const SEEDED: Sampling = { temperature: 0.8, seed: 7 };

const family = await loadFamily(EMBEDDED_FAMILY);
const resources = { sequences: 1, threads: 1 };
const now = () => performance.now();
const never = new AbortController().signal;

describe(`exactness at ${PLACES} places over a channel that fails`, () => {
  const target = startEngine(backboneSpec(family, resources));
  const draft = startEngine(draftSpec(family, resources));
  const node = new EdgeNode();
  const control = new Control({ now, jPerHour: () => Infinity });
  const proxies: { close(): unknown }[] = [];
  let channel: Channel;
  let faults: FaultProxy;

  before(async () => {
    await node.start(['--sequences', '2']);
    const link = await LinkProxy.start({ to: node.url, profile: atRoundTrip(WIFI, 8), seed: 3 });
    faults = await FaultProxy.start({ to: link.url, up: RATES, down: RATES, seed: 4, spare: 2 });
    proxies.push(faults, link);
    channel = new Channel({
      url: faults.url,
      token: node.token,
      identity: identityOf(family),
      onState: () => undefined,
      random: () => 0,
      silence: SILENCE,
    });
  });
  after(async () => {
    channel.dispose();
    for (const proxy of proxies) await proxy.close();
    await Promise.all([node.dispose(), target.dispose(), draft.dispose()]);
  });

  const adapters = ['', ...family.adapters.map(({ name }) => name)];
  const cases = adapters.flatMap((adapter) => [GREEDY, SEEDED].map((sampling) => ({ adapter, sampling })));
  const all = { places: 0, verified: 0 };
  for (const { adapter, sampling } of FULL ? cases : cases.slice(0, 4)) {
    const who = `${adapter || 'the backbone itself'}, ${sampling ? 'seeded' : 'greedy'}`;
    it(`${who}: 0 mismatches, and a part of it verified`, async (t) => {
      const sum = { places: 0, verified: 0, drafts: 0, rounds: 0, mismatches: 0 };
      for (const [index, place] of realPlaces(PLACES, 20_261_121).entries()) {
        const broken = breakage(index);
        await connected();
        const found = await completed(place, adapter, sampling);
        await broken;
        sum.places++;
        if (found === undefined) {
          sum.drafts++;
          continue;
        }
        sum.verified++;
        sum.rounds += found.rounds;
        if (found.text !== (await alone(place, adapter, sampling))) sum.mismatches++;
      }
      t.diagnostic(JSON.stringify({ who, ...sum, up: faults.counts.up, down: faults.counts.down }));
      assert.equal(sum.mismatches, 0);
      assert.ok(sum.verified >= 0.1 * sum.places, `${sum.verified} of ${sum.places} verified`);
      all.places += sum.places;
      all.verified += sum.verified;
    });
  }

  // Of all, since a quarter of the completions is broken on purpose, and after each loss the policy leaves the node alone
  // for a while, the longer the slower the machine.
  it('a quarter of all is verified, or the faults would be all that was tested', () => {
    assert.ok(all.verified >= 0.25 * all.places, `${all.verified} of ${all.places} verified`);
  });

  /** Now and then the node, or its engine, dies while a completion is under way. */
  async function breakage(index: number): Promise<void> {
    if (index % 8 === 3) {
      for (const pid of await childrenOf(node.pid)) process.kill(pid, 'SIGKILL');
      await node.ready();
    } else if (index % 8 === 7) {
      await node.end('SIGKILL');
      await node.start(['--sequences', '2']);
    }
  }

  async function connected(): Promise<void> {
    for (let tries = 0; channel.state.status !== 'connected'; tries++) {
      assert.ok(tries < 300, `not connected: ${channel.state.reason ?? channel.state.status}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The verified text, or undefined where there was none. */
  async function completed(place: Place, adapter: string, sampling: Sampling | undefined) {
    const edge = { verifier: channel, control };
    try {
      let last;
      for await (const candidate of complete(
        { family, draft, edge, now },
        { ...place, adapter, sampling },
        never,
      ))
        last = candidate;
      return last?.report.path === 'speculated' ? { text: last.text, rounds: last.report.rounds } : undefined;
    } catch (error) {
      assert.ok(error instanceof EdgeError, String(error));
      return undefined;
    }
  }

  /** What the target writes with nobody's help, cut by the same rule. */
  async function alone(place: Place, adapter: string, sampling: Sampling | undefined): Promise<string> {
    const parts = { family, tokenizer: target };
    const prompt = await promptFor(parts, place);
    const limit = COMPLETION_LIMIT + prompt.leading.tokens.length;
    const leading = prompt.leading.text;
    const written = target.write({
      adapter,
      context: prompt.context,
      limit,
      leading,
      until: 'line',
      sampling,
    });
    return firstLine(await continuationOf(parts, prompt, await tokensOf(written)));
  }
});
