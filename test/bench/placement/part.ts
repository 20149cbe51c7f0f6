/** Part `placement`: which adapters a node keeps in memory when not all fit, by traces made by chance. */
import { median } from '../../../evaluation/src/aggregate.ts';
import { table } from '../../../evaluation/src/table.ts';
import { sampled, type Part } from '../bench.ts';
import { barChart } from '../chart.ts';
import type { Report } from '../document.ts';
import { copies, fleet, foreseeing, sharingLru, type Cache, type Tally } from './caches.ts';
import { BACKBONE_SIZE, traceOf, type World } from './trace.ts';

const REQUESTS = 20_000;
const TRACES = ['one', 'two', 'three', 'four', 'five'];
const WORLDS: readonly World[] = [
  { backbones: 1, capacity: 1.3 },
  { backbones: 3, capacity: 2.2 },
  { backbones: 3, capacity: 2.6 },
];
const CACHES: readonly (readonly [string, Cache])[] = [
  ['hits per byte', fleet('hits-per-byte')],
  ['the node told to use LRU', fleet('lru')],
  ['LRU of shared blocks', sharingLru],
  ['LRU of whole copies', copies],
  ['foreseen', foreseeing],
];

interface Row extends World {
  readonly cache: string;
  /** One for each trace. */
  readonly tallies: readonly Tally[];
}

export interface PlacementResults {
  readonly requests: number;
  readonly rows: readonly Row[];
}

export const placement: Part = {
  name: 'placement',
  run: async (bench) => {
    const requests = sampled(bench, REQUESTS);
    const rows: Row[] = [];
    for (const world of WORLDS) {
      for (const [cache, run] of CACHES) {
        const tallies = [];
        for (const seed of TRACES) {
          const { adapters, trace } = traceOf(world, seed, requests);
          tallies.push(await run(trace, adapters, world.capacity * BACKBONE_SIZE));
        }
        rows.push({ ...world, cache, tallies });
        bench.progress('placement', rows.length, WORLDS.length * CACHES.length);
      }
    }
    const results = { requests, rows };
    return { results, ...reportOf(results) };
  },
};

export function reportOf({ requests, rows }: PlacementResults): Report {
  const hits = (row: Row) => row.tallies.map((tally) => tally.hits / requests);
  const fetched = (row: Row) => row.tallies.map((tally) => tally.fetched / requests);
  const first = (row: Row) => rows.find((one) => sameWorld(one, row))!;
  const ratio = (ours: readonly number[], others: readonly number[]) =>
    median(ours.map((value, trace) => value / others[trace]!));
  const body = rows.map((row) => {
    const own = first(row);
    const compared = own === row;
    return [
      compared ? `${row.backbones}, ${row.capacity}` : '',
      row.cache,
      (100 * median(hits(row))).toFixed(1),
      compared ? '–' : ratio(hits(own), hits(row)).toFixed(2),
      median(fetched(row)).toFixed(2),
      compared ? '–' : ratio(fetched(row), fetched(own)).toFixed(0),
      median(row.tallies.map(({ recycled }) => recycled)).toFixed(0),
    ];
  });
  const drawn = WORLDS[1]!;
  return {
    text: table(
      `**What is in memory when it is asked for**: ${requests} requests for 40 adapters, medians of ${TRACES.length} traces; _×_ are medians of the pairs, how many times as many hits the first line has, and how many times as many bytes the others bring in.`,
      ['backbones, memory', 'cache', 'hits (%)', 'ours (×)', 'MB/request', 'theirs (×)', 'engines replaced'],
      body,
    ),
    charts: [
      {
        name: 'placement',
        alt: 'Per cent of requests that find their adapter in memory, by cache',
        svg: barChart({
          title: `Hits in per cent: ${drawn.backbones} backbones, memory of ${drawn.capacity}; thin, the best trace`,
          bars: rows
            .filter((row) => sameWorld(row, drawn))
            .map((row) => ({
              name: row.cache,
              value: 100 * median(hits(row)),
              upTo: 100 * Math.max(...hits(row)),
            })),
        }),
      },
    ],
  };
}

function sameWorld(one: World, other: World): boolean {
  return one.backbones === other.backbones && one.capacity === other.capacity;
}
