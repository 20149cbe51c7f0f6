/** Pure: chance that is the same on every machine, and samples drawn with it. */

/** A number from 0 to 1, exclusive. */
export type Random = () => number;

/**
 * The same sequence for the same label, and another one for any other: FNV-1a makes the seed, mulberry32 the numbers.
 * A label for each sample keeps one sample as it is when another grows.
 */
export function chance(label: string): Random {
  let seed = 2166136261;
  for (let at = 0; at < label.length; at++) seed = Math.imul(seed ^ label.charCodeAt(at), 16777619);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of `items`, all equally likely. @throws RangeError where there are none. */
export function pick<T>(items: readonly T[], random: Random): T {
  if (items.length === 0) throw new RangeError('There is nothing to pick from.');
  return items[Math.floor(random() * items.length)]!;
}

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}

/** `total` cut into `parts` whole numbers that differ by one at most, the larger ones first. */
export function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => Math.floor((total + parts - 1 - index) / parts));
}
