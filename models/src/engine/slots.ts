import type { Token } from '../engine.ts';

/** A place that holds the KV cache of the tokens evaluated in it last, which mean nothing with another adapter. */
export interface Slot {
  readonly adapter: string;
  readonly tokens: readonly Token[];
}

/** What a slot is wanted for. */
export interface Wanted {
  /** Its name, or empty for the backbone itself. */
  readonly adapter: string;
  readonly context: readonly Token[];
}

export interface Lease<S extends Slot> {
  readonly slot: S;
  /** Gives the slot back; must be called exactly once. */
  release(): void;
}

/**
 * Lends each slot to one request at a time. A request gets the idle slot of its adapter whose tokens share the longest
 * prefix with its context, since that much need not be evaluated again; where none shares much, which all prompts do that begin with the
 * same marker or the same licence, an empty slot, or the one that was idle longest: a new conversation must not evict a
 * warm one. With no idle slot, requests wait in the order they came.
 */
export class Slots<S extends Slot> {
  /** Idle slots, the longest idle first. */
  readonly #idle: S[];
  readonly #waiting: { readonly wanted: Wanted; readonly grant: (lease: Lease<S>) => void }[] = [];

  constructor(slots: readonly S[]) {
    this.#idle = [...slots];
  }

  async acquire(wanted: Wanted, signal?: AbortSignal): Promise<Lease<S>> {
    signal?.throwIfAborted();
    const slot = this.#take(wanted);
    if (slot) return this.#lease(slot);
    const { promise, resolve, reject } = Promise.withResolvers<Lease<S>>();
    const waiter = { wanted, grant: resolve };
    const leave = () => {
      const index = this.#waiting.indexOf(waiter);
      if (index !== -1) this.#waiting.splice(index, 1);
      reject(signal!.reason as Error);
    };
    this.#waiting.push(waiter);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  #take(wanted: Wanted): S | undefined {
    const { context } = wanted;
    let best = -1;
    let longest = 0;
    this.#idle.forEach(({ adapter, tokens }, index) => {
      if (adapter !== wanted.adapter) return;
      const shared = sharedPrefix(tokens, context);
      const much = 2 * shared >= Math.min(tokens.length, context.length);
      if (much && shared > longest) [best, longest] = [index, shared];
    });
    if (best === -1) best = this.#idle.findIndex(({ tokens }) => tokens.length === 0);
    return this.#idle.splice(Math.max(0, best), 1)[0];
  }

  #lease(slot: S): Lease<S> {
    return {
      slot,
      release: () => {
        this.#idle.push(slot);
        const next = this.#waiting.shift();
        if (next) next.grant(this.#lease(this.#take(next.wanted)!));
      },
    };
  }
}

/** How many tokens `a` and `b` have in common from the start. */
export function sharedPrefix(a: readonly Token[], b: readonly Token[]): number {
  const shorter = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < shorter && a[shared] === b[shared]) shared++;
  return shared;
}
