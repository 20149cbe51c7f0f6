/** Pure: how often each of many things is likely to be asked for, by how often it was of late. */

/** Requests after which one counts for half: long enough to tell twice as popular from chance, short enough for a day. */
const HALF_LIFE = 300;
/** Milliseconds without a request after which somebody else's counts for more, however popular the thing was before. */
const IDLE_AFTER = 60_000;
const OF_IDLE = 1 / 1000;
/** Weights are kept within what numbers can add up exactly enough. */
const RESCALE_AT = 2 ** 40;

interface Entry {
  /** In units of {@link Popularity.#unit}: counting grows, so that not all others have to be shrunk at each request. */
  weight: number;
  /** When it was last asked for, in milliseconds. */
  last: number;
}

export class Popularity {
  readonly #entries = new Map<string, Entry>();
  #unit = 1;

  count(id: string, now: number): void {
    this.#unit *= 2 ** (1 / HALF_LIFE);
    const weight = (this.#entries.get(id)?.weight ?? 0) + this.#unit;
    this.#entries.set(id, { weight, last: now });
    if (this.#unit > RESCALE_AT) this.#rescale();
  }

  /** Requests of the last half-lives, the older the less; next to none where nobody asks for it at present. */
  of(id: string, now: number): number {
    const entry = this.#entries.get(id);
    if (!entry) return 0;
    return (entry.weight / this.#unit) * (now - entry.last > IDLE_AFTER ? OF_IDLE : 1);
  }

  get ids(): Iterable<string> {
    return this.#entries.keys();
  }

  #rescale(): void {
    for (const [id, entry] of this.#entries) {
      entry.weight /= this.#unit;
      // What was not asked for in twenty half-lives is forgotten.
      if (entry.weight < 1e-6) this.#entries.delete(id);
    }
    this.#unit = 1;
  }
}
