/** Part `keystrokes`: tokens that each key makes an engine read, by the layout of the prompt. Counted, nothing is timed. */
import { draftSpec, startEngine } from '@foretype/models';
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { table, whole } from '../../../evaluation/src/table.ts';
import { sampled, type Bench, type Part } from '../bench.ts';
import { barChart } from '../chart.ts';
import type { Report } from '../document.ts';
import { countTrace, sumUp, type KeyCount, type LayoutCounts } from './count.ts';
import { layoutsFor } from './layouts.ts';
import { tracesOver } from './places.ts';
import { KEYS } from './traces.ts';

/** Places for each of the four kinds of burst. */
const PLACES = 16;

export interface KeystrokeResults {
  readonly family: string;
  readonly places: number;
  readonly keystrokes: number;
  readonly layouts: readonly LayoutCounts[];
}

export const keystrokes: Part = {
  name: 'keystrokes',
  run: async (bench) => {
    const results = await measure(bench);
    return { results, ...reportOf(results) };
  },
};

async function measure(bench: Bench): Promise<KeystrokeResults> {
  const { family } = bench;
  const traces = tracesOver(testsOf(await loadHeldOut()), sampled(bench, PLACES));
  const tokenizer = startEngine(draftSpec(family, { sequences: 1, threads: 1 }));
  try {
    const layouts = layoutsFor({ family, tokenizer });
    const counted = layouts.map(({ name }) => ({ name, counts: [] as KeyCount[] }));
    for (const [done, { strokes }] of traces.entries()) {
      // One after the other, since neighbours share what was tokenized.
      for (const [index, layout] of layouts.entries())
        counted[index]!.counts.push(...(await countTrace(strokes, layout)));
      bench.progress('keystrokes', done + 1, traces.length);
    }
    return {
      family: family.id,
      places: traces.length,
      keystrokes: counted[0]!.counts.length,
      layouts: counted.map(({ name, counts }) => sumUp(name, counts)),
    };
  } finally {
    await tokenizer.dispose();
  }
}

export function reportOf({ family, places, keystrokes: count, layouts }: KeystrokeResults): Report {
  const figure = (number: number) => number.toFixed(Number.isInteger(number) ? 0 : 1);
  const text = [
    table(
      `**Tokens evaluated at a keystroke** by the layout of the prompt: ${whole(count)} keys at ${places} places, family \`${family}\`. _Prompt_ is its length, _healed_ are tokens taken back, which are not read but written again (means).`,
      ['layout', 'median', '90 %', 'mean', 'prompt', 'healed'],
      layouts.map(({ layout, evaluated, prompt, healed }) => [
        layout,
        figure(evaluated.median),
        figure(evaluated.p90),
        evaluated.mean.toFixed(1),
        prompt.mean.toFixed(0),
        healed.mean.toFixed(1),
      ]),
    ),
    table(
      '**By what the key did**: median · 90 %.',
      ['layout', ...KEYS.map((key) => `${key} (${whole(layouts[0]!.byKey[key].count)})`)],
      layouts.map(({ layout, byKey }) => [
        layout,
        ...KEYS.map((key) => `${figure(byKey[key].median)} · ${figure(byKey[key].p90)}`),
      ]),
    ),
  ].join('\n\n');
  const chart = barChart({
    title: 'Tokens evaluated at a keystroke: median, and nine of ten keys',
    bars: layouts.map(({ layout, evaluated }) => ({
      name: layout,
      value: evaluated.median,
      upTo: evaluated.p90,
    })),
  });
  const alt = 'Tokens evaluated at a keystroke by layout, as in the table above';
  return { text, charts: [{ name: 'keystrokes', alt, svg: chart }] };
}
