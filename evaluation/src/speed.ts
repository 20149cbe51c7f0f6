/** Parts `speed` and `files`: what the models cost. Only the timings differ from machine to machine. */
import { MAX_HEADER_BYTES, parseGguf, type Engine, type Family, type Token } from '@foretype/models';
import { open, stat } from 'node:fs/promises';
import { median } from './aggregate.ts';
import type { Bench } from './bench.ts';
import { startOf } from './bits.ts';
import type { HeldOutPackage } from './heldout.ts';
import { testsOf } from './projects.ts';
import { weightsRead } from './weights.ts';

const ROUNDS = 9;
/** Tokens written in a round, of which the first is not timed: it waits for the prompt. */
const WRITTEN = 65;

export interface SpeedResult {
  readonly rounds: number;
  readonly models: Record<'draft' | 'backbone', { prefill: number; generation: number; weights: number }>;
}

/**
 * Tokens a second with one thread, through the engine's process: the medians of rounds in which draft and backbone take
 * turns on the same text, so that whatever else the machine does meets both.
 */
export async function measureSpeed(bench: Bench, packages: readonly HeldOutPackage[]): Promise<SpeedResult> {
  const { family } = bench;
  const [longest] = testsOf(packages)
    .flatMap(({ files }) => files)
    .sort((a, b) => b.text.length - a.text.length);
  const times = await bench.map('speed', [longest!.text], async ({ target, draft }, text) => {
    const tokens = await draft.tokenize(text);
    const length = family.context - WRITTEN;
    const rates: Record<'draft' | 'backbone', { prefill: number; generation: number }[]> = {
      draft: [],
      backbone: [],
    };
    for (let round = 0; round <= ROUNDS; round++) {
      const at = (round * length) % (tokens.length - length);
      const context = [startOf(family), ...tokens.slice(at, at + length - 1)];
      const pair = [await timed(draft, context), await timed(target, context)] as const;
      // The first round only warms up.
      if (round > 0) pair.forEach((rate, index) => rates[index === 0 ? 'draft' : 'backbone'].push(rate));
    }
    return rates;
  });
  const summary = async (name: 'draft' | 'backbone') => ({
    prefill: median(times[0]![name].map(({ prefill }) => prefill)),
    generation: median(times[0]![name].map(({ generation }) => generation).filter(Number.isFinite)),
    weights: await weightsOf(family[name].path),
  });
  return { rounds: ROUNDS, models: { draft: await summary('draft'), backbone: await summary('backbone') } };
}

/** Tokens a second: reading `context`, then writing. */
async function timed(engine: Engine, context: readonly Token[]) {
  const started = performance.now();
  await engine.choose({ context, drafted: [] });
  const read = performance.now();
  let first = read;
  let written = 0;
  for await (const { token } of engine.write({ context, limit: WRITTEN })) {
    if (token >= 0 && ++written === 1) first = performance.now();
  }
  const wrote = performance.now() - first;
  // A text that ends at once has no pace.
  const generation = written > 8 ? ((written - 1) / wrote) * 1000 : NaN;
  return { prefill: (context.length / (read - started)) * 1000, generation };
}

async function weightsOf(path: string): Promise<number> {
  await using file = await open(path);
  const { size } = await file.stat();
  const head = Buffer.alloc(Math.min(MAX_HEADER_BYTES, size));
  await file.read(head, 0, head.length, 0);
  return weightsRead(parseGguf(head, size));
}

/** The family's files and their sizes in bytes. */
export async function measureFiles(family: Family): Promise<{ name: string; bytes: number }[]> {
  const files = [family.backbone, family.draft, ...family.adapters];
  return Promise.all(files.map(async ({ file, path }) => ({ name: file, bytes: (await stat(path)).size })));
}
