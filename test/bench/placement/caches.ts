/** What each way of placing makes of a trace: the node's own fleet, and two caches that most would build instead. */
import type { EngineHost } from '@foretype/models';
import { LRUCache } from 'lru-cache';
import { Fleet, type Member } from '../../../edge-node/src/hosting/fleet.ts';
import { policyNamed, type PolicyName } from '../../../edge-node/src/hosting/policy.ts';
import { place, unionBytes, type Block } from '../../../edge-node/src/placement/place.ts';
import { FakeEngine } from '../../support/fake-engine.ts';
import { BACKBONE_SIZE, CHANGE_EVERY, INTERVAL_MS, type Adapter } from './trace.ts';

export interface Tally {
  /** Requests that found their adapter in memory. */
  readonly hits: number;
  /** MB that had to be brought into memory. */
  readonly fetched: number;
  /** Engine processes that were replaced; none where adapters could be freed one by one. */
  readonly recycled: number;
}

/** A cache that is asked for one adapter after the other. */
export type Cache = (
  trace: readonly Adapter[],
  adapters: readonly Adapter[],
  capacity: number,
) => Promise<Tally>;

/** The fleet as the node runs it, whose engines are none. */
export function fleet(policy: PolicyName): Cache {
  return async (trace, adapters, capacity) => {
    const tally = { hits: 0, fetched: 0, recycled: 0 };
    let now = 0;
    const sizes = new Map(adapters.map(({ id, size }) => [id, size]));
    const nodes = new Fleet({
      members: [...new Set(adapters.map(({ family }) => family))].map((id) => memberOf(id, sizes)),
      budget: capacity,
      policy: policyNamed(policy),
      now: () => now,
      onEvent: (event) => {
        if (event.kind === 'hit') tally.hits++;
        if (event.kind === 'loaded') tally.fetched += event.bytes;
        if (event.kind === 'recycled') tally.recycled++;
      },
    });
    for (const { family, id } of trace) {
      now += INTERVAL_MS;
      // What is not worth its memory is answered by the backbone, or not at all: no hit in any case.
      await nodes.prepare(family, id).catch(() => undefined);
    }
    await nodes.dispose();
    return tally;
  };
}

function memberOf(id: string, sizes: ReadonlyMap<string, number>): Member {
  return {
    id,
    facts: { vocabulary: 1, context: 1, tokenizer: '' },
    bytes: BACKBONE_SIZE,
    start: () => new Idle(),
    adapter: (adapter) => ({ bytes: sizes.get(adapter)!, pinned: false }),
    pinned: () => [],
    fileOf: (name) => Promise.resolve({ name, file: name, path: name, bytes: 0, sha256: '' }),
  };
}

/** An engine that nobody asks for anything. */
class Idle extends FakeEngine implements EngineHost {
  readonly state = { status: 'ready', reason: null } as const;
  readonly pid = undefined;

  adopt(): Promise<void> {
    return Promise.resolve();
  }
}

/** Nobody can have it: what the coming requests will ask for most for each byte is in memory before they come. */
export const foreseeing: Cache = (trace, adapters, capacity) => {
  const tally = { hits: 0, fetched: 0, recycled: 0 };
  let held = new Map<string, number>();
  for (let from = 0; from < trace.length; from += CHANGE_EVERY) {
    const coming = trace.slice(from, from + CHANGE_EVERY);
    const counts = Map.groupBy(coming, ({ id }) => id);
    const models = adapters.map((adapter) => {
      return { id: adapter.id, blocks: blocksOf(adapter), hits: counts.get(adapter.id)?.length ?? 0 };
    });
    const placed = new Set(place(models, capacity).placed);
    const blocks = models.filter(({ id }) => placed.has(id)).flatMap((model) => model.blocks);
    for (const { id, bytes } of blocks) if (!held.has(id)) tally.fetched += bytes;
    held = new Map(blocks.map(({ id, bytes }) => [id, bytes]));
    tally.hits += coming.filter(({ id }) => placed.has(id)).length;
  }
  return Promise.resolve(tally);
};

/** What was used last stays, shared backbones counted once, and each adapter can be freed alone. */
export const sharingLru: Cache = (trace, adapters, capacity) => {
  const cache = new LRUCache<string, Adapter>({ max: adapters.length });
  const tally = { hits: 0, fetched: 0, recycled: 0 };
  for (const adapter of trace) {
    if (cache.get(adapter.id)) {
      tally.hits++;
      continue;
    }
    const held = new Set([...cache.values()].flatMap(blocksOf).map(({ id }) => id));
    for (const { id, bytes } of blocksOf(adapter)) if (!held.has(id)) tally.fetched += bytes;
    cache.set(adapter.id, adapter);
    while (unionBytes([...cache.values()].map((one) => ({ blocks: blocksOf(one) }))) > capacity) cache.pop();
  }
  return Promise.resolve(tally);
};

/** Each adapter with a whole copy of its backbone, as merged weights are served. */
export const copies: Cache = (trace, _adapters, capacity) => {
  const cache = new LRUCache<string, Adapter>({
    maxSize: capacity,
    sizeCalculation: ({ size }) => Math.ceil(BACKBONE_SIZE + size),
  });
  const tally = { hits: 0, fetched: 0, recycled: 0 };
  for (const adapter of trace) {
    if (cache.get(adapter.id)) tally.hits++;
    else {
      tally.fetched += BACKBONE_SIZE + adapter.size;
      cache.set(adapter.id, adapter);
    }
  }
  return Promise.resolve(tally);
};

function blocksOf({ id, family, size }: Adapter): Block[] {
  return [
    { id: family, bytes: BACKBONE_SIZE },
    { id, bytes: size },
  ];
}
