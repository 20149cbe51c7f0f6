/** Pure: one direction of a network link, as TCP connections over it see it. */
import { chance, type Random } from '../../../evaluation/src/random.ts';
import { Course, exponential, type Step } from './course.ts';

/** When a message passed; Infinity where it never does. Milliseconds since the link's beginning. */
export interface Passage {
  /** Its last byte went through the bottleneck. */
  readonly left: number;
  /** TCP hands its last byte over at the other end. */
  readonly out: number;
}

/** Payload bytes of a TCP segment on Ethernet. */
const SEGMENT = 1448;

/** What Linux adds to the round trip before its retransmission timer fires (TCP_RTO_MIN), in milliseconds. */
export const TIMEOUT_MARGIN = 200;

/** A retransmission timer doubles up to this (RFC 6298, 2.5; TCP_RTO_MAX), in milliseconds, */
const LONGEST_TIMEOUT = 120_000;

/** and this often (Linux's tcp_retries2), after which the sender gives the connection up. */
const RETRIES = 15;

/** When a sender that lost a segment at `lost` first tries again at or after `healed`; its first wait is `timeout`. */
export function nextRetry(lost: number, healed: number, timeout: number): number {
  let retry = lost;
  for (let wait = timeout; retry < healed; wait = Math.min(2 * wait, LONGEST_TIMEOUT)) retry += wait;
  return retry;
}

interface Flow {
  readonly born: number;
  /** Until then the sender is busy with getting one segment through a cut. */
  resumes: number;
  /** The last hand-over: TCP delivers nothing before what was sent earlier. */
  held: number;
}

/**
 * One direction of a link with a single bottleneck at its beginning, whose queue all connections share; order and
 * retransmission are each connection's own, so that a new one may overtake an old one that waits for a lost segment.
 *
 * A lost segment is sent again one round trip later where others of its message follow it (their acknowledgements
 * tell), else when the timer fires: a round trip and {@link TIMEOUT_MARGIN}, doubled each time. What was sent behind it
 * is handed over together with it. Left out: headers, congestion windows, lost acknowledgements, the size of the queue.
 */
export class Link {
  readonly #course: Course;
  readonly #random: Random;
  readonly #flows = new Map<number, Flow>();
  /** When the bottleneck is taken, sorted, none overlapping. */
  #taken: { from: number; to: number }[] = [];

  /** @param steps sorted, the first at 0. The same steps, seed and calls give the same times. */
  constructor(steps: readonly Step[], seed: number | string) {
    this.#course = new Course(steps, seed);
    this.#random = chance(`${seed} link`);
  }

  /**
   * Takes a message of `bytes` bytes (0 for what only opens or ends a connection) at `at`, which must not be before
   * that of an earlier call. A connection begins with the first message that bears its number.
   */
  pass(bytes: number, at: number, connection = 0): Passage {
    const flow = this.#flows.get(connection) ?? { born: at, resumes: at, held: at };
    this.#flows.set(connection, flow);
    this.#taken = this.#taken.filter(({ to }) => to > at);
    let left = at;
    for (let rest = bytes; ; rest -= SEGMENT) {
      const last = rest <= SEGMENT;
      left = Math.max(left, this.#deliver(Math.min(rest, SEGMENT), Math.max(at, flow.resumes), flow, last));
      if (left === Infinity || this.#course.moved(flow.born, left)) flow.held = Infinity;
      if (flow.held === Infinity) return { left, out: Infinity };
      const { delay, jitter } = this.#course.at(left).step;
      flow.held = Math.max(flow.held, left + delay + exponential(jitter, this.#random));
      if (last) return { left, out: flow.held };
    }
  }

  /** The connection is over. */
  forget(connection: number): void {
    this.#flows.delete(connection);
  }

  /** When a segment has left that gets through; Infinity where the sender gives up. */
  #deliver(bytes: number, at: number, flow: Flow, last: boolean): number {
    let from = at;
    let wait = 0;
    for (let attempt = 0; attempt <= RETRIES; attempt++) {
      const { roundTrip } = this.#course.at(from).step;
      const left = this.#send(bytes, from);
      if (left !== undefined && this.#random() >= this.#course.at(left).step.loss) return left;
      const told = left !== undefined && attempt === 0 && !last;
      const timeout = Math.min(Math.max(2 * wait, roundTrip + TIMEOUT_MARGIN), LONGEST_TIMEOUT);
      if (!told) wait = timeout;
      from = (left ?? from) + (told ? roundTrip : timeout);
      if (left === undefined) flow.resumes = from;
    }
    return Infinity;
  }

  /** Puts bytes through the bottleneck when it is free; undefined where a cut swallows them. */
  #send(bytes: number, from: number): number | undefined {
    let rest = bytes;
    for (let now = from; ;) {
      const { step, stalled, until } = this.#course.at(now);
      if (step.cut) return undefined;
      const other = this.#taken.find(({ to }) => to > now);
      if (other && other.from <= now) {
        now = other.to;
        continue;
      }
      const end = Math.min(until, other?.from ?? Infinity);
      const rate = step.bandwidth / 1000;
      if (!stalled && now + rest / rate <= end) {
        this.#take(now, now + rest / rate);
        return now + rest / rate;
      }
      if (!stalled) {
        this.#take(now, end);
        rest = Math.max(0, rest - (end - now) * rate);
      }
      now = end;
    }
  }

  #take(from: number, to: number): void {
    if (from === to) return;
    const before = this.#taken.find((taken) => taken.to === from);
    if (before) before.to = to;
    else this.#taken.splice(this.#taken.findLastIndex((taken) => taken.from < from) + 1, 0, { from, to });
  }
}
