/** Pure: single keystrokes at which a completion is asked for. */
import type { HeldOutPackage } from '../../../evaluation/src/heldout.ts';
import { chance } from '../../../evaluation/src/random.ts';
import { tracesOver } from '../keystrokes/places.ts';
import type { Keystroke } from '../keystrokes/traces.ts';

export interface Moment {
  /** The key before, for which a prompt was read already. */
  readonly before: Keystroke;
  readonly at: Keystroke;
}

/** One key of each of `count` lines that are being typed, with something of the line still to come. */
export function momentsOver(packages: readonly HeldOutPackage[], count: number, label: string): Moment[] {
  return tracesOver(packages, count, { label, bursts: ['a line'] }).map(({ strokes, file }, index) => {
    const random = chance(`${label} ${file.path} ${index}`);
    const at = 1 + Math.floor(random() * (strokes.length - 2));
    return { before: strokes[at - 1]!, at: strokes[at]! };
  });
}
