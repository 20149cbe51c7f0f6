/** Pure: who is served when more people write than the engine keeps prompts of. */

export interface SeatsOptions {
  /** How many conversations have a seat at once: as many as prompts are kept. */
  readonly count: number;
  /** Milliseconds without a request after which a seat is free. */
  readonly idleMs: number;
  /** Milliseconds after which a seat may be given to somebody else who asks for one. */
  readonly tenureMs: number;
  /** How many may have a request under way of which the prompt has to be read: the first, or one at another place. */
  readonly newcomers: number;
}

interface Seat {
  readonly since: number;
  last: number;
  /** Requests that are not done yet. */
  open: number;
  /** A prompt has to be read for one of them. */
  fresh: boolean;
}

/**
 * Were everybody served in turn, each request would find its prompt evicted by those between, and the node would do
 * nothing but read prompts. So those who have a seat keep it for a while, and the others are told that the node is busy;
 * then the seats go round.
 */
export class Seats {
  readonly #options: SeatsOptions;
  /** By conversation, the one that sat down first in front. */
  readonly #seats = new Map<string, Seat>();

  constructor(options: SeatsOptions) {
    this.#options = options;
  }

  /**
   * Whether a conversation has a seat, or gets one now, for a request of which {@link done} tells the end.
   * @param cold where its prompt has little in common with that of the request before.
   */
  take(conversation: string, now: number, cold = false): boolean {
    const { count, idleMs, tenureMs, newcomers } = this.#options;
    const own = this.#seats.get(conversation);
    const reading = [...this.#seats.values()].filter((seat) => seat !== own && seat.fresh && seat.open > 0);
    const room = reading.length < newcomers;
    if (own) {
      if (cold && !room) return false;
      own.open++;
      own.fresh ||= cold;
      return true;
    }
    if (!room) return false;
    if (this.#seats.size >= count) {
      const idle = [...this.#seats].find(([, { last, open }]) => open === 0 && now - last > idleMs);
      const leaving = idle ?? this.#longest(now - tenureMs);
      if (!leaving) return false;
      this.#seats.delete(leaving[0]);
    }
    this.#seats.set(conversation, { since: now, last: now, open: 1, fresh: true });
    return true;
  }

  /** A request of this conversation ended: the pause before the next one begins. */
  done(conversation: string, now: number): void {
    const seat = this.#seats.get(conversation);
    if (!seat) return;
    seat.open--;
    seat.fresh = false;
    seat.last = now;
  }

  /** Whoever sits longest, where that is since `latest` or earlier. */
  #longest(latest: number): [string, Seat] | undefined {
    const [first] = this.#seats;
    return first && first[1].since <= latest ? first : undefined;
  }
}
