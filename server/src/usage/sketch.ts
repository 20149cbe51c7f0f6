/**
 * Pure: quantiles of latencies with a fixed relative error, in counts that can be added up (DDSketch, arXiv 1908.10693).
 * The packages that have it bring an encoding of theirs along; what is needed of it is a logarithm.
 */
import { SKETCH_ERROR, SKETCH_RANGE } from '@foretype/edge-node/protocol';

/** Values by bucket: bucket `i` has those above γ^(i-1) up to γ^i. Two sketches are merged by adding their counts. */
export type Sketch = Readonly<Record<string, number>>;

const GAMMA = (1 + SKETCH_ERROR) / (1 - SKETCH_ERROR);

/** The bucket of a time in milliseconds. What lies beyond {@link SKETCH_RANGE} counts as its end, which bounds the buckets. */
export function bucketOf(ms: number): string {
  const within = Math.min(Math.max(ms, SKETCH_RANGE.least), SKETCH_RANGE.greatest);
  return String(Math.ceil(Math.log(within) / Math.log(GAMMA)));
}

/**
 * The value below which a share `q` of the values lies, in milliseconds; null where there are none.
 * Its relative error is {@link SKETCH_ERROR} at most.
 */
export function quantileOf(sketch: Sketch, q: number): number | null {
  const buckets = Object.entries(sketch)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .sort((a, b) => a.bucket - b.bucket);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const rank = q * (total - 1);
  let passed = 0;
  for (const { bucket, count } of buckets) {
    passed += count;
    // The value whose distance from both ends of the bucket is the same share of them.
    if (passed > rank) return (2 * GAMMA ** bucket) / (GAMMA + 1);
  }
  return null;
}
