/** Pure: how what was seen loses its weight. */

/** What is left of a weight after `passed` of whatever `life`, its half-life, is counted in. */
export function half(passed: number, life: number): number {
  return 2 ** (-Math.max(0, passed) / life);
}

/** Half-life, in milliseconds, of what is counted: a machine and its models change between days, not within a minute. */
export const COUNT_LIFE = 1_200_000;
/** Half-life, in rounds, of what is counted. */
export const ROUND_LIFE = 60;

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
