/**
 * Pure: choosing by chance in a way that a draft can foresee. Every id at every place has a luck of its own, drawn from
 * the seed alone; the choice is the id whose logit plus luck is largest (Gumbel-max). By itself that is sampling from the
 * softmax. A draft model that is given the same seed shares the luck, so that its choice is the target's wherever their
 * logits are alike; and what the target chooses depends on the target, the seed and the place only, whatever was drafted.
 */

export interface Sampling {
  /** Divides the logits: {@link MIN_TEMPERATURE} to {@link MAX_TEMPERATURE}. */
  readonly temperature: number;
  /** 32 bits without sign. */
  readonly seed: number;
}

/** Below, the quotients are no numbers to compare any more, and the choice is as good as greedy. */
export const MIN_TEMPERATURE = 0.01;
export const MAX_TEMPERATURE = 2;

/**
 * The logits, divided by the temperature, with their luck.
 * @param place how many tokens come before the one that is chosen, the whole context counted, so that a text keeps its
 *   luck while it is typed through.
 */
export function withLuck(
  logits: ReadonlyMap<number, number>,
  { temperature, seed }: Sampling,
  place: number,
): Map<number, number> {
  const lucky = new Map<number, number>();
  for (const [token, logit] of logits) lucky.set(token, logit / temperature + luck(seed, place, token));
  return lucky;
}

/** The id of the largest value; among equals the lowest id, so that the order of the map does not matter. */
export function largest(values: ReadonlyMap<number, number>): number | undefined {
  let best: number | undefined;
  let highest = -Infinity;
  for (const [token, value] of values) {
    if (value > highest || (value === highest && token < best!)) [best, highest] = [token, value];
  }
  return best;
}

/** The softmax of `logits` at one id. */
export function probabilityOf(logits: ReadonlyMap<number, number>, token: number): number {
  const own = logits.get(token) ?? -Infinity;
  let sum = 0;
  for (const logit of logits.values()) sum += Math.exp(logit - own);
  return 1 / sum;
}

/** A draw from the standard Gumbel distribution, the same for the same three numbers. */
function luck(seed: number, place: number, token: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (const number of [place, token]) {
    mixed ^= Math.imul(number + 1, 0xcc9e2d51);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed ^= mixed >>> 16;
  }
  const uniform = ((mixed >>> 0) + 0.5) / 2 ** 32;
  return -Math.log(-Math.log(uniform));
}
