/** Pure: figures of a sample of numbers. */
import { median } from '../../evaluation/src/aggregate.ts';
import { pick, type Random } from '../../evaluation/src/random.ts';

export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly mean: number;
}

export function spreadOf(numbers: readonly number[]): Spread {
  return {
    count: numbers.length,
    median: median(numbers),
    p10: quantile(numbers, 0.1),
    p90: quantile(numbers, 0.9),
    mean: numbers.reduce((sum, number) => sum + number, 0) / numbers.length,
  };
}

/** The number below which a share of 0 to 1 of the sample lies, linear between neighbours; NaN of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return low + (high - low) * (place % 1);
}

/** A median with the interval that 95 per cent of its bootstrap resamples lie in. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** As it stands in a table. */
export function shown({ median: middle, low, high }: Interval): string {
  return `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

const RESAMPLES = 1000;

/** The median of the ratios of pairs, so that what made a pair slow as a whole is not in it. */
export function ratioOf(pairs: readonly (readonly [number, number])[], random: Random): Interval {
  const ratios = pairs.map(([part, of]) => part / of);
  const medians = Array.from({ length: ratios.length > 0 ? RESAMPLES : 0 }, () =>
    median(ratios.map(() => pick(ratios, random))),
  );
  return { median: median(ratios), low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}
