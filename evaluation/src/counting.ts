/** Part `ngram`, and the counting models that the other parts compare with. */
import { COMPLETION_LIMIT, endsLine, type Engine, firstLine, lookUp, type Token } from '@foretype/models';
import { addUpBy, compareLine, type LineCounts } from './aggregate.ts';
import { sampled, type Bench } from './bench.ts';
import { samplePassages, startOf, windowsOf } from './bits.ts';
import { sampleLines } from './fill.ts';
import type { HeldOutPackage } from './heldout.ts';
import { goldOf, type Hole } from './holes.ts';
import { NgramModel } from './ngram.ts';
import { filesOf } from './projects.ts';
import { chance, evenly, shuffled } from './random.ts';

const ORDER = 4;
/** Bytes of UTF-8 that are counted, of all packages together. */
const LEARNT = 1_500_000;

export interface NgramResult {
  readonly order: number;
  /** What was counted: files of the `train` split of the held-out packages, which no other model has seen. */
  readonly learnt: { files: number; bytes: number; tokens: number };
  /** On the passages of part `bits`; `right` is how often the best guess was the token that came. */
  readonly packages: Record<string, { bytes: number; tokens: number; nats: number; right: number }>;
  /** The line holes of part `holes`, by kind; neither is told what must come after them. */
  readonly lines: Record<string, LineCounts>;
}

/** The n-gram model of the held-out projects, and what it was made from. */
export async function learnNgram(bench: Bench, packages: readonly HeldOutPackage[]) {
  const shares = evenly(sampled(bench, LEARNT), packages.length);
  const files = packages.flatMap((held, index) => {
    let left = shares[index]!;
    return shuffled(filesOf(held, 'train'), chance(`n-gram of ${held.name}`)).filter(({ text }) => {
      const taken = left > 0;
      if (taken) left -= Buffer.byteLength(text);
      return taken;
    });
  });
  const start = startOf(bench.family);
  const tokenized = await bench.map('n-gram', files, ({ draft }, { text }) => draft.tokenize(text));
  const [vocabulary] = await bench.map('n-gram', [0], async ({ draft }) => (await draft.facts()).vocabulary);
  const model = new NgramModel(ORDER, vocabulary!);
  for (const tokens of tokenized) model.learn([start, ...tokens]);
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { model, learnt: { files: files.length, bytes, tokens: tokenized.flat().length } };
}

export async function measureNgram(
  bench: Bench,
  packages: readonly HeldOutPackage[],
  { model, learnt }: Awaited<ReturnType<typeof learnNgram>>,
): Promise<NgramResult> {
  const counts = await bench.map('n-gram bits', samplePassages(bench, packages), async (engines, passage) => {
    const { windows, ...size } = await windowsOf(bench, { ...engines, target: engines.draft }, passage);
    let [nats, right] = [0, 0];
    for (const { context, tokens } of windows) {
      tokens.forEach((token, at) => {
        const seen = [...context, ...tokens.slice(Math.max(0, at - ORDER), at)].slice(-ORDER);
        nats -= Math.log(model.probability(seen, token));
        if (model.predict(seen) === token) right++;
      });
    }
    return { ...size, nats: Math.round(nats * 1e3) / 1e3, right };
  });
  const outcomes = await bench.map('n-gram holes', sampleLines(bench, packages), async ({ draft }, hole) => {
    const { prefix, suffix } = await tokensAround(draft, hole);
    const writers = {
      'n-gram': (context: readonly Token[]) => [model.predict(context)],
      lookup: (context: readonly Token[]) => lookUp([suffix, context], context, 1)?.tokens ?? [],
    };
    return Promise.all(
      Object.entries(writers).map(async ([name, next]) => {
        const text = await writeLine(draft, prefix, next);
        return { key: `${name} ${hole.kind}`, counts: compareLine(goldOf(hole), firstLine(text)) };
      }),
    );
  });
  return {
    order: ORDER,
    learnt,
    packages: addUpBy(
      counts,
      ({ package: name }) => name,
      ({ bytes, tokens, nats, right }) => ({ bytes, tokens, nats, right }),
    ),
    lines: addUpBy(
      outcomes.flat(),
      ({ key }) => key,
      ({ counts }) => counts,
    ),
  };
}

/** All of the file around a hole. */
export async function tokensAround(tokenizer: Engine, { file, from, to }: Hole) {
  const texts = [file.text.slice(0, from), file.text.slice(to)] as const;
  const [prefix, suffix] = await Promise.all(texts.map((text) => tokenizer.tokenize(text)));
  return { prefix: prefix!, suffix: suffix! };
}

async function writeLine(
  tokenizer: Engine,
  prefix: readonly Token[],
  next: (context: readonly Token[]) => readonly Token[],
): Promise<string> {
  const context = [...prefix];
  let text = '';
  while (context.length < prefix.length + COMPLETION_LIMIT && !endsLine(text)) {
    const tokens = next(context);
    if (tokens.length === 0) break;
    context.push(...tokens);
    text = await tokenizer.detokenize(context.slice(prefix.length));
  }
  return text;
}
