import { join } from 'node:path';
import { makeWidenedFamily } from '../../support/widened-family.ts';
import type { Bench } from '../bench.ts';

const DIRECTORY = join(import.meta.dirname, '../../../.foretype/bench/wide');
/** With the 12 layers of the embedded family: 124.5 million parameters. */
const WIDTHS = { embedding: 1024, feedForward: 2240 };

/**
 * The same bench with a target of a size that teams run: the family's backbone, widened with zeros, which writes the
 * same at the cost of a larger one. Every sample is `share` of what it would be.
 */
export async function withWideTarget(bench: Bench, share: number): Promise<Bench> {
  const options = { id: `${bench.family.id}-125m`, widths: WIDTHS };
  const family = await makeWidenedFamily(bench.family, DIRECTORY, options);
  return { ...bench, directory: DIRECTORY, family, percent: bench.percent * share };
}
