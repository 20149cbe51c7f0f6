/** Pure: the node's own time for a verdict, as a regression on the tokens it judges. */
import { COUNT_LIFE, half, ROUND_LIFE } from './memory.ts';

/** Sums of a least-squares fit of the node's time to (1, tokens judged). */
export interface Fit {
  readonly products: readonly number[];
  readonly targets: readonly number[];
  /** Mean absolute residual where a round takes {@link USUAL_MS}; recent mean of signed ones, 1 being all at the clip. */
  readonly scale: number;
  readonly drift: number;
  readonly rounds: number;
  readonly at: number;
}

/** What a verdict asked of the node, and how long it took. */
export interface NodeWork {
  /** Milliseconds on the clock of all observations, and the node's own. */
  readonly at: number;
  readonly judgedMs: number;
  /** Tokens evaluated at once besides the context's last. */
  readonly judged: number;
}

/** Before anything was seen, in ms: fixed, and per token judged (a target on a CPU). */
export const NODE_PRIOR = [12, 1] as const;
/**
 * A round of usual length (ms), and the weight of the prior in such rounds: with times that vary by a tenth, it
 * stands for 12 ± 17 ms and 1 ± 8 ms.
 */
const USUAL_MS = 24;
const PRIOR_WEIGHT = [0.02, 0.1];
/** Rounds before anything can be called an outlier. */
const FIRST_ROUNDS = 5;

/** What is believed of the node at `now` (ms). */
export function nodeAt(fit: Fit, now: number) {
  const [fixedMs, tokenMs] = solved(aged(fit, now)) as [number, number];
  return { fixedMs, tokenMs };
}

export function startFit(): Fit {
  return { products: [0, 0, 0, 0], targets: [0, 0], scale: 5, drift: 0, rounds: 0, at: 0 };
}

/**
 * One more round for the regression, on a relative scale: a node's times vary in proportion to their length. A residual
 * counts for at most 2.5 times the usual one, so that a stall of seconds weighs like any round; but where residuals stay
 * on one side the node itself has changed, and the past is dropped.
 */
export function countRound(fit: Fit, work: NodeWork): Fit {
  const { products, targets, scale, drift } = aged(fit, work.at, half(1, ROUND_LIFE));
  const features = [1, work.judged];
  const foretold = dot(features, solved({ products, targets }));
  const first = fit.rounds < FIRST_ROUNDS;
  const unit = USUAL_MS / Math.max(1, foretold, first ? work.judgedMs : 0);
  const residual = (work.judgedMs - foretold) * unit;
  const clip = 2.5 * scale;
  const clipped = Math.max(-clip, Math.min(clip, residual));
  const side = first ? 0 : 0.75 * drift + (0.25 * clipped) / clip;
  const changed = Math.abs(side) > 0.7;
  const kept = changed ? 0 : 1;
  const counted = foretold * unit + (first || changed ? residual : clipped);
  const scaled = features.map((feature) => feature * unit);
  return {
    products: products.map((sum, index) => {
      return kept * sum + scaled[Math.floor(index / 2)]! * scaled[index % 2]!;
    }),
    targets: targets.map((sum, index) => kept * sum + scaled[index]! * counted),
    // After a change the new times must not count as outliers; one stall must not widen the clip for long.
    scale: changed
      ? Math.max(scale, Math.abs(residual))
      : Math.max(0.2, scale + 0.15 * (Math.min(Math.abs(residual), 4 * scale) - scale)),
    drift: changed ? 0 : side,
    rounds: fit.rounds + 1,
    at: work.at,
  };
}

function aged(fit: Fit, now: number, keep = 1): Fit {
  const left = keep * half(now - fit.at, COUNT_LIFE);
  const shrunk = (sums: readonly number[]) => sums.map((sum) => sum * left);
  return { ...fit, products: shrunk(fit.products), targets: shrunk(fit.targets) };
}

/** Least squares with no coefficient below zero, by coordinate descent from the prior. */
function solved({ products, targets }: Pick<Fit, 'products' | 'targets'>): number[] {
  const found: number[] = [...NODE_PRIOR];
  for (let sweep = 0; sweep < 40; sweep++) {
    for (const row of [0, 1]) {
      const other = products[1]! * found[1 - row]!;
      const pull = targets[row]! - other + PRIOR_WEIGHT[row]! * NODE_PRIOR[row]!;
      found[row] = Math.max(0, pull / (products[3 * row]! + PRIOR_WEIGHT[row]!));
    }
  }
  return found;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, index) => total + value * b[index]!, 0);
}
