/** Pure: the values that labels may have. Each value is a time series of its own, in the node and in whatever reads it. */

/** Stands for all values beyond those that are told apart; no name and no code has parentheses in it. */
export const OTHER = '(other)';
/** Stands for no adapter. */
const BACKBONE = '(backbone)';

/** Adapters that are told apart, as long as the node runs. */
export const MAX_ADAPTERS = 200;
/** Error codes that are told apart; the node has fewer. */
export const MAX_CODES = 64;

/** Lets the first `limit` values through, and says {@link OTHER} for those that come later. */
export function firstOnes(limit: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < limit) known.add(value);
    return known.has(value) ? value : OTHER;
  };
}

/** An adapter without its version: versions come and go, and their sum is what a chart shows. */
export function adapterLabel(adapter: string): string {
  return adapter === '' ? BACKBONE : adapter.split('@', 1)[0]!;
}
