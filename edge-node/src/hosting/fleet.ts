/** The engines of a node: which backbones and adapters are in memory, within one budget for all of them. */
import {
  EngineError,
  type Engine,
  type EngineHost,
  type EngineState,
  type ModelFacts,
  type NamedWeights,
} from '@foretype/models';
import type { Block } from '../placement/place.ts';
import type { Policy } from './policy.ts';

/** A backbone that the node may load. */
export interface Member {
  /** Id of its family. */
  readonly id: string;
  readonly facts: ModelFacts;
  /** Bytes of its weights and of the KV cache beside them. */
  readonly bytes: number;
  readonly start: (onState: (state: EngineState) => void) => EngineHost;
  /** Bytes that an adapter takes in memory, by the id that requests ask for; undefined where there is none. */
  readonly adapter: (id: string) => { readonly bytes: number; readonly pinned: boolean } | undefined;
  /** Ids of all adapters that are to stay in memory where that is possible. */
  readonly pinned: () => readonly string[];
  /** The file of an adapter, which must keep its name as long as its bytes are the same, and no longer. */
  readonly fileOf: (id: string) => Promise<NamedWeights>;
}

export interface FleetOptions {
  readonly members: readonly Member[];
  /** Bytes; `Infinity` where there is no bound. */
  readonly budget: number;
  readonly policy: Policy;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  readonly onEvent?: (event: FleetEvent) => void;
}

export type FleetEvent =
  /** What was asked for was in memory, or not. */
  | { readonly kind: 'hit' | 'miss'; readonly family: string; readonly adapter: string }
  /** Bytes that were not in memory and are now. */
  | { readonly kind: 'loaded'; readonly family: string; readonly adapter: string; readonly bytes: number }
  /** An engine was replaced by one without the adapters that had to go. */
  | { readonly kind: 'recycled' | 'unloaded'; readonly family: string; readonly evicted: number }
  | { readonly kind: 'state'; readonly family: string; readonly state: EngineState };

/** `unloaded` is a backbone for which there is no room now; a request for it loads it. */
export type MemberState = EngineState | { readonly status: 'unloaded'; readonly reason: null };

/**
 * Of the adapters that are in memory, the part whose bytes stay free when some are evicted: memory comes back only with a
 * whole engine process, so that each eviction makes room for several.
 */
const SLACK = 1 / 16;

/** Milliseconds between two replacements of an engine: each costs everybody's KV. */
const RECYCLE_PAUSE_MS = 1000;

const UNLOADED: MemberState = { status: 'unloaded', reason: null };

/** One engine process and what it has taken on. */
interface Run {
  readonly host: EngineHost;
  /** Bytes of the adapters that are in its memory, or will be with the next request for them. */
  readonly adapters: Map<string, number>;
  busy: number;
  retired: boolean;
  readonly ended: PromiseWithResolvers<undefined>;
}

/**
 * Engines for several families in bounded memory. What a request asks for is loaded where it is missing; where there is
 * no room, the policy says what stays, and an engine that has to let adapters go is replaced: the new process is loaded
 * while the old one still answers, takes over, and the old one ends when its last request is done.
 */
export class Fleet {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #budget: number;
  readonly #policy: Policy;
  readonly #now: () => number;
  readonly #onEvent: NonNullable<FleetOptions['onEvent']>;
  readonly #runs = new Map<string, Run>();
  /** Adapters that were ever asked for, by family: together they may be worth a backbone that none is worth alone. */
  readonly #asked: ReadonlyMap<string, Set<string>>;
  /** All processes that were started and have not ended. */
  readonly #hosts = new Set<EngineHost>();
  /** When an engine was last replaced, by family. */
  readonly #recycled = new Map<string, number>();
  /** Changes of what is loaded, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor({ members, budget, policy, now, onEvent = () => undefined }: FleetOptions) {
    this.#members = new Map(members.map((member) => [member.id, member]));
    this.#asked = new Map(members.map(({ id }) => [id, new Set()]));
    this.#budget = budget;
    this.#policy = policy;
    this.#now = now;
    this.#onEvent = onEvent;
  }

  /** Bytes that are taken, by this account: backbones, their KV, and adapters. */
  get bytes(): number {
    return [...this.#runs].reduce((sum, [id, { adapters }]) => {
      return sum + this.#members.get(id)!.bytes + sumOf(adapters.values());
    }, 0);
  }

  /** Ids of the adapters of a family that are in memory. */
  loaded(family: string): readonly string[] {
    return [...(this.#runs.get(family)?.adapters.keys() ?? [])];
  }

  /** The process of a family's engine, where one runs. */
  pid(family: string): number | undefined {
    return this.#runs.get(family)?.host.pid;
  }

  state(family: string): MemberState {
    return this.#runs.get(family)?.host.state ?? UNLOADED;
  }

  /**
   * Resolves when this backbone and adapter are in memory. Each request calls it once before it uses the engine: by that
   * it is known what is asked for.
   * @throws EngineError
   */
  async prepare(family: string, adapter: string): Promise<void> {
    this.#policy.used(keyOf(family, adapter), this.#now());
    if (adapter !== '') this.#asked.get(family)!.add(adapter);
    const ready = this.#ready(family, adapter);
    this.#onEvent({ kind: ready ? 'hit' : 'miss', family, adapter });
    this.#leave(ready ?? (await this.#loaded(family, adapter)));
  }

  /** The engine of a family, whichever process it is in. Its `dispose` does nothing: the fleet is disposed of whole. */
  engine(family: string): Engine {
    const enter = (adapter: string) => this.#held(family, adapter);
    const leave = (run: Run) => this.#leave(run);
    // An engine that was started anew may have missed a file; the next request has it taken on again.
    const failed = (run: Run, adapter: string, error: unknown) => {
      if (error instanceof EngineError && error.code === 'unknown-adapter') run.adapters.delete(adapter);
      return error;
    };
    const within = async <T>(adapter = '', work: (host: EngineHost) => Promise<T>) => {
      const run = enter(adapter);
      try {
        return await work(run.host);
      } catch (error) {
        throw failed(run, adapter, error);
      } finally {
        leave(run);
      }
    };
    return {
      // What does not change is known without the model, which may be loaded only when somebody asks for its text.
      facts: async () => {
        const { status, reason } = this.state(family);
        if (status === 'failed')
          throw new EngineError('model-invalid', reason ?? 'The model cannot be loaded.');
        return Promise.resolve(this.#members.get(family)!.facts);
      },
      tokenize: (text, signal) => within('', (host) => host.tokenize(text, signal)),
      detokenize: (tokens, signal) => within('', (host) => host.detokenize(tokens, signal)),
      choose: (request, signal) => within(request.adapter, (host) => host.choose(request, signal)),
      score: (request, signal) => within(request.adapter, (host) => host.score(request, signal)),
      read: (request, signal) => within(request.adapter, (host) => host.read(request, signal)),
      async *write(request, signal) {
        const run = enter(request.adapter ?? '');
        try {
          yield* run.host.write(request, signal);
        } catch (error) {
          throw failed(run, request.adapter ?? '', error);
        } finally {
          leave(run);
        }
      },
      dispose: () => Promise.resolve(),
    };
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    // Also those that are loading, whose end ends the change that waits for them.
    await Promise.all([...this.#hosts].map((host) => host.dispose()));
    await this.#changes.catch(() => undefined);
    await Promise.all([...this.#hosts].map((host) => host.dispose()));
    this.#runs.clear();
  }

  /** The run that has what is asked for once that is loaded, which then does not end before {@link #leave}. */
  async #loaded(family: string, adapter: string): Promise<Run> {
    const change = this.#changes.then(async () => {
      const meanwhile = this.#ready(family, adapter);
      if (meanwhile) return meanwhile;
      await this.#load(family, adapter);
      return this.#ready(family, adapter)!;
    });
    this.#changes = change.catch(() => undefined);
    return change;
  }

  #ready(family: string, adapter: string): Run | undefined {
    const run = this.#runs.get(family);
    if (!run || (adapter !== '' && !run.adapters.has(adapter))) return undefined;
    run.busy++;
    return run;
  }

  /** The run that has what {@link prepare} brought into memory; loading it again here would keep a place in the queue. */
  #held(family: string, adapter: string): Run {
    const run = this.#ready(family, adapter);
    if (run) return run;
    throw new EngineError(
      'not-placed',
      `What ${keyOf(family, adapter)} needs is not in memory any more; ask again.`,
    );
  }

  #leave(run: Run): void {
    run.busy--;
    this.#endIfDone(run);
  }

  async #load(family: string, adapter: string): Promise<void> {
    if (this.#disposed) throw new EngineError('engine-disposed', 'The engine was shut down.');
    const member = this.#members.get(family)!;
    const asked = adapter === '' ? undefined : member.adapter(adapter);
    if (adapter !== '' && !asked)
      throw new EngineError('unknown-adapter', `There is no adapter named "${adapter}".`);
    const least = member.bytes + (asked?.bytes ?? 0);
    if (least > this.#budget)
      throw new EngineError(
        'memory-full',
        `${adapter === '' ? `The family ${family}` : `The adapter ${adapter} with its backbone`} needs ${mebibytes(least)} MiB, and the node may use ${mebibytes(this.#budget)}; raise --memory.`,
      );
    const missing = (this.#runs.has(family) ? 0 : member.bytes) + (asked?.bytes ?? 0);
    if (this.bytes + missing > this.#budget) await this.#makeRoom(family, adapter, least);
    const run = this.#runs.get(family) ?? (await this.#first(member));
    if (asked && !run.adapters.has(adapter)) {
      await run.host.adopt(await member.fileOf(adapter));
      run.adapters.set(adapter, asked.bytes);
      this.#onEvent({ kind: 'loaded', family, adapter, bytes: asked.bytes });
    }
  }

  /**
   * Lets go of what is worth less than what is asked for.
   * @throws EngineError `not-placed` where nothing is.
   */
  async #makeRoom(family: string, adapter: string, least: number): Promise<void> {
    const wanted = keyOf(family, adapter);
    const models = [...this.#members.values()].flatMap((member) => {
      const backbone: Block = { id: member.id, bytes: member.bytes };
      const ids = new Set([...this.#asked.get(member.id)!, ...member.pinned()]);
      const withAdapter = [...ids].flatMap((id) => {
        const facts = member.adapter(id);
        const blocks = [backbone, { id: keyOf(member.id, id), bytes: facts?.bytes ?? 0 }];
        // Who was removed is not asked for any more.
        if (!facts) this.#asked.get(member.id)!.delete(id);
        const resident = this.#runs.get(member.id)?.adapters.has(id) ?? false;
        return facts ? [{ id: keyOf(member.id, id), blocks, pinned: facts.pinned, resident }] : [];
      });
      const alone = { id: member.id, blocks: [backbone], pinned: false, resident: this.#runs.has(member.id) };
      return [alone, ...withAdapter];
    });
    const adapters = sumOf([...this.#runs.values()].flatMap((run) => [...run.adapters.values()]));
    const capacity = Math.max(least, this.#budget - SLACK * adapters);
    const kept = this.#policy.choose(models, capacity, this.#now());
    if (!kept.has(wanted))
      throw new EngineError(
        'not-placed',
        `${adapter === '' ? `The family ${family}` : `The adapter ${adapter}`} is not in memory: others are asked for more often, and not all fit.`,
      );
    const plans = [...this.#runs].map(([id, run]) => {
      const staying = [...run.adapters.keys()].filter((one) => kept.has(keyOf(id, one)));
      const stays = kept.has(id) || staying.length > 0 || id === family;
      return { id, run, staying, stays, evicted: run.adapters.size - staying.length };
    });
    const recycling = plans.filter(({ stays, evicted }) => stays && evicted > 0);
    const soon = this.#now() - RECYCLE_PAUSE_MS;
    if (recycling.some(({ id }) => (this.#recycled.get(id) ?? -Infinity) > soon))
      throw new EngineError('not-placed', 'Adapters were evicted a moment ago; ask again.');
    // What goes goes first, so that two backbones are not there at once where one has to make room for the other.
    const unloading = plans.filter(({ stays }) => !stays);
    for (const { id, run, evicted } of unloading) {
      this.#runs.delete(id);
      this.#onEvent({ kind: 'unloaded', family: id, evicted });
      run.retired = true;
      this.#endIfDone(run);
    }
    await Promise.all(unloading.map(({ run }) => run.ended.promise));
    for (const { id, run, staying, evicted } of recycling) {
      this.#recycled.set(id, this.#now());
      await this.#successor(this.#members.get(id)!, staying);
      this.#onEvent({ kind: 'recycled', family: id, evicted });
      run.retired = true;
      this.#endIfDone(run);
    }
  }

  /** The first engine of a backbone: it is there at once, and whoever asks it waits, or learns that it cannot be had. */
  async #first(member: Member): Promise<Run> {
    const run = this.#start(member);
    this.#runs.set(member.id, run);
    await run.host.facts();
    this.#onEvent({ kind: 'loaded', family: member.id, adapter: '', bytes: member.bytes });
    return run;
  }

  /** Starts an engine that takes over when it is ready. If it does not become so, all stays as it is. */
  async #successor(member: Member, adapters: readonly string[]): Promise<void> {
    const run = this.#start(member);
    try {
      await run.host.facts();
      for (const id of adapters) {
        const facts = member.adapter(id);
        if (!facts) continue;
        try {
          await run.host.adopt(await member.fileOf(id));
          run.adapters.set(id, facts.bytes);
        } catch (error) {
          // One file that is damaged is the affair of who asks for it.
          if (!(error instanceof EngineError) || error.code !== 'model-invalid') throw error;
        }
      }
    } catch (error) {
      await run.host.dispose();
      this.#hosts.delete(run.host);
      throw error;
    }
    this.#runs.set(member.id, run);
  }

  #start(member: Member): Run {
    const host = member.start((state) => this.#onEvent({ kind: 'state', family: member.id, state }));
    this.#hosts.add(host);
    return { host, adapters: new Map(), busy: 0, retired: false, ended: Promise.withResolvers() };
  }

  #endIfDone(run: Run): void {
    if (!run.retired || run.busy > 0) return;
    void run.host.dispose().finally(() => {
      this.#hosts.delete(run.host);
      run.ended.resolve(undefined);
    });
  }
}

/** What a policy and a placement call a model: the backbone by its family's id alone. */
function keyOf(family: string, adapter: string): string {
  return adapter === '' ? family : `${family}/${adapter}`;
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
