/** Pure: from what keys saw to the tables of the parts `typing` and `typing-away`. */
import { share, table, whole } from '../../../evaluation/src/table.ts';
import type { Report } from '../document.ts';
import { quantile } from '../statistics.ts';
import type { Seen } from './play.ts';

export const FORETYPE = 'foretype';
export const OTHERS = ['Tabby’s rules', 'Continue’s rules', 'llama.vscode’s rules'] as const;
export const ARMS = [FORETYPE, ...OTHERS] as const;
export type ArmName = (typeof ARMS)[number];

export interface ArmResults {
  readonly seen: readonly Seen[];
  /** Seconds of computing on the laptop and elsewhere. */
  readonly laptop: number;
  readonly node: number;
  /** Completions that were begun. */
  readonly begun: number;
}

export interface TypingResults {
  readonly family: string;
  /** Of llama.cpp. */
  readonly release: string;
  /** Null where one machine does all. */
  readonly roundTripMs: number | null;
  readonly pinned: boolean;
  readonly files: number;
  readonly arms: Readonly<Record<ArmName, ArmResults>>;
}

export interface Figures {
  readonly keys: number;
  /** Milliseconds to the first text at keys where none stood: half and 95 per cent of those that got one in time. */
  readonly median: number;
  readonly p95: number;
  /** Keys that got a text, and keys at which one stood already and was typed. */
  readonly shown: number;
  readonly kept: number;
  /** For 1,000 keys. */
  readonly begun: number;
  readonly laptop: number;
  readonly node: number;
}

export function figuresOf({ seen, laptop, node, begun }: ArmResults): Figures {
  const times = seen.map(({ shownMs }) => shownMs).filter((ms) => ms !== null);
  const thousands = seen.length / 1000;
  return {
    keys: seen.length,
    median: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    shown: times.length,
    kept: seen.filter(({ kept }) => kept).length,
    begun: begun / thousands,
    laptop: laptop / thousands,
    node: node / thousands,
  };
}

/** Ours by the least of the others'. */
export function againstBest(ours: number, others: readonly number[]): number {
  return ours / Math.min(...others.filter((one) => !Number.isNaN(one)));
}

export function reportOf(results: TypingResults, on: string): Report {
  const { family, release, roundTripMs, pinned, files, arms } = results;
  const where = pinned ? 'each bound to a core' : 'not bound to cores';
  const way = roundTripMs === null ? 'all on one machine' : `the target ${roundTripMs} ms away`;
  const of = (name: ArmName) => figuresOf(arms[name]);
  const seconds = ({ laptop, node }: Figures) =>
    roundTripMs === null
      ? [laptop.toFixed(1)]
      : [laptop.toFixed(1), node.toFixed(1), (laptop + node).toFixed(1)];
  const rows = ARMS.map((name) => {
    const figures = of(name);
    return [
      name,
      figures.median.toFixed(0),
      figures.p95.toFixed(0),
      share(figures.shown, figures.keys),
      share(figures.kept, figures.keys),
      whole(Math.round(figures.begun)),
      ...seconds(figures),
    ];
  });
  const computing = roundTripMs === null ? ['CPU-s'] : ['laptop’s CPU-s', 'the node’s', 'together'];
  const ours = of(FORETYPE);
  const compared = (figure: (one: Figures) => number) =>
    againstBest(
      figure(ours),
      OTHERS.map((name) => figure(of(name))),
    ).toFixed(2);
  const together = (one: Figures) => one.laptop + one.node;
  return {
    text: [
      table(
        `**From the key to a text that fits**, ${way}: ${whole(ours.keys)} keys in ${files} files, typed at a person's pace by each in turn, in an order drawn by lot at each place; family \`${family}\`, llama-server of llama.cpp ${release}, one thread each, ${where}, on ${on}. Median and 95 % (ms) of keys at which no text stood and one came before the next key; their share of all keys, that of keys at which one stood and was typed; completions begun and seconds computed for 1,000 keys.`,
        ['', 'median', '95 %', 'came (%)', 'stood (%)', 'begun', ...computing],
        rows,
      ),
      table(
        '**Foretype by the best of the others**: aimed at were 0.25 for the first text and 0.5 for what is computed.',
        ['', 'median', '95 %', 'CPU-s'],
        [['×', compared((one) => one.median), compared((one) => one.p95), compared(together)]],
      ),
    ].join('\n\n'),
    charts: [],
  };
}
