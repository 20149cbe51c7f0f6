/** Pure: the last samples of one quantity that each round shows directly. */
import { half, sum } from './memory.ts';

/** Oldest first; `times` in milliseconds. */
export interface Samples {
  readonly values: readonly number[];
  readonly times: readonly number[];
}

export const NONE: Samples = { values: [], times: [] };

const WINDOW = 12;
/** Half-life of a sample (ms). */
const SAMPLE_LIFE = 60_000;

export function add({ values, times }: Samples, value: number, at: number): Samples {
  if (!Number.isFinite(value)) return { values, times };
  // Those of another place must not outvote the first ones of this one.
  const first = times.findIndex((time) => at - time < 4 * SAMPLE_LIFE);
  const since = first === -1 ? times.length : first;
  return {
    values: [...values.slice(since), value].slice(-WINDOW),
    times: [...times.slice(since), at].slice(-WINDOW),
  };
}

/**
 * The interquartile mean, drawn to the prior as the samples age: one fresh sample outweighs it tenfold. Three stalls in
 * twelve do not move it, nine new samples replace it.
 */
export function believed({ values, times }: Samples, prior: number, now: number): number {
  if (values.length === 0) return prior;
  const sorted = values.toSorted((a, b) => a - b);
  const cut = Math.floor(sorted.length / 4);
  const core = sorted.slice(cut, sorted.length - cut);
  const weight = times.reduce((total, at) => total + half(now - at, SAMPLE_LIFE), 0);
  return ((sum(core) / core.length) * weight + prior * 0.1) / (weight + 0.1);
}

/** Whether there is a sample that is not much older than its half-life. */
export function seenLately({ times }: Samples, now: number): boolean {
  return times.some((at) => half(now - at, SAMPLE_LIFE) > 0.25);
}
