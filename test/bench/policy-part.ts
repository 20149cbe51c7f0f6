/** Part `policy`: the experiments of `policy/` on a virtual clock, as tables. They run in a process of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { table } from '../../evaluation/src/table.ts';
import { sampled, type Part } from './bench.ts';
import { lineChart } from './chart.ts';
import type { Report } from './document.ts';
import type { compare, Figures, hourOfTyping } from './policy/experiment.ts';

const EXPERIMENT = join(import.meta.dirname, 'policy', 'experiment.ts');
/** Completions in each world. */
const COMPLETIONS = 200;
/** The cells that are drawn: this machine and this acceptance, over all round trips. */
const DRAWN = /^office, (\d+) ms, 0\.85$/u;

type Comparison = ReturnType<typeof compare>;

/** What the experiment prints. */
export interface PolicyResults {
  readonly goals: readonly string[];
  readonly base: Comparison;
  readonly byMachine: readonly (Comparison & { readonly name: string })[];
  readonly otherWorlds: readonly (Comparison & { readonly name: string })[];
  readonly steps: readonly { readonly name: string; readonly ofOracle: number }[];
  readonly energy: readonly ReturnType<typeof hourOfTyping>[];
  readonly cells: readonly Figures[];
}

export const policy: Part = {
  name: 'policy',
  run: async (bench) => {
    const completions = sampled(bench, COMPLETIONS);
    bench.progress('policy', 0, 1);
    const results = await experiment(completions);
    bench.progress('policy', 1, 1);
    return { results, ...reportOf(results, completions) };
  },
};

/** @throws Error where the experiment fails; it says why on standard error. */
async function experiment(completions: number): Promise<PolicyResults> {
  const child = spawn(process.execPath, [EXPERIMENT, '--completions', String(completions)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const printed = await text(child.stdout);
  const [code] = await ended;
  if (code !== 0) throw new Error(`The policy's experiment ended with code ${code ?? 'none'}.`);
  return JSON.parse(printed) as PolicyResults;
}

export function reportOf(results: PolicyResults, completions: number): Report {
  const { goals, base, byMachine, otherWorlds, steps, energy, cells } = results;
  const figures = (found: Comparison) => [
    found.ofOracle,
    found.bestFixed,
    found.eight,
    found.bestConstant,
    found.timeOfStream,
    found.oracleOfStream,
    found.timeOfSpeculate,
    found.worstToSimple.ratio,
  ];
  const row = (name: string, found: Comparison) => [
    name,
    ...figures(found).map((figure) => figure.toFixed(3)),
  ];
  const columns = [
    'of oracle',
    '× fixed K',
    '× K = 8',
    '× K + stream',
    '/ stream',
    '(oracle)',
    '/ speculate',
    'worst',
  ];
  const drawn = cells.flatMap((cell) => {
    const rtt = DRAWN.exec(cell.name)?.[1];
    return rtt === undefined ? [] : [{ ...cell, rtt }];
  });
  const series = [
    { name: 'policy', values: drawn.map((cell) => cell.policy) },
    { name: 'oracle', values: drawn.map((cell) => cell.oracle) },
    { name: 'stream only', values: drawn.map((cell) => cell.stream) },
    { name: 'best fixed K', values: drawn.map((cell) => Math.min(...cell.fixed)) },
  ];
  const machines = byMachine.map(({ name }) => name);
  const recovered = Map.groupBy(steps, ({ name }) => name.slice(0, name.lastIndexOf(', ')));
  return {
    text: [
      table(
        `**The policy in known worlds** on a virtual clock: ratios of total time over ${completions} completions in each of ${cells.length} worlds (4 machines, 4 round trips, 4 acceptances). _Of oracle_ and × are better the larger, / the smaller; _(oracle)_ is the oracle's own / stream, _worst_ the worst cell against the better of streaming and any fixed K.`,
        ['', ...columns],
        [
          ['goal', ...goals.map((goal) => goal || '–')],
          row('all machines', base),
          ...byMachine.map((one) => row(one.name, one)),
        ],
      ),
      table(
        '**Other worlds**, all machines.',
        ['', ...columns],
        otherWorlds.map((one) => row(one.name, one)),
      ),
      table(
        '**After a step**: tokens per time as a share of the oracle’s, from the 20th round on.',
        ['', ...machines],
        [...recovered].map(([name, found]) => [name, ...found.map(({ ofOracle }) => ofOracle.toFixed(2))]),
      ),
      table(
        '**An hour of typing** under an energy budget.',
        ['budget (J)', 'used (%)', 'completions', 'verified', 'ms each'],
        energy.map(({ jPerHour, ofBudget, completions: all, verified, verifiedMs }) => [
          String(jPerHour),
          (100 * ofBudget).toFixed(1),
          String(all),
          String(verified),
          verified > 0 ? (verifiedMs / verified).toFixed(0) : '–',
        ]),
      ),
    ].join('\n\n'),
    charts: [
      {
        name: 'policy',
        alt: 'Milliseconds of a completion over the round trip, for policy, oracle, streaming and the best fixed draft length',
        svg: lineChart({
          title: 'Milliseconds of a completion: office machine, acceptance 0.85, virtual clock',
          xTitle: 'round trip (ms)',
          x: drawn.map(({ rtt }) => rtt),
          series,
        }),
      },
    ],
  };
}
