/** Which models stay in memory when not all can. */
import { LRUCache } from 'lru-cache';
import { place, unionBytes, type Model } from '../placement/place.ts';
import { Popularity } from './popularity.ts';

/** What could be in memory; its hits a policy knows itself. */
export interface Candidate extends Omit<Model, 'hits'> {
  /** Whether it is there now. */
  readonly resident: boolean;
}

/** How much more somebody else must be worth before what is there makes room: a change has everybody's KV read again. */
const HYSTERESIS = 1.1;

/** Models that are compared at once, beside those that are there. */
const MOST = 64;

export interface Policy {
  /** A request for this model, at a time in milliseconds. */
  used(id: string, now: number): void;
  /**
   * Ids of those to have in memory, whose blocks are within `capacity` bytes together; pinned ones first, as far as they
   * fit. What was asked for a moment ago need not be among them.
   */
  choose(models: readonly Candidate[], capacity: number, now: number): ReadonlySet<string>;
}

export type PolicyName = 'hits-per-byte' | 'lru';

export function policyNamed(name: PolicyName): Policy {
  return name === 'lru' ? leastRecentlyUsed() : hitsPerByte();
}

/** TrimCaching's greedy over what was asked for of late, see `place`. */
function hitsPerByte(): Policy {
  const popularity = new Popularity();
  return {
    used: (id, now) => popularity.count(id, now),
    choose: (models, capacity, now) => {
      const judged = models.map((model) => {
        const hits = popularity.of(model.id, now) * (model.resident ? HYSTERESIS : 1);
        return { ...model, hits };
      });
      // The greedy looks at all of them at each step; those that are asked for least would not be placed anyway.
      const first = judged.toSorted((one, other) => other.hits - one.hits).slice(0, MOST);
      const others = judged.filter((model) => (model.pinned || model.resident) && !first.includes(model));
      return new Set(place([...first, ...others], capacity).placed);
    },
  };
}

/** What was used longest ago goes first, as nearly every cache has it; what models share counts once here, too. */
function leastRecentlyUsed(): Policy {
  // As many as a node may ever know: which of them fit is a matter of bytes that they share.
  const recent = new LRUCache<string, true>({ max: 100_000 });
  return {
    used: (id) => void recent.set(id, true),
    choose: (models, capacity) => {
      const byId = new Map(models.map((model) => [model.id, model]));
      const pinned = models.filter((model) => model.pinned);
      const others = [...recent.keys()].flatMap((id) => byId.get(id) ?? []).filter((model) => !model.pinned);
      const kept: Candidate[] = [];
      for (const model of [...pinned, ...others]) {
        if (unionBytes([...kept, model]) <= capacity) kept.push(model);
        // Whoever is older than one that had to go goes with it.
        else if (!model.pinned) break;
      }
      return new Set(kept.map(({ id }) => id));
    },
  };
}
