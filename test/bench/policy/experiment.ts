/**
 * What the policy is worth, in worlds with known parameters on a virtual clock: against the best that could be known,
 * against streaming alone, against fixed draft lengths, after a step, and under an energy budget. The policy knows nothing
 * at the start of a cell; what learning and exploring cost is part of every figure.
 *
 *     node test/bench/policy/experiment.ts [--completions N]        JSON, of which policy-part.ts makes tables
 */
import { parseArgs } from 'node:util';
import { conditionsAt, DEPTH, observe, startEstimates } from '../../../server/src/estimates.ts';
import {
  choose,
  refill,
  spend,
  wantedAfter,
  worthDrafting,
  type EnergyBudget,
  type EnergyCosts,
} from '../../../server/src/policy.ts';
import { alwaysSpeculate, confidentOracle, fixed, oracle } from './oracle.ts';
import { between, complete, geometric, seeded, type Strategy, type World } from './world.ts';

/** Milliseconds between two completions of somebody who types. */
const PAUSE = 1500;
const RTTS = [3, 20, 60, 200];
const ACCEPTANCES = [0.5, 0.7, 0.85, 0.93];

/** Costs like those measured: of a token drafted, of a round on the node, of a token written on (ms). */
export const MACHINES = {
  'fast node': { draftMs: 1.5, fixedMs: 6, streamMs: 5 },
  office: { draftMs: 3, fixedMs: 14, streamMs: 13 },
  'slow node': { draftMs: 4, fixedMs: 30, streamMs: 30 },
  'slow laptop': { draftMs: 8, fixedMs: 14, streamMs: 13 },
} as const;

const BASE = {
  jitter: 0.15,
  stall: 0,
  judgeMs: 1,
  lengths: between(4, 24),
  overlap: false,
  ghost: true,
} satisfies Partial<World>;

export interface Cell {
  readonly name: string;
  readonly world: World;
}

/** Every round trip with every acceptance on every machine. */
export function grid(
  change: (world: World, rate: number) => World = (world) => world,
  machines: readonly (keyof typeof MACHINES)[] = Object.keys(MACHINES) as (keyof typeof MACHINES)[],
): Cell[] {
  return machines.flatMap((machine) =>
    RTTS.flatMap((rttMs) =>
      ACCEPTANCES.map((rate) => ({
        name: `${machine}, ${rttMs} ms, ${rate}`,
        world: change({ ...BASE, ...MACHINES[machine], rttMs, acceptance: geometric(rate) }, rate),
      })),
    ),
  );
}

/** A budget and what things cost; the strategy reads it, the experiment spends from it. */
export interface Purse {
  budget: EnergyBudget;
  readonly costs: EnergyCosts;
}

/** The policy as a server would use it, with all that it has learnt. */
export function adaptive(world: Pick<World, 'overlap' | 'confidence'>, purse?: Purse): Strategy {
  let estimates = startEstimates();
  return {
    next: ({ committed, atHand, now }) => {
      const conditions = conditionsAt(estimates, '', now);
      const wanted = wantedAfter(conditions.lengths, committed);
      const { standing } = conditions.acceptance.neural;
      const hand = standing.slice(0, atHand).map((all, index) => all / (standing[index - 1] ?? 1));
      const { overlap } = world;
      const demand = { source: 'neural', wanted, hand, delayMs: 0, longest: DEPTH, overlap } as const;
      const plan = choose(conditions, { ...demand, deadlineMs: 10_000 }, purse);
      if (plan.kind === 'draft-only') return { draft: 0, more: 0, declined: true };
      const draft = plan.kind === 'speculate' ? plan.draft : 0;
      const worth = (position: number, prefix: number) => worthDrafting(plan, position, prefix);
      return { draft, more: plan.more, ...(world.confidence && { worth }) };
    },
    observe: (seen) => {
      estimates = observe(estimates, seen);
    },
  };
}

/** Milliseconds of each of `count` completions, one after the other. */
export function run(world: World, strategy: Strategy, count: number, seed = 1, start = 0): number[] {
  let now = start;
  return Array.from({ length: count }, (_, index) => {
    const { ms } = complete(world, strategy, seed * 100_003 + index, now);
    now += ms + PAUSE;
    return ms;
  });
}

export interface Figures {
  readonly name: string;
  /** Mean milliseconds per completion. */
  readonly policy: number;
  readonly oracle: number;
  readonly stream: number;
  readonly speculate: number;
  /** By draft length, 1 to 16. */
  readonly fixed: readonly number[];
  /** By draft length, the rest written by the node: the best constant that knows of streaming. */
  readonly constant: readonly number[];
}

export function measure({ name, world }: Cell, completions: number, seed = 1): Figures {
  const mean = (strategy: Strategy) => sum(run(world, strategy, completions, seed)) / completions;
  const limit = world.lengths.length;
  const drafts = Array.from({ length: DEPTH }, (_, index) => index + 1);
  return {
    name,
    policy: mean(adaptive(world)),
    oracle: mean(world.confidence ? confidentOracle(world) : oracle(world)),
    stream: mean(fixed(0, limit)),
    speculate: mean(alwaysSpeculate(world)),
    fixed: drafts.map((draft) => mean(fixed(draft))),
    constant: drafts.map((draft) => mean(fixed(draft, limit))),
  };
}

/** The goals over many cells; every ratio is of total times, above 1 where the policy is faster unless said otherwise. */
export function compare(cells: readonly Figures[]) {
  const total = (of: (cell: Figures) => number) => sum(cells.map(of));
  const policy = total((cell) => cell.policy);
  const least = (of: (cell: Figures) => readonly number[]) =>
    Math.min(...Array.from({ length: DEPTH }, (_, index) => total((cell) => of(cell)[index]!)));
  const worst = (of: (cell: Figures) => number) =>
    cells.map((cell) => ({ name: cell.name, ratio: of(cell) })).toSorted((a, b) => b.ratio - a.ratio)[0]!;
  return {
    ofOracle: total((cell) => cell.oracle) / policy,
    ofOracleMean: sum(cells.map((cell) => cell.oracle / cell.policy)) / cells.length,
    bestFixed: least((cell) => cell.fixed) / policy,
    bestConstant: least((cell) => cell.constant) / policy,
    eight: total((cell) => cell.fixed[7]!) / policy,
    timeOfStream: policy / total((cell) => cell.stream),
    timeOfStreamMean: sum(cells.map((cell) => cell.policy / cell.stream)) / cells.length,
    timeOfSpeculate: policy / total((cell) => cell.speculate),
    oracleOfStream: total((cell) => cell.oracle) / total((cell) => cell.stream),
    worstToOracle: worst((cell) => cell.policy / cell.oracle),
    worstToSimple: worst((cell) => cell.policy / Math.min(cell.stream, ...cell.fixed)),
  };
}

/** Tokens per time as a share of the oracle's, over the first completions that begin 20 rounds after a step. */
export function recovery(before: World, after: World, seeds: number, completions = 6): number {
  let oracleMs = 0;
  let policyMs = 0;
  const best = oracle(after);
  for (let seed = 1; seed <= seeds; seed++) {
    const strategy = adaptive(after);
    let now = 0;
    const one = (world: World, who: Strategy, index: number) => {
      const spent = complete(world, who, seed * 100_003 + index, now);
      if (who === strategy) now += spent.ms + PAUSE;
      return spent;
    };
    for (let index = 0; index < 80; index++) one(before, strategy, index);
    let index = 1000;
    for (let rounds = 0; rounds < 20; index++) rounds += one(after, strategy, index).rounds;
    for (let counted = 0; counted < completions; counted++, index++) {
      oracleMs += one(after, best, index).ms;
      policyMs += one(after, strategy, index).ms;
    }
  }
  return oracleMs / policyMs;
}

export const STEPS: readonly { name: string; from: Partial<World>; to: Partial<World> }[] = [
  { name: 'RTT 20 → 200 ms', from: { rttMs: 20 }, to: { rttMs: 200 } },
  { name: 'RTT 200 → 3 ms', from: { rttMs: 200 }, to: { rttMs: 3 } },
  {
    name: 'acceptance .93 → .5',
    from: { acceptance: geometric(0.93) },
    to: { acceptance: geometric(0.5) },
  },
  {
    name: 'acceptance .5 → .93',
    from: { acceptance: geometric(0.5) },
    to: { acceptance: geometric(0.93) },
  },
  {
    name: 'acceptance .93 → .7',
    from: { acceptance: geometric(0.93) },
    to: { acceptance: geometric(0.7) },
  },
  {
    name: 'acceptance .85 → .93',
    from: { acceptance: geometric(0.85) },
    to: { acceptance: geometric(0.93) },
  },
  { name: 'node 4 times slower', from: {}, to: { fixedMs: 56, streamMs: 52, judgeMs: 4 } },
];

/** An hour of typing with a completion every four seconds or so, and what it took. */
export function hourOfTyping(world: World, jPerHour: number, seed = 1) {
  const chance = seeded(seed);
  const purse: Purse = {
    budget: { backlogJ: 0, jPerHour, at: 0 },
    costs: { draftTokenJ: 0.03, roundJ: 0.3, waitJPerS: 1 },
  };
  const { draftTokenJ, roundJ, waitJPerS } = purse.costs;
  const strategy = adaptive(world, purse);
  const sums = { completions: 0, verified: 0, joules: 0, verifiedMs: 0 };
  for (let now = 0; now < 3_600_000; sums.completions++) {
    purse.budget = refill(purse.budget, now);
    const spent = complete(world, strategy, seed * 100_003 + sums.completions, now);
    // The ghost text is drafted in any case, and not counted.
    const tokens = Math.max(0, spent.drafted - spent.tokens);
    const joules = tokens * draftTokenJ + spent.rounds * roundJ + (spent.waitMs / 1000) * waitJPerS;
    purse.budget = spend(purse.budget, joules);
    sums.joules += joules;
    if (!spent.declined) {
      sums.verified++;
      sums.verifiedMs += spent.ms;
    }
    now += spent.ms + 8000 * chance();
  }
  return { jPerHour, ...sums, ofBudget: sums.joules / jPerHour };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Ways in which a real world may differ from the base one. */
export const OTHER_WORLDS: Readonly<Record<string, (world: World, rate: number) => World>> = {
  'later tokens stand better': (world, rate) => ({
    ...world,
    acceptance: positions((k) => Math.min(0.97, rate + 0.03 - 0.12 * 0.6 ** (k - 1))),
  }),
  'later tokens stand worse': (world, rate) => ({
    ...world,
    acceptance: positions((k) => rate * 0.97 ** (k - 1)),
  }),
  'easy and hard lines': (world, rate) => ({
    ...world,
    lines: [
      { share: 0.5, acceptance: rate + (1 - rate) * 0.7 },
      { share: 0.5, acceptance: rate - (1 - rate) * 0.7 },
    ],
  }),
  'a draft that knows how sure it is': (world, rate) => ({
    ...world,
    confidence: [
      { share: (rate - 0.35) / 0.63, acceptance: 0.98 },
      { share: (0.98 - rate) / 0.63, acceptance: 0.35 },
    ],
  }),
  'drafting on while waiting': (world) => ({ ...world, overlap: true }),
  'no ghost text to learn from': (world) => ({ ...world, ghost: false }),
  'jitter of 40 %, 1 % stalls of 1 s': (world) => ({ ...world, jitter: 0.4, stall: 0.01 }),
  'a node without a GPU (b = 0.35 stream)': (world) => ({ ...world, judgeMs: 0.35 * world.streamMs }),
  'a node with 40 ms of queue': (world) => ({ ...world, fixedMs: world.fixedMs + 40 }),
  'completions of 1-8 tokens': (world) => ({ ...world, lengths: between(1, 8) }),
  'completions of 20-48 tokens': (world) => ({ ...world, lengths: between(20, 48) }),
};

function positions(rate: (k: number) => number): number[] {
  return Array.from({ length: DEPTH }, (_, index) => rate(index + 1));
}

function report(completions: number) {
  const machines = Object.keys(MACHINES) as (keyof typeof MACHINES)[];
  const cells = grid().map((cell) => measure(cell, completions));
  const base = grid(undefined, ['office']).find(({ name }) => name === 'office, 20 ms, 0.85')!.world;
  return {
    goals: GOALS,
    base: compare(cells),
    byMachine: machines.map((name) => ({
      name,
      ...compare(cells.filter((cell) => cell.name.startsWith(`${name},`))),
    })),
    otherWorlds: Object.entries(OTHER_WORLDS).map(([name, change]) => ({
      name,
      ...compare(grid(change).map((cell) => measure(cell, completions))),
    })),
    steps: STEPS.flatMap(({ name, from, to }) =>
      machines.map((machine) => {
        const { world } = grid(undefined, [machine]).find((cell) => cell.name === `${machine}, 20 ms, 0.85`)!;
        return {
          name: `${name}, ${machine}`,
          ofOracle: recovery({ ...world, ...from }, { ...world, ...to }, 16),
        };
      }),
    ),
    energy: [200, 300, 400, 5000].map((jPerHour) => hourOfTyping(base, jPerHour)),
    cells,
  };
}

/** In the order of the columns that are printed. */
const GOALS = ['≥ 0.97', '≥ 1.06', '≥ 1.20', '', '≤ 0.83', '', '≤ 0.80', '≤ 1.02'];

if (import.meta.main) {
  const { values } = parseArgs({ options: { completions: { type: 'string', default: '200' } } });
  console.log(JSON.stringify(report(Number(values.completions))));
}
