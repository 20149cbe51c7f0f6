/** Pure: what a team asks of its node over a day, made by chance. */
import { chance } from '../../../evaluation/src/random.ts';

export interface Adapter {
  readonly id: string;
  /** Id of its backbone's family. */
  readonly family: string;
  /** MB, as all sizes here. */
  readonly size: number;
}

export interface World {
  /** Backbones, over which the adapters are spread evenly. */
  readonly backbones: number;
  /** Of the node's memory, in backbones. */
  readonly capacity: number;
}

/** A backbone of a few thousand million parameters, and adapters of ranks 8 to 64 of it, about. */
export const BACKBONE_SIZE = 1000;
const ADAPTER_SIZE = { least: 4, most: 40 };
const ADAPTERS = 40;
/** Requests after which two adapters change places in popularity: projects begin and end. */
export const CHANGE_EVERY = 200;
/** Milliseconds between two requests of the whole team. */
export const INTERVAL_MS = 100;

/** Adapters and requests for them: Zipf's law with exponent 1, whose ranks drift. */
export function traceOf({ backbones }: World, seed: string, requests: number) {
  const random = chance(seed);
  const adapters = Array.from({ length: ADAPTERS }, (_, number): Adapter => {
    const size = ADAPTER_SIZE.least + random() * (ADAPTER_SIZE.most - ADAPTER_SIZE.least);
    return { id: `adapter-${number}`, family: `family-${number % backbones}`, size };
  });
  const byRank = [...adapters];
  for (let last = byRank.length - 1; last > 0; last--) swap(byRank, last, Math.floor(random() * (last + 1)));
  const cumulative: number[] = [];
  for (let rank = 1; rank <= ADAPTERS; rank++) cumulative.push((cumulative.at(-1) ?? 0) + 1 / rank);
  const trace = Array.from({ length: requests }, (_, number): Adapter => {
    if (number > 0 && number % CHANGE_EVERY === 0)
      swap(byRank, Math.floor(random() * ADAPTERS), Math.floor(random() * ADAPTERS));
    const drawn = random() * cumulative.at(-1)!;
    return byRank[cumulative.findIndex((sum) => sum >= drawn)]!;
  });
  return { adapters, trace };
}

function swap(all: Adapter[], one: number, other: number): void {
  [all[one], all[other]] = [all[other]!, all[one]!];
}
