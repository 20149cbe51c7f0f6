/** Pure: how one direction of a network link behaves as time goes by. */
import { chance, type Random } from '../../../evaluation/src/random.ts';

/** How one direction of a link behaves; all times in milliseconds. */
export interface LinkSettings {
  /** Propagation: the least that any byte takes. */
  readonly delay: number;
  /** The mean of what comes on top, exponentially distributed; within a connection the order is kept all the same. */
  readonly jitter: number;
  /** Bytes a second, all connections together: a byte waits for those before it. May be Infinity. */
  readonly bandwidth: number;
  /** The chance from 0 to 1 that a segment is lost. */
  readonly loss: number;
  /** The round trip that the sender counts on: the least after which it can notice a loss. */
  readonly roundTrip: number;
  /** Pauses in which nothing passes and nothing is lost, as when a radio changes cells: means, both exponential. */
  readonly stalls?: { readonly every: number; readonly last: number };
  /** All that is sent is lost, as out of a radio's reach. */
  readonly cut?: boolean;
}

/** From `at` milliseconds after the link's beginning on, these settings. */
export interface Step extends LinkSettings {
  readonly at: number;
  /** The client has another address from here on: nothing passes any more on connections that are older. */
  readonly moves?: boolean;
}

/** The settings over time, with the stalls that chance puts into them: these depend on the seed and not on traffic. */
export class Course {
  readonly #steps: readonly Step[];
  readonly #stalls: { readonly random: Random; readonly spans: { from: number; to: number }[] }[];

  constructor(steps: readonly Step[], seed: number | string) {
    check(steps);
    this.#steps = steps;
    this.#stalls = steps.map((_, index) => ({ random: chance(`${seed} stalls ${index}`), spans: [] }));
  }

  /** What holds at `time`, and until when it does. */
  at(time: number): { readonly step: Step; readonly stalled: boolean; readonly until: number } {
    const index = this.#steps.findLastIndex(({ at }) => at <= time);
    const step = this.#steps[index]!;
    const next = this.#steps[index + 1]?.at ?? Infinity;
    const stall = this.#stall(index, time);
    if (!stall) return { step, stalled: false, until: next };
    const stalled = stall.from <= time;
    return { step, stalled, until: Math.min(next, stalled ? stall.to : stall.from) };
  }

  /** Whether a connection begun at `born` was left behind by a move up to `time`. */
  moved(born: number, time: number): boolean {
    return this.#steps.some(({ moves = false, at }) => moves && born < at && at <= time);
  }

  /** The first stall of a step that ends after `time`. */
  #stall(index: number, time: number): { from: number; to: number } | undefined {
    const { stalls, at } = this.#steps[index]!;
    if (!stalls) return undefined;
    const { random, spans } = this.#stalls[index]!;
    for (let end = spans.at(-1)?.to ?? at; end <= time; end = spans.at(-1)!.to) {
      const from = end + exponential(stalls.every, random);
      spans.push({ from, to: from + exponential(stalls.last, random) });
    }
    return spans.find(({ to }) => to > time);
  }
}

/** A number of that mean, exponentially distributed. */
export function exponential(mean: number, random: Random): number {
  return -mean * Math.log(1 - random());
}

/** @throws RangeError at steps that no time can be found in. */
function check(steps: readonly Step[]): void {
  if (steps[0]?.at !== 0 || steps.some(({ at }, index) => index > 0 && !(at > steps[index - 1]!.at)))
    throw new RangeError('The steps of a link must be sorted by time, and the first must be at 0.');
  for (const { delay, jitter, bandwidth, loss, roundTrip, stalls } of steps) {
    const possible = delay >= 0 && jitter >= 0 && bandwidth > 0 && loss >= 0 && loss <= 1 && roundTrip >= 0;
    if (!possible || (stalls && !(stalls.every > 0 && stalls.last >= 0)))
      throw new RangeError('A link needs times of 0 or more, a bandwidth above 0 and a loss from 0 to 1.');
  }
}
