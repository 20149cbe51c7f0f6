/** Pure: from what `host.cjs` measured to the tables of the part `activation`. */
import { median } from '../../../evaluation/src/aggregate.ts';
import { table } from '../../../evaluation/src/table.ts';
import type { Report } from '../document.ts';

const MB = 1e6;

/** What `host.cjs` writes of an extension that VS Code has activated, as VS Code itself measured it. */
export interface Times {
  /** To the end of `activate`; and of it the loading of the code. */
  readonly activationMs: number;
  readonly loadMs: number;
}

/** And of one that it activated itself: memory in bytes, after a collection of garbage. */
export interface Measured extends Times {
  /** What was added: by activation until the draft model is ready, and by doing nothing for as long before. */
  readonly added: Memory;
  readonly idle: Memory;
}

interface Memory {
  readonly heap: number;
  /** Of the whole process. */
  readonly resident: number;
}

export interface ActivationResults {
  readonly shipped: readonly Times[];
  readonly waiting: readonly Measured[];
}

export function reportOf({ shipped, waiting }: ActivationResults, on: string): Report {
  const spread = (numbers: readonly number[], digits: number) =>
    `${median(numbers).toFixed(digits)} (${Math.min(...numbers).toFixed(digits)} to ${Math.max(...numbers).toFixed(digits)})`;
  const megabytes = (all: readonly Measured[], of: (one: Measured) => number) =>
    spread(
      all.map((one) => of(one) / MB),
      1,
    );
  const times = (all: readonly Times[]) => [
    spread(
      all.map(({ activationMs }) => activationMs),
      0,
    ),
    spread(
      all.map(({ loadMs }) => loadMs),
      0,
    ),
  ];
  return {
    text: [
      table(
        `**Activation** in code-server, milliseconds as VS Code measures them, medians of ${shipped.length} starts (least to most), on ${on}. Aimed at were 50.`,
        ['', 'activation', 'of it loading code'],
        [
          ['while VS Code starts', ...times(shipped)],
          ['later, in a host at rest', ...times(waiting)],
        ],
      ),
      table(
        `**Memory of the extension host**, MB, after a collection of garbage: what activation added until the draft model was ready, and what doing nothing for as long before added; medians of ${waiting.length} starts. Aimed at were 20.`,
        ['', 'JavaScript heap', 'resident'],
        [
          [
            'activation',
            megabytes(waiting, ({ added }) => added.heap),
            megabytes(waiting, ({ added }) => added.resident),
          ],
          [
            'doing nothing',
            megabytes(waiting, ({ idle }) => idle.heap),
            megabytes(waiting, ({ idle }) => idle.resident),
          ],
        ],
      ),
    ].join('\n\n'),
    charts: [],
  };
}
