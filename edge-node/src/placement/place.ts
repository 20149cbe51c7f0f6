/** Pure: which models are worth their memory, where models are made of blocks that several of them share. */

/** A stored tensor, or a whole backbone: what is kept once however many models are made of it. */
export interface Block {
  readonly id: string;
  readonly bytes: number;
}

/** Something that can answer: a backbone, or a backbone with an adapter. */
export interface Model {
  readonly id: string;
  readonly blocks: readonly Block[];
  /** Requests expected for it, in any unit that is the same for all. */
  readonly hits: number;
  /** Placed before all others. */
  readonly pinned?: boolean;
}

export interface Placement {
  /** Ids in the order in which they were placed, the most worth first. */
  readonly placed: readonly string[];
  /** Bytes of the union of their blocks. */
  readonly bytes: number;
}

/**
 * Chooses models by expected hits for each byte that they add to the union of blocks, the best first, as long as it fits
 * (TrimCaching's greedy for arbitrary sharing, arXiv 2405.03990, for one server). What shares blocks with what is placed
 * already becomes cheaper by it, so that everybody is judged again at each step; and a model may only pay together with
 * others of its backbone, so that the step is also tried with a whole group of them.
 *
 * Pinned models are placed first, in their order; those that do not fit are left out like any other.
 */
export function place(models: readonly Model[], capacity: number): Placement {
  const room = new Room(capacity);
  const placed: string[] = [];
  const take = (model: Model) => {
    room.add(model.blocks);
    placed.push(model.id);
  };
  for (const model of models) if (model.pinned && room.fits(model.blocks)) take(model);
  let rest = models.filter(({ id }) => !placed.includes(id));
  for (;;) {
    const best = bestGroup(rest, room);
    if (!best) return { placed, bytes: room.bytes };
    for (const model of best) take(model);
    rest = rest.filter((model) => !best.includes(model));
  }
}

/** Bytes of the blocks of all of these models, each block once. */
export function unionBytes(models: readonly Pick<Model, 'blocks'>[]): number {
  const room = new Room(Infinity);
  for (const { blocks } of models) room.add(blocks);
  return room.bytes;
}

/**
 * The models to take next: of all ways to begin with one model and to go on with those that share its largest missing
 * block, the prefix with the most hits for its bytes.
 */
function bestGroup(models: readonly Model[], room: Room): readonly Model[] | undefined {
  let best: readonly Model[] | undefined;
  let bestWorth = 0;
  const heads = new Map<string, Model[]>();
  for (const model of models) {
    const missing = room.missing(model.blocks);
    const largest = missing.reduce((one, other) => (other.bytes > one.bytes ? other : one), NOTHING);
    const group = heads.get(largest.id);
    if (group) group.push(model);
    else heads.set(largest.id, [model]);
  }
  for (const [head, group] of heads) {
    const beside = (model: Model) =>
      room.missing(model.blocks).reduce((sum, { id, bytes }) => (id === head ? sum : sum + bytes), 0);
    const ordered = group
      .map((model) => ({ model, worth: model.hits / Math.max(1, beside(model)) }))
      .sort((one, other) => other.worth - one.worth);
    const tried = room.copy();
    const taken: Model[] = [];
    let hits = 0;
    for (const { model } of ordered) {
      if (!tried.fits(model.blocks)) continue;
      tried.add(model.blocks);
      taken.push(model);
      hits += model.hits;
      const worth = hits / Math.max(1, tried.bytes - room.bytes);
      if (hits > 0 && worth > bestWorth) [best, bestWorth] = [[...taken], worth];
    }
  }
  return best;
}

const NOTHING: Block = { id: '', bytes: -1 };

/** Memory with blocks in it. */
class Room {
  bytes = 0;
  readonly #capacity: number;
  readonly #has: Set<string>;

  constructor(capacity: number, has: Iterable<string> = []) {
    this.#capacity = capacity;
    this.#has = new Set(has);
  }

  copy(): Room {
    const copy = new Room(this.#capacity, this.#has);
    copy.bytes = this.bytes;
    return copy;
  }

  missing(blocks: readonly Block[]): readonly Block[] {
    return blocks.filter(({ id }) => !this.#has.has(id));
  }

  fits(blocks: readonly Block[]): boolean {
    return this.bytes + sizeOf(this.missing(blocks)) <= this.#capacity;
  }

  add(blocks: readonly Block[]): void {
    this.bytes += sizeOf(this.missing(blocks));
    for (const { id } of blocks) this.#has.add(id);
  }
}

function sizeOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes, 0);
}
