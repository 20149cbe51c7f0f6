/** Pure: where it is typed, drawn by lot over all held-out packages. */
import type { HeldOutFile, HeldOutPackage } from '../../../evaluation/src/heldout.ts';
import { blockHoles, lineHoles, overPackages, type Hole } from '../../../evaluation/src/holes.ts';
import { chance } from '../../../evaluation/src/random.ts';
import { deletionTrace, jumpTrace, lineTrace, type Keystroke } from './traces.ts';

export const BURSTS = ['a line', 'several lines', 'with deletions', 'with jumps'] as const;
export type Burst = (typeof BURSTS)[number];

export interface Trace {
  readonly burst: Burst;
  readonly file: HeldOutFile;
  readonly strokes: readonly Keystroke[];
}

/** `each` places for each kind of burst; another label draws others. */
export function tracesOver(
  packages: readonly HeldOutPackage[],
  each: number,
  { label = 'bench', bursts = BURSTS }: { readonly label?: string; readonly bursts?: readonly Burst[] } = {},
): Trace[] {
  return bursts.flatMap((burst) => {
    const drawn = burst === 'several lines' ? blockHoles : lineHoles;
    const holes = overPackages(packages, each, (name) => chance(`${label} ${burst} ${name}`), drawn);
    return holes.flatMap((hole) => {
      const strokes = strokesOf(burst, hole);
      return strokes ? [{ burst, file: hole.file, strokes }] : [];
    });
  });
}

/** Undefined where the file has nothing to jump to. */
function strokesOf(burst: Burst, hole: Hole): Keystroke[] | undefined {
  if (burst === 'with deletions') return deletionTrace(hole);
  if (burst !== 'with jumps') return lineTrace(hole);
  const other = farFrom(hole);
  return other && jumpTrace(hole, other);
}

/** A hole elsewhere in the file, the farthest of a few; undefined where the file has but one line. */
function farFrom({ file, from, to }: Hole): Hole | undefined {
  return lineHoles([file], 8, chance(`bench jump ${file.path} ${from}`))
    .filter((other) => other.to < from || other.from > to)
    .toSorted((a, b) => Math.abs(b.from - from) - Math.abs(a.from - from))[0];
}
