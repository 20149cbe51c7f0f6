/** Pure: from the times of completions under load to the table of the part `load`. */
import { median } from '../../../evaluation/src/aggregate.ts';
import { table, whole } from '../../../evaluation/src/table.ts';
import type { Report } from '../document.ts';
import { ARMS, type Arm } from '../peer/report.ts';
import { quantile } from '../statistics.ts';

/** One pass of an arm over the places of all laptops. */
export interface Pass {
  readonly wallMs: number;
  /** Milliseconds of each completion. */
  readonly times: readonly number[];
}

export interface LoadResults {
  readonly family: string;
  /** Of llama.cpp. */
  readonly release: string;
  readonly roundTripMs: number;
  readonly laptops: number;
  readonly pinned: boolean;
  readonly passes: Readonly<Record<Arm, readonly Pass[]>>;
}

export function reportOf(
  { family, release, roundTripMs, laptops, pinned, passes }: LoadResults,
  on: string,
): Report {
  const rates = (arm: Arm) => passes[arm].map(({ wallMs, times }) => (times.length / wallMs) * 1000);
  const rows = ARMS.map((arm) => {
    const times = passes[arm].flatMap((pass) => pass.times);
    const ratios = rates(arm).map((rate, pass) => rates('foretype')[pass]! / rate);
    return [
      arm,
      whole(times.length),
      median(rates(arm)).toFixed(1),
      `${Math.min(...rates(arm)).toFixed(1)}–${Math.max(...rates(arm)).toFixed(1)}`,
      arm === 'foretype' ? '–' : median(ratios).toFixed(2),
      quantile(times, 0.5).toFixed(0),
      quantile(times, 0.95).toFixed(0),
    ];
  });
  return {
    text: table(
      `**${laptops} laptops at once** over networks of ${roundTripMs} ms: each asks for its next completion as soon as it has the last; ${passes.foretype.length} passes over other places, the order of the arms drawn by lot in each; family \`${family}\`, llama-server of llama.cpp ${release}, one thread, ${pinned ? 'on the same core' : 'not bound to cores'}, on ${on}. _Foretype’s_ is the median of its rate by the other’s.`,
      ['', 'completions', 'a second', 'least–most', 'Foretype’s (×)', 'median (ms)', '95 % (ms)'],
      rows,
    ),
    charts: [],
  };
}
