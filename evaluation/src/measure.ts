import type { Bench } from './bench.ts';
import { measureBits } from './bits.ts';
import { learnNgram, measureNgram } from './counting.ts';
import { measureDraft } from './drafting.ts';
import { measureHoles } from './fill.ts';
import { loadHeldOut } from './heldout.ts';
import type { Results } from './report.ts';
import { measureFiles, measureSpeed } from './speed.ts';

export const PARTS = ['bits', 'ngram', 'holes', 'draft', 'speed', 'files'] as const;
export type Part = (typeof PARTS)[number];

export function isPart(name: string): name is Part {
  return (PARTS as readonly string[]).includes(name);
}

/**
 * Measures the parts that are asked for, one after the other.
 * @throws Error where the held-out sources are not what they should be; EngineError where a model cannot be read.
 */
export async function measure(bench: Bench, parts: readonly Part[]): Promise<Results> {
  const packages = await loadHeldOut();
  const wanted = (part: Part) => parts.includes(part);
  // The drafts are compared with it too.
  const ngram = wanted('ngram') || wanted('draft') ? await learnNgram(bench, packages) : undefined;
  return {
    family: bench.family.id,
    percent: bench.percent,
    ...(wanted('bits') && { bits: await measureBits(bench, packages) }),
    ...(wanted('ngram') && { ngram: await measureNgram(bench, packages, ngram!) }),
    ...(wanted('holes') && { holes: await measureHoles(bench, packages) }),
    ...(wanted('draft') && { draft: await measureDraft(bench, packages, ngram!.model) }),
    ...(wanted('speed') && { speed: await measureSpeed(bench, packages) }),
    ...(wanted('files') && { files: await measureFiles(bench.family) }),
  };
}
