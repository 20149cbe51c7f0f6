/** Pure: from times to what a cell of the comparison says. */
import { chance } from '../../../evaluation/src/random.ts';
import { figuresOf, type Work, type WorkFigures } from '../rig/work.ts';
import { ratioOf, spreadOf, type Interval, type Spread } from '../statistics.ts';
import { FIXED, POLICY, STREAM } from './strategies.ts';

/** Milliseconds to the text by strategy; the same place in each list is the same keystroke. */
export type Times = Readonly<Record<string, readonly (number | null)[]>>;

export interface CellTimes {
  /** Name of the adapter, or `backbone`. */
  readonly model: string;
  readonly roundTripMs: number;
  /** Null where a text was not verified to its end. */
  readonly times: Times;
  /** What the policy's and streaming's verified completions took. */
  readonly work: { readonly policy: readonly Work[]; readonly stream: readonly Work[] };
}

export interface Cell {
  readonly model: string;
  readonly roundTripMs: number;
  readonly spreads: Readonly<Record<string, Spread>>;
  /** The fixed draft length with the least median, found afterwards. */
  readonly bestFixed: string;
  /** The policy's time as a part of theirs. */
  readonly ofStream: Interval;
  readonly ofBestFixed: Interval;
  readonly work: { readonly policy: WorkFigures; readonly stream: WorkFigures };
}

export function cellOf({ model, roundTripMs, times, work }: CellTimes): Cell {
  const spreads = Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, spreadOf(list.filter((ms) => ms !== null))]),
  );
  const bestFixed = FIXED.map(({ name }) => name).reduce((best, name) =>
    spreads[name]!.median < spreads[best]!.median ? name : best,
  );
  const ratio = (name: string) =>
    ratioOf(pairs(times[POLICY]!, times[name]!), chance(`bench ${model} ${roundTripMs} ${name}`));
  return {
    model,
    roundTripMs,
    spreads,
    bestFixed,
    ofStream: ratio(STREAM),
    ofBestFixed: ratio(bestFixed),
    work: { policy: figuresOf(work.policy), stream: figuresOf(work.stream) },
  };
}

/** Those keystrokes for which both have a time. */
function pairs(part: Times[string], of: Times[string]): [number, number][] {
  return part.flatMap((ms, index) => {
    const other = of[index] ?? null;
    return ms === null || other === null ? [] : [[ms, other] as [number, number]];
  });
}
