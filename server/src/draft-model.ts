import {
  draftSpec,
  EngineError,
  loadFamily,
  vocabularySpec,
  type Engine,
  type Family,
  type startEngine,
} from '@foretype/models';
import { availableParallelism } from 'node:os';
import { Recollection } from './recollection.ts';
import { RestingEngine, type RestingState } from './resting-engine.ts';

export interface DraftModelOptions {
  /** Makes the draft engine. */
  readonly start: (...args: Parameters<typeof startEngine>) => Engine;
  readonly onState: (state: RestingState) => void;
  /** Whether a document may be shown to others; all of them where absent. */
  readonly allowed?: ((uri: string) => Promise<boolean>) | undefined;
  /** See `RestingOptions.idleMs`. */
  readonly idleMs: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** A family that is in use. */
interface InUse {
  readonly family: Family;
  readonly engine: RestingEngine;
  readonly recollection: Recollection;
  readonly drafts: boolean;
}

/** The laptop's side of the model: a family, the engine that drafts with it, and what its completions left behind. */
export class DraftModel {
  readonly #options: DraftModelOptions;
  #inUse: InUse | undefined;
  /** Counts the families that were asked for: only the last of them is loaded. */
  #asked = 0;
  #disposed = false;

  constructor(options: DraftModelOptions) {
    this.#options = options;
  }

  /** Undefined until its manifest is read, and where that cannot be. */
  get family(): Family | undefined {
    return this.#inUse?.family;
  }

  /** Undefined as long as the family is; after that calls wait until it is loaded, or awake. */
  get engine(): Engine | undefined {
    return this.#inUse?.engine;
  }

  get recollection(): Recollection | undefined {
    return this.#inUse?.recollection;
  }

  /** Whether the engine writes; otherwise it has a vocabulary and no weights. */
  get drafts(): boolean {
    return this.#inUse?.drafts ?? false;
  }

  /**
   * Drafts with the family in `directory` from now on; its weights load in the background. What another family had under
   * way ends. Where the manifest cannot be read the state says so, and there is no family.
   * @param drafts false where a node writes everything, so that only the family's vocabulary is needed.
   */
  async use(directory: string, drafts = true): Promise<void> {
    const turn = ++this.#asked;
    this.#options.onState({ status: 'loading', reason: null });
    const family = await loadFamily(directory).catch((error: unknown) => error as Error);
    if (turn !== this.#asked || this.#disposed) return;
    // Before the other is there: there may not be memory for both.
    await this.#leave();
    if (turn !== this.#asked || this.#isDisposed) return;
    if (family instanceof Error) {
      const reason = family instanceof EngineError ? family.message : String(family);
      this.#options.onState({ status: 'failed', reason });
      return;
    }
    // Half of the cores: the other half is the editor's, and the user's.
    const threads = Math.max(1, Math.floor(availableParallelism() / 2));
    const spec = drafts ? draftSpec(family, { sequences: 2, threads }) : vocabularySpec(family);
    const engine = new RestingEngine({
      ...this.#options,
      start: (onState) => this.#options.start(spec, onState),
    });
    this.#inUse = { family, engine, recollection: new Recollection(engine, this.#options.allowed), drafts };
    engine.wake();
  }

  /** Has the engine come up, and stay for a while, since it will soon be asked. */
  wake(): void {
    this.#inUse?.engine.wake();
  }

  /** Gives the engine's memory back until it is asked again. */
  async sleep(): Promise<void> {
    await this.#inUse?.engine.sleep();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#leave();
  }

  // The compiler takes a field for unchanged across an `await`.
  get #isDisposed(): boolean {
    return this.#disposed;
  }

  async #leave(): Promise<void> {
    const left = this.#inUse;
    this.#inUse = undefined;
    await left?.engine.dispose();
  }
}
