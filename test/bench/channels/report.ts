/** Pure: from cells to tables and charts. */
import { table } from '../../../evaluation/src/table.ts';
import { lineChart } from '../chart.ts';
import type { Report } from '../document.ts';
import { shown } from '../statistics.ts';
import type { Cell, CellTimes } from './cells.ts';
import { DRAFT_ONLY, FIXED, POLICY, STRATEGIES, STREAM } from './strategies.ts';

export interface ChannelResults {
  readonly family: string;
  /** Whether each engine had a core of its own. */
  readonly pinned: boolean;
  readonly keystrokes: number;
  readonly lessons: number;
  readonly cells: readonly CellTimes[];
  readonly summary: readonly Cell[];
}

/** What is drawn; more lines could not be told apart. */
const DRAWN = [POLICY, STREAM, ...FIXED.slice(1).map(({ name }) => name), DRAFT_ONLY];

export function reportOf(
  { family, pinned, keystrokes, lessons, summary }: ChannelResults,
  on: string,
): Report {
  const where = pinned ? 'each engine on a core of its own' : 'engines not bound to cores';
  const missing = summary.reduce((sum, { spreads }) => sum + keystrokes - spreads[POLICY]!.count, 0);
  const left =
    missing > 0 ? ` The policy left ${missing} completions unverified, which are in no ratio.` : '';
  const heading = `**Time to the verified text** in milliseconds by round trip (RTT): ${keystrokes} keystrokes in each cell after ${lessons} to learn from, all strategies at each keystroke in an order drawn by lot; family \`${family}\`, one thread for each engine, ${where}, on ${on}. Ratios are medians of the pairs with their 95 % bootstrap interval, the policy's time over the other's; _best K_ is the fixed draft length that was best in that cell.${left}`;
  const compared = table(
    heading,
    ['model', 'RTT', 'policy', '90 %', 'stream', 'best K', '', 'policy / stream', 'policy / best K'],
    summary.map(({ model, roundTripMs, spreads, bestFixed, ofStream, ofBestFixed }) => [
      model,
      String(roundTripMs),
      ms(spreads[POLICY]!.median),
      ms(spreads[POLICY]!.p90),
      ms(spreads[STREAM]!.median),
      bestFixed.replace('fixed K = ', ''),
      ms(spreads[bestFixed]!.median),
      shown(ofStream),
      shown(ofBestFixed),
    ]),
  );
  const work = table(
    '**Work of the policy**: rounds a completion; bytes of a round both ways (median) and of a token, the contexts included, without framing; evaluations of the target for a token, beside what streaming took.',
    ['model', 'RTT', 'rounds', 'bytes/round', 'bytes/token', 'evaluations/token', 'of streaming'],
    summary.map(({ model, roundTripMs, work: { policy, stream } }) => [
      model,
      String(roundTripMs),
      policy.roundsEach.toFixed(1),
      policy.bytesARound.toFixed(0),
      policy.bytesAToken.toFixed(1),
      policy.evaluationsAToken.toFixed(2),
      (policy.evaluationsAToken / stream.evaluationsAToken).toFixed(2),
    ]),
  );
  const models = [...Map.groupBy(summary, ({ model }) => model)];
  const all = models.map(([model, cells]) =>
    table(
      `**All strategies**, ${model}: median · 90 % (ms); of _draft only_ the time to the draft's line, which nobody verifies.`,
      ['', ...cells.map(({ roundTripMs }) => `RTT ${roundTripMs}`)],
      STRATEGIES.map(({ name }) => [
        name,
        ...cells.map(({ spreads }) => `${ms(spreads[name]!.median)} · ${ms(spreads[name]!.p90)}`),
      ]),
    ),
  );
  const charts = models.map(([model, cells]) => ({
    name: `channels-${model}`,
    alt: `Median milliseconds to the verified text over the round trip by strategy, ${model}`,
    svg: lineChart({
      title: `Median milliseconds to the verified text: ${model}`,
      xTitle: 'round trip (ms)',
      x: cells.map(({ roundTripMs }) => String(roundTripMs)),
      series: DRAWN.map((name) => ({ name, values: cells.map(({ spreads }) => spreads[name]!.median) })),
    }),
  }));
  return { text: [compared, work, ...all].join('\n\n'), charts };
}

const ms = (time: number) => (Number.isNaN(time) ? '–' : time.toFixed(0));
