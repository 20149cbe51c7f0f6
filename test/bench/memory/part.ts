/** Part `memory`: what adapters add to a node's memory, and whether it stays within its budget. Both are read from the system. */
import { EMBEDDED_FAMILY, kvBytesPerToken, type Family } from '@foretype/models';
import { median } from '../../../evaluation/src/aggregate.ts';
import { table } from '../../../evaluation/src/table.ts';
import { readGguf } from '../../../edge-node/src/hosting/files.ts';
import { residentBytes } from '../../../edge-node/src/metrics/memory.ts';
import { identityOf } from '../../../edge-node/src/protocol/index.ts';
import { Channel } from '../../../server/src/channel.ts';
import { EdgeError } from '../../../server/src/rounds.ts';
import { EdgeNode } from '../../support/node.ts';
import { childrenOf } from '../../support/processes.ts';
import { stock, withState } from '../../support/stocked.ts';
import { roundOf, wholeVerdict } from '../../support/verdict.ts';
import { machine, sampled, type Bench, type Part } from '../bench.ts';
import { lineChart } from '../chart.ts';
import type { Report } from '../document.ts';
import { withWideTarget } from '../rig/wide.ts';

const TOGETHER = 10;
const VERSIONS = 200;
/** Adapters for which the bounded node has room. */
const ROOM = 5;
const SEQUENCES = 4;
const MIB = 1024 ** 2;

/** Milliseconds after which a version that is being loaded is asked for again. */
const AGAIN_MS = 50;

const never = new AbortController().signal;

interface Loaded {
  readonly family: string;
  readonly backboneBytes: number;
  readonly adapterBytes: number;
  /** Resident bytes of node and engine with the backbone alone, and with {@link TOGETHER} adapters in use. */
  readonly without: number;
  readonly with: number;
  /** Resident bytes under a budget after each of the versions, one after the other. */
  readonly bounded: readonly number[];
  /** Engine processes that it took. */
  readonly engines: number;
}

export interface MemoryResults {
  readonly loaded: readonly Loaded[];
}

export const memory: Part = {
  name: 'memory',
  run: async (bench) => {
    const loaded = [await measure(bench)];
    if (bench.directory === EMBEDDED_FAMILY) loaded.push(await measure(await withWideTarget(bench, 1)));
    const results = { loaded };
    return { results, ...reportOf(results, machine()) };
  },
};

async function measure(bench: Bench): Promise<Loaded> {
  const { family } = bench;
  const versions = Math.max(TOGETHER + 1, sampled(bench, VERSIONS));
  await using node = new StockedNode(family, bench.directory);
  const ids = await node.stock(versions);
  const adapterBytes = await node.adapterBytes();
  await node.start(['--memory', '0']);
  await node.use('');
  const without = await node.resident();
  for (const id of ids.slice(0, TOGETHER)) await node.use(id);
  const withAdapters = await node.resident();
  await node.end();

  // What the node itself counts, of which a family's backbone and prompts are the larger part.
  const room = Math.ceil((family.backbone.bytes + (await node.promptBytes()) + ROOM * adapterBytes) / MIB);
  // Whoever is asked for is let in at once, so that every version really is.
  await node.start(['--memory', String(room), '--placement', 'lru']);
  await node.use('');
  const bounded = [];
  for (const [at, id] of ids.entries()) {
    await node.use(id);
    bounded.push(await node.resident());
    bench.progress('memory', at + 1, ids.length);
  }
  return {
    family: family.id,
    backboneBytes: family.backbone.bytes,
    adapterBytes,
    without,
    with: withAdapters,
    bounded,
    engines: node.engines.size,
  };
}

/** A node whose state has adapters in it, and a client that asks it for one after the other. */
class StockedNode {
  readonly engines = new Set<number>();
  readonly #node = new EdgeNode();
  readonly #family: Family;
  readonly #directory: string;
  #channel: Channel | undefined;

  constructor(family: Family, directory: string) {
    this.#family = family;
    this.#directory = directory;
  }

  stock(versions: number): Promise<string[]> {
    const made = Array.from({ length: versions }, (_, seed) => ({ name: 'ours', seed, rank: 8 }));
    return stock(this.#node.state, this.#family, made);
  }

  adapterBytes(): Promise<number> {
    return withState(this.#node.state, ({ adapters }) => adapters.versions()[0]!.bytes);
  }

  async promptBytes(): Promise<number> {
    return kvBytesPerToken(await readGguf(this.#family.backbone.path)) * this.#family.context * SEQUENCES;
  }

  async start(flags: readonly string[]): Promise<void> {
    await this.#node.start([
      ...['--family', this.#directory],
      ...['--sequences', String(SEQUENCES)],
      ...['--rate', '0'],
      ...flags,
    ]);
    const connected = Promise.withResolvers<undefined>();
    this.#channel = new Channel({
      url: this.#node.url,
      token: this.#node.token,
      identity: identityOf(this.#family),
      onState: ({ status }) => status === 'connected' && connected.resolve(undefined),
      random: () => 0,
    });
    await connected.promise;
  }

  /** One round with an adapter, asked for again while the node says that it loads it. */
  async use(adapter: string): Promise<void> {
    const { fim } = this.#family;
    const request = roundOf({ adapter, context: [fim.suffix, fim.middle, 40, 41, 42], more: 4 });
    for (;;) {
      try {
        await wholeVerdict(this.#channel!.verify(request, never));
        return;
      } catch (error) {
        if (!(error instanceof EdgeError) || error.code !== 'loading') throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  /** Bytes of the node's process and of its engine's; two engines while one takes over are waited out. */
  async resident(): Promise<number> {
    for (;;) {
      const engines = await childrenOf(this.#node.pid);
      for (const engine of engines) this.engines.add(engine);
      if (engines.length === 1) {
        const all = await Promise.all([this.#node.pid, ...engines].map(residentBytes));
        return all.reduce<number>((sum, bytes) => sum + bytes!, 0);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end(): Promise<void> {
    this.#channel?.dispose();
    await this.#node.end('SIGTERM');
    this.engines.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel?.dispose();
    await this.#node.dispose();
  }
}

export function reportOf({ loaded }: MemoryResults, on: string): Report {
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  const times = (bytes: number, of: number) => (bytes / of).toFixed(3);
  return {
    text: table(
      `**Resident memory** of a node and its engine, MiB, on ${on}: without adapters and with ${TOGETHER} of them used; then ${loaded[0]!.bounded.length} versions one after the other with room for ${ROOM}, after the tenth and after the last.`,
      [
        'family',
        'backbone',
        'an adapter',
        'without',
        `with ${TOGETHER}`,
        '×',
        'tenth',
        'last',
        '×',
        'most',
        'engines',
      ],
      loaded.map((one) => [
        `\`${one.family}\``,
        mib(one.backboneBytes),
        mib(one.adapterBytes),
        mib(one.without),
        mib(one.with),
        times(one.with, one.without),
        mib(one.bounded[TOGETHER - 1]!),
        mib(one.bounded.at(-1)!),
        times(one.bounded.at(-1)!, one.bounded[TOGETHER - 1]!),
        mib(Math.max(...one.bounded)),
        String(one.engines),
      ]),
    ),
    charts: [
      {
        name: 'memory',
        alt: 'Resident memory over adapter versions used in turn',
        svg: lineChart({
          title: `Resident MiB over versions used in turn, with room for ${ROOM}`,
          xTitle: 'versions so far',
          x: steps(loaded[0]!.bounded).map(([at]) => String(at)),
          series: loaded.map((one) => ({
            name: one.family,
            values: steps(one.bounded).map(([, bytes]) => bytes / MIB),
          })),
        }),
      },
    ],
  };
}

/** Twenty medians along the way, with the number of the last version of each. */
function steps(bounded: readonly number[]): (readonly [number, number])[] {
  const size = Math.max(1, Math.floor(bounded.length / 20));
  return Array.from({ length: Math.floor(bounded.length / size) }, (_, step) => {
    return [(step + 1) * size, median(bounded.slice(step * size, (step + 1) * size))] as const;
  });
}
