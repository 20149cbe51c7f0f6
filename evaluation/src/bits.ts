/** Part `bits`: how well a model predicts real text, plain and from left to right. */
import type { Engine, Token } from '@foretype/models';
import { addUpBy } from './aggregate.ts';
import { sampled, type Bench, type Engines } from './bench.ts';
import type { HeldOutPackage } from './heldout.ts';
import { passagesOf, windowsOver, type Passage, type ScoreWindow } from './passages.ts';
import { projectsOf, testsOf } from './projects.ts';
import { chance, evenly } from './random.ts';

/** Bytes of UTF-8: of all packages together, and of an adapter's own project. */
const BYTES = 120_000;
const PROJECT_BYTES = 40_000;
/** Characters before a passage that are tokenized; no tokenizer makes longer tokens on average. */
const CHARACTERS_PER_TOKEN = 8;

/** Nats are sums of -ln p over the tokens; bits per byte are nats / ln 2 / bytes, perplexity is exp(nats / tokens). */
export interface BitsResult {
  readonly context: number;
  readonly packages: Record<string, { bytes: number; tokens: number; backbone: number; draft: number }>;
  /** Each adapter on the test files of its own project. */
  readonly adapters: readonly {
    readonly adapter: string;
    readonly package: string;
    readonly bytes: number;
    readonly tokens: number;
    readonly without: number;
    readonly with: number;
  }[];
}

export async function measureBits(bench: Bench, packages: readonly HeldOutPackage[]): Promise<BitsResult> {
  const general = await bench.map('bits', samplePassages(bench, packages), async (engines, passage) => {
    const { windows, ...size } = await windowsOf(bench, engines, passage);
    const backbone = await natsOf(engines.target, windows);
    return { ...size, backbone, draft: await natsOf(engines.draft, windows) };
  });
  const own = projectsOf(bench.family.adapters, testsOf(packages)).flatMap(({ adapter, package: project }) =>
    passagesOf(project.files, sampled(bench, PROJECT_BYTES), chance(`bits of ${adapter}`)).map((passage) => ({
      adapter,
      passage,
    })),
  );
  const adapted = await bench.map('bits of adapters', own, async (engines, { adapter, passage }) => {
    const { windows, ...size } = await windowsOf(bench, engines, passage);
    const without = await natsOf(engines.target, windows);
    return { adapter, ...size, without, with: await natsOf(engines.target, windows, adapter) };
  });
  const byAdapter = addUpBy(
    adapted,
    ({ adapter, package: name }) => `${adapter} ${name}`,
    ({ bytes, tokens, without, with: adapted }) => ({ bytes, tokens, without, with: adapted }),
  );
  return {
    context: bench.family.context,
    packages: addUpBy(
      general,
      ({ package: name }) => name,
      ({ bytes, tokens, backbone, draft }) => ({ bytes, tokens, backbone, draft }),
    ),
    adapters: Object.entries(byAdapter).map(([names, counts]) => {
      const [adapter, name] = names.split(' ');
      return { adapter: adapter!, package: name!, ...counts };
    }),
  };
}

/** The sample that all parts share which look at running text: the same for every family. */
export function samplePassages(bench: Bench, packages: readonly HeldOutPackage[]): Passage[] {
  const shares = evenly(sampled(bench, BYTES), packages.length);
  return testsOf(packages).flatMap(({ name, files }, index) =>
    passagesOf(files, shares[index]!, chance(`bits of ${name}`)),
  );
}

/** A passage as the models read it. */
export async function windowsOf(
  { family }: Bench,
  { target }: Engines,
  { package: name, before, text }: Passage,
) {
  const [behind, tokens] = await Promise.all([
    target.tokenize(before.slice(-family.context * CHARACTERS_PER_TOKEN)),
    target.tokenize(text),
  ]);
  const windows = windowsOver(startOf(family), behind, tokens, family.context);
  return { package: name, bytes: Buffer.byteLength(text), tokens: tokens.length, windows };
}

/** The token that begins a text: the family's own, or for want of one the token that ends a text. */
export function startOf({ tokenizer }: Bench['family']): Token {
  return tokenizer.bos ?? tokenizer.end[0]!;
}

async function natsOf(engine: Engine, windows: readonly ScoreWindow[], adapter?: string): Promise<number> {
  let nats = 0;
  for (const window of windows) {
    for (const logarithm of await engine.score({ adapter, ...window })) nats -= logarithm;
  }
  // Further digits are the rounding of single-precision sums.
  return Math.round(nats * 1e3) / 1e3;
}
