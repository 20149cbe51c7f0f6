/** Pure: from counts to the table that stands in models/README.md. */
import { addUp, type LineCounts } from './aggregate.ts';
import type { BitsResult } from './bits.ts';
import type { NgramResult } from './counting.ts';
import type { DraftResult } from './drafting.ts';
import type { HolesResult } from './fill.ts';
import { LINE_KINDS } from './holes.ts';
import { draftsOf } from './report-drafts.ts';
import type { SpeedResult } from './speed.ts';
import { share, table, whole } from './table.ts';

/** All that a run found; parts that were not asked for are absent. */
export interface Results {
  readonly family: string;
  readonly percent: number;
  readonly bits?: BitsResult;
  readonly holes?: HolesResult;
  readonly ngram?: NgramResult;
  readonly draft?: readonly DraftResult[];
  readonly speed?: SpeedResult;
  readonly files?: readonly { readonly name: string; readonly bytes: number }[];
}

const MARKERS = ['<!-- eval:begin -->', '<!-- eval:end -->'] as const;

/** `document` with `report` between its markers. @throws Error where it lacks them. */
export function withReport(document: string, report: string): string {
  const [begin, end] = MARKERS.map((marker) => document.indexOf(marker)) as [number, number];
  if (begin === -1 || end < begin)
    throw new Error(`The document lacks the markers ${MARKERS.join(' and ')}.`);
  return `${document.slice(0, begin + MARKERS[0].length)}\n\n${report}\n\n${document.slice(end)}`;
}

/** The results as Markdown, formatted as prettier would. */
export function reportOf(results: Results): string {
  const { family, percent, bits, holes, ngram, draft, speed, files } = results;
  const sample = percent === 100 ? '' : `, on ${percent} % of the samples`;
  return [
    `Family \`${family}\`${sample}. Held-out packages only, their \`test\` files; shares in per cent.`,
    ...(bits ? bitsOf(bits, ngram) : []),
    ...(holes ? holesOf(holes, ngram) : []),
    ...(draft ? draftsOf(draft) : []),
    ...(speed ? [speedOf(speed)] : []),
    ...(files
      ? [
          table(
            '**Files.**',
            ['file', 'bytes'],
            files.map(({ name, bytes }) => [`\`${name}\``, whole(bytes)]),
          ),
        ]
      : []),
  ].join('\n\n');
}

function bitsOf({ context, packages, adapters }: BitsResult, ngram?: NgramResult): string[] {
  const all = { ...packages, all: addUp(Object.values(packages)) };
  const counted: NgramResult['packages'] = ngram
    ? { ...ngram.packages, all: addUp(Object.values(ngram.packages)) }
    : {};
  const perByte = (nats: number, bytes: number) => (nats / Math.LN2 / bytes).toFixed(3);
  const rows = Object.entries(all).map(([name, { bytes, tokens, backbone, draft }]) => {
    const gram = counted[name];
    const models = [perByte(backbone, bytes), perByte(draft, bytes)];
    return [name, whole(bytes), whole(tokens), ...models, gram ? perByte(gram.nats, gram.bytes) : '–'];
  });
  const learnt = ngram
    ? ` The ${ngram.order}-gram counted ${whole(ngram.learnt.bytes)} bytes of these packages' own \`train\` files, which the models have not seen.`
    : '';
  const heading = `**Bits per byte**, from left to right in windows of ${context} tokens.${learnt}`;
  const tables = [table(heading, ['package', 'bytes', 'tokens', 'backbone', 'draft', 'n-gram'], rows)];
  if (adapters.length > 0) {
    const own = adapters.map(({ adapter, package: name, tokens, without, with: adapted }) => {
      const [before, after] = [Math.exp(without / tokens), Math.exp(adapted / tokens)];
      return [
        adapter,
        name,
        whole(tokens),
        before.toFixed(2),
        after.toFixed(2),
        share(before - after, before),
      ];
    });
    tables.push(
      table(
        '**Perplexity** of a token with an adapter, on its own project.',
        ['adapter', 'package', 'tokens', 'without', 'with', 'lower by'],
        own,
      ),
    );
  }
  return tables;
}

function holesOf({ lines, blocks }: HolesResult, ngram?: NgramResult): string[] {
  const attempts = [...new Set(Object.keys(lines).map((key) => key.slice(0, key.lastIndexOf(' '))))];
  const kinds = [...LINE_KINDS, 'all'] as const;
  const cell = (of: (kind: string) => LineCounts | undefined, kind: string) => {
    const counts = (kind === 'all' ? LINE_KINDS : [kind]).map(of).filter((found) => found !== undefined);
    if (counts.length === 0) return '–';
    const sum = addUp(counts);
    return `${share(sum.exact, sum.holes)} · ${share(sum.leading, sum.characters)}`;
  };
  const rows = kinds.map((kind) => {
    const sum = (kind === 'all' ? LINE_KINDS : [kind]).map(
      (one) => lines[`${attempts[0] ?? ''} ${one}`]?.holes ?? 0,
    );
    const models = attempts.map((attempt) => cell((one) => lines[`${attempt} ${one}`], kind));
    const counted = ['n-gram', 'lookup'].map((name) => cell((one) => ngram?.lines[`${name} ${one}`], kind));
    return [kind, whole(sum.reduce((a, b) => a + b, 0)), ...models, ...counted];
  });
  const headings = attempts.map((attempt) => attempt.replace(' plain', '').replace(' healed', ', healed'));
  const blockRows = Object.entries(blocks).map(([key, counts]) => [
    key
      .replace(/ block$/u, '')
      .replace(' plain', '')
      .replace(' healed', ', healed'),
    whole(counts.holes),
    share(counts.exact, counts.holes),
    share(counts.firstLine, counts.holes),
    share(counts.rightLines, counts.lines),
    share(counts.leading, counts.characters),
  ]);
  return [
    table(
      '**Lines** written by the backbone where the rest of a line is missing, by where the hole begins: exact · leading characters.',
      ['hole begins', 'holes', ...headings, 'n-gram', 'lookup'],
      rows,
    ),
    table(
      '**Blocks** of 2 to 6 lines.',
      ['prompt', 'holes', 'exact', 'first line', 'lines', 'leading characters'],
      blockRows,
    ),
  ];
}

function speedOf({ rounds, models }: SpeedResult): string {
  const rows = Object.entries(models).map(([name, { prefill, generation, weights }]) => [
    name,
    whole(weights),
    share(weights, models.backbone.weights),
    prefill.toFixed(0),
    generation.toFixed(0),
  ]);
  return table(
    `**Cost** of a token: weights read, and tokens a second with one thread (medians of ${rounds} rounds taken in turns).`,
    ['model', 'weights', 'of backbone', 'read a second', 'written a second'],
    rows,
  );
}
