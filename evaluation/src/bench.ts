/** The engines that the parts measure with, and how their work is spread over them. */
import {
  backboneSpec,
  draftSpec,
  startEngine,
  type Engine,
  type EngineHost,
  type Family,
} from '@foretype/models';

export interface Engines {
  /** The backbone with the family's adapters. */
  readonly target: Engine;
  readonly draft: Engine;
}

/** What a part is given. Results depend neither on the number of engines nor on which of them did what. */
export interface Bench {
  readonly family: Family;
  /** Per cent of every sample that is measured; 100 gives the published figures. */
  readonly percent: number;
  /** Does `work` for each item, a few at a time; results come in the order of the items. */
  map<T, R>(
    what: string,
    items: readonly T[],
    work: (engines: Engines, item: T, index: number) => Promise<R>,
  ): Promise<R[]>;
}

/** How many of `full` things a sample of that many per cent has: one at least. */
export function sampled({ percent }: Bench, full: number): number {
  return Math.max(1, Math.round((full * percent) / 100));
}

export interface BenchOptions {
  readonly percent: number;
  /** Pairs of engines; in each pair only one works at a time, with one thread. */
  readonly pairs: number;
  readonly onProgress: (what: string, done: number, all: number) => void;
}

/** A bench with engine processes of its own, which are started when they are first used. */
export class ProcessBench implements Bench {
  readonly family: Family;
  readonly percent: number;
  readonly #onProgress: BenchOptions['onProgress'];
  readonly #pairs: LazyPair[];

  constructor(family: Family, { percent, pairs, onProgress }: BenchOptions) {
    this.family = family;
    this.percent = percent;
    this.#onProgress = onProgress;
    this.#pairs = Array.from({ length: pairs }, () => new LazyPair(family));
  }

  async map<T, R>(
    what: string,
    items: readonly T[],
    work: (engines: Engines, item: T, index: number) => Promise<R>,
  ): Promise<R[]> {
    const results: R[] = [];
    let next = 0;
    let done = 0;
    const worker = async (engines: Engines) => {
      while (next < items.length) {
        const index = next++;
        results[index] = await work(engines, items[index]!, index);
        this.#onProgress(what, ++done, items.length);
      }
    };
    await Promise.all(this.#pairs.map(worker));
    return results;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#pairs.map((pair) => pair.dispose()));
  }
}

class LazyPair implements Engines {
  readonly #family: Family;
  #target: EngineHost | undefined;
  #draft: EngineHost | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  get target(): Engine {
    return (this.#target ??= startEngine(backboneSpec(this.#family, { sequences: 1, threads: 1 })));
  }

  get draft(): Engine {
    return (this.#draft ??= startEngine(draftSpec(this.#family, { sequences: 1, threads: 1 })));
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#target?.dispose(), this.#draft?.dispose()]);
  }
}
