/** Pure: when a node that said it is busy may be asked again. */

/** Milliseconds of the first pause, and of the longest. */
const FIRST = 250;
const LONGEST = 8000;

export class Backoff {
  #pauses = 0;
  #until = -Infinity;

  /** Whether to do without the node at `now`. */
  isDue(now: number): boolean {
    return now < this.#until;
  }

  /** It was busy: each time it is left alone for longer, and not by all of a team for as long. */
  busy(now: number, random: number): void {
    const pause = Math.min(LONGEST, FIRST * 2 ** this.#pauses++);
    this.#until = now + pause * (0.5 + random / 2);
  }

  /** It answered. */
  answered(): void {
    this.#pauses = 0;
  }
}
