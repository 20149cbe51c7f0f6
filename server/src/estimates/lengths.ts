/** Pure: how long completions are. */
import { half, sum } from './memory.ts';

/** The longest completion that is planned or counted, in tokens. */
export const HORIZON = 48;
/** A completion of a line has some 12 tokens. */
const PRIOR_LENGTH = 12;
/** Half-life in completions. */
const LENGTH_LIFE = 80;
/** How a count is spread over its length and two to either side. */
const KERNEL = [1, 2, 3, 2, 1].map((weight) => weight / 9);

/** Counts by length: n tokens at index n - 1. */
export function countLength(lengths: readonly number[], tokens: number): number[] {
  const keep = half(1, LENGTH_LIFE);
  return Array.from({ length: HORIZON }, (_, index) => {
    return (lengths[index] ?? 0) * keep + (index === Math.min(tokens, HORIZON) - 1 ? 1 : 0);
  });
}

/** The counts, each spread a little over its neighbours, and a triangle around the prior length worth five of them. */
export function lengthsOf(counts: readonly number[]): number[] {
  const weights = Array.from({ length: HORIZON }, (_, index) => {
    const near = KERNEL.reduce((all, weight, step) => all + weight * (counts[index + step - 2] ?? 0), 0);
    const triangle = Math.max(0.05, 1 - Math.abs(index + 1 - PRIOR_LENGTH) / PRIOR_LENGTH);
    return near + (5 * triangle) / PRIOR_LENGTH;
  });
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}
