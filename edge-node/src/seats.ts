/** Pure: who is served when more people write than the node can answer in time. */
import { sharedPrefix, type Token } from '@foretype/models';

export interface SeatsOptions {
  /** The most conversations that have a seat at once. */
  readonly count: number;
  /** Milliseconds without a request after which a seat is free. */
  readonly idleMs: number;
  /** Milliseconds after which a seat may be given to somebody else who asks for one. */
  readonly tenureMs: number;
  /** Milliseconds within which nine of ten requests have their first answer, where no prompt has to be read for them. */
  readonly soonMs: number;
  /** Milliseconds that the prompts which are read may take together; one is read however long it takes. */
  readonly readMs: number;
}

/** A request of somebody who has a seat. */
export interface Sitting {
  /** Its first answer is there. */
  answered(now: number): void;
  /** It is done, answered or not: the pause before the next one begins. */
  done(now: number): void;
}

interface Seat {
  readonly since: number;
  last: number;
  /** Requests that are not done yet. */
  open: number;
  /** Of these, those of which the prompt is not read yet. */
  reading: number;
  /** What was read for the last of them. */
  context: readonly Token[];
}

/** There are no fewer, so that two can work together at a node that is slow even for one. */
const LEAST = 2;
/** Seats less for each late answer; a ninth of it more for each that is not, so that one in ten is late. */
const STEP = 0.45;
/** Weight of the newest of the times that reading a prompt took. */
const NEWEST = 0.2;

/**
 * Were everybody served in turn, each request would find its prompt evicted by those between, and the node would do
 * nothing but read prompts; and what it answered would come after the next key. So those who have a seat keep it for a
 * while, as many as are answered in time, and the others are told that the node is busy; then the seats go round.
 *
 * How many that are is measured: the number follows the quantile of the first answers by stochastic approximation
 * (Robbins and Monro 1951), which needs no model of the machine.
 */
export class Seats {
  readonly #options: SeatsOptions;
  /** By conversation, the one that sat down first in front. */
  readonly #seats = new Map<string, Seat>();
  #limit: number;
  /** Milliseconds that a prompt takes to be read where no other is. */
  #readMs: number | undefined;

  constructor(options: SeatsOptions) {
    this.#options = options;
    this.#limit = options.count;
  }

  /** How many seats there are now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * A seat for a request, where its conversation has one or gets one now.
   * @param context what is to be read for it, where that is known: all of it, if it has little in common with what was
   * read for the request before.
   */
  take(conversation: string, began: number, context?: readonly Token[]): Sitting | undefined {
    const others = [...this.#seats].filter(
      ([who, { reading }]) => who !== conversation && reading > 0,
    ).length;
    const own = this.#seated(conversation, began);
    const reads = !own || (context !== undefined && 2 * sharedPrefix(own.context, context) < context.length);
    if (reads && others > 0 && (others + 1) * (this.#readMs ?? Infinity) > this.#options.readMs) return;
    const seat = own ?? this.#sitDown(conversation, began);
    if (seat) seat.context = context ?? [];
    return seat && this.#sitting(seat, began, reads ? others + 1 : 0);
  }

  /** A conversation is over, and comes back, if at all, under another name: its seat is free at once. */
  leave(conversation: string): void {
    this.#seats.delete(conversation);
  }

  /** The seat of a conversation that has one, unless there are fewer now. */
  #seated(conversation: string, now: number): Seat | undefined {
    const own = this.#seats.get(conversation);
    if (!own || own.open > 0) return own;
    let before = 0;
    for (const seat of this.#seats.values()) {
      if (seat === own) break;
      if (!this.#isIdle(seat, now)) before++;
    }
    if (before < this.limit) return own;
    this.#seats.delete(conversation);
    return undefined;
  }

  #sitDown(conversation: string, now: number): Seat | undefined {
    for (const [who, seat] of this.#seats) {
      if (this.#seats.size < this.limit) break;
      if (this.#isIdle(seat, now)) this.#seats.delete(who);
    }
    // One for one: where there are fewer seats than before, nobody new gets one until so many have left.
    const [longest] = this.#seats;
    if (this.#seats.size === this.limit && longest && now - longest[1].since >= this.#options.tenureMs)
      this.#seats.delete(longest[0]);
    if (this.#seats.size >= this.limit) return undefined;
    const seat = { since: now, last: now, open: 0, reading: 0, context: [] };
    this.#seats.set(conversation, seat);
    return seat;
  }

  #isIdle({ open, last }: Seat, now: number): boolean {
    return open === 0 && now - last > this.#options.idleMs;
  }

  /** @param prompts that are read when it begins, its own included; 0 where its own need not be. */
  #sitting(seat: Seat, began: number, prompts: number): Sitting {
    let waits = true;
    let open = true;
    const read = () => {
      if (waits && prompts > 0) seat.reading--;
      waits = false;
    };
    seat.open++;
    if (prompts > 0) seat.reading++;
    return {
      answered: (now) => {
        if (!waits) return;
        read();
        if (prompts > 0) this.#learnReading((now - began) / prompts);
        else this.#learn(now - began);
      },
      done: (now) => {
        if (!open) return;
        open = false;
        // Whoever types on before the answer is there was not answered in time either.
        if (waits && prompts === 0 && now - began > this.#options.soonMs) this.#learn(now - began);
        read();
        seat.open--;
        seat.last = now;
      },
    };
  }

  #learn(ms: number): void {
    const more = ms > this.#options.soonMs ? -STEP : STEP / 9;
    this.#limit = Math.min(Math.max(this.#limit + more, LEAST), this.#options.count);
  }

  #learnReading(ms: number): void {
    this.#readMs = this.#readMs === undefined ? ms : this.#readMs + NEWEST * (ms - this.#readMs);
  }
}
