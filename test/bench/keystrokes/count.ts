/** Pure but for the layouts it is given: tokens that each key of a trace costs. */
import type { Token } from '@foretype/models';
import { spreadOf, type Spread } from '../statistics.ts';
import type { Layout } from './layouts.ts';
import { KEYS, type Key, type Keystroke } from './traces.ts';

/** What one key costs. */
export interface KeyCount {
  readonly key: Key;
  /** Tokens of the prompt, those of them that have to be evaluated, and those taken back by healing. */
  readonly prompt: number;
  readonly evaluated: number;
  readonly healed: number;
}

/** Counts for every key; the opening of the document, for which everything is evaluated, is none. */
export async function countTrace(
  strokes: readonly Keystroke[],
  { layOut, evaluated }: Layout,
): Promise<KeyCount[]> {
  const counts: KeyCount[] = [];
  let cached: readonly Token[] = [];
  for (const stroke of strokes) {
    const { prompt, healed } = await layOut(stroke);
    if (stroke.key !== 'open')
      counts.push({ key: stroke.key, prompt: prompt.length, evaluated: evaluated(cached, prompt), healed });
    cached = prompt;
  }
  return counts;
}

export interface LayoutCounts {
  readonly layout: string;
  readonly prompt: Spread;
  readonly evaluated: Spread;
  readonly healed: Spread;
  /** Tokens evaluated, by what the key did. */
  readonly byKey: Readonly<Record<(typeof KEYS)[number], Spread>>;
}

export function sumUp(layout: string, counts: readonly KeyCount[]): LayoutCounts {
  const of = (name: 'prompt' | 'evaluated' | 'healed', from = counts) =>
    spreadOf(from.map((one) => one[name]));
  const byKey = (key: Key) =>
    of(
      'evaluated',
      counts.filter((one) => one.key === key),
    );
  return {
    layout,
    prompt: of('prompt'),
    evaluated: of('evaluated'),
    healed: of('healed'),
    byKey: {
      typed: byKey('typed'),
      'line end': byKey('line end'),
      deleted: byKey('deleted'),
      jumped: byKey('jumped'),
    },
  };
}
