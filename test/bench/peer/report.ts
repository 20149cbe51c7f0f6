/** Pure: from turns to the table of the part `peer`. */
import { addUp, compareLine } from '../../../evaluation/src/aggregate.ts';
import { chance } from '../../../evaluation/src/random.ts';
import { share, table, whole } from '../../../evaluation/src/table.ts';
import type { Report } from '../document.ts';
import { quantile, ratioOf, shown, spreadOf } from '../statistics.ts';

export const ARMS = ['foretype', 'llama.vim', 'llama-server, one line'] as const;
export type Arm = (typeof ARMS)[number];

/** Times in milliseconds since the key. */
export interface Answer {
  /** The first text, and the target's whole text. */
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly text: string;
  /** Tokens of the prompt that were evaluated; known of llama-server. */
  readonly evaluated?: number;
}

/** One key, asked of everybody. */
export interface Turn {
  /** What was really typed next on that line. */
  readonly rest: string;
  /** With the bytes both ways. */
  readonly answers: Readonly<Record<Arm, Answer & { readonly bytes: number }>>;
}

export interface PeerResults {
  readonly family: string;
  /** Of llama.cpp. */
  readonly release: string;
  readonly roundTripMs: number;
  readonly batch: number;
  readonly pinned: boolean;
  readonly places: number;
  readonly turns: readonly Turn[];
}

export function reportOf(results: PeerResults, on: string): Report {
  const { family, release, roundTripMs, batch, pinned, places, turns } = results;
  const where = pinned ? 'each on one core' : 'not bound to cores';
  const times = (arm: Arm, name: 'firstMs' | 'wholeMs') => turns.map(({ answers }) => answers[arm][name]);
  const spread = (numbers: readonly number[]) =>
    `${quantile(numbers, 0.5).toFixed(0)} · ${quantile(numbers, 0.9).toFixed(0)}`;
  const right = (arm: Arm) =>
    addUp(turns.map(({ rest, answers }) => compareLine(rest, answers[arm].text.split('\n')[0]!)));
  const rows = ARMS.map((arm) => {
    const { holes, exact, leading, characters } = right(arm);
    const evaluated = turns
      .map(({ answers }) => answers[arm].evaluated)
      .filter((count) => count !== undefined);
    return [
      arm,
      spread(times(arm, 'firstMs')),
      spread(times(arm, 'wholeMs')),
      spread(turns.map(({ answers }) => answers[arm].bytes)),
      evaluated.length > 0 ? spread(evaluated) : '–',
      spreadOf(turns.map(({ answers }) => answers[arm].text.length)).median.toFixed(0),
      `${share(exact, holes)} · ${share(leading, characters)}`,
    ];
  });
  const ratios = ARMS.slice(1).map((arm) => {
    const ratio = (name: 'firstMs' | 'wholeMs' | 'bytes') => {
      const pairs = turns.map(({ answers }) => [answers[arm][name], answers.foretype[name]] as const);
      return shown(ratioOf(pairs, chance(`peer ${arm} ${name}`)));
    };
    return [arm, ratio('firstMs'), ratio('wholeMs'), ratio('bytes')];
  });
  return {
    text: [
      table(
        `**From the key to the text** over a network of ${roundTripMs} ms: ${whole(turns.length)} keys at ${places} places, everybody asked at each key in an order drawn by lot; family \`${family}\`, llama-server of llama.cpp ${release} with a batch of ${batch}, one thread each, ${where}, on ${on}. Medians · 90 %; _exact_ and _leading_ as in [models/README.md](../../models/README.md), in per cent.`,
        [
          '',
          'first text (ms)',
          'target’s text (ms)',
          'bytes',
          'tokens read',
          'characters',
          'exact · leading',
        ],
        rows,
      ),
      table(
        '**How many times as long**, or as many bytes, as Foretype: medians of the pairs with their 95 % bootstrap interval.',
        ['', 'first text', 'target’s text', 'bytes'],
        ratios,
      ),
    ].join('\n\n'),
    charts: [],
  };
}
