/**
 * Who may use the engine next. So many requests are in it at once as it has places for; the others wait in a queue that is
 * bounded, fair between adapters and between the clients of one, and left at once by whoever does not wait any more.
 */
import type { Token } from '@foretype/models';
import type { Seats, Sitting } from './seats.ts';

/** Whom a request is for. */
export interface Asking {
  /** An account, or any other name of who asks: those of one name wait for each other. */
  readonly client: string;
  /** Id of the adapter, or empty for the backbone. */
  readonly adapter: string;
  /** What has one prompt that grows: a connection, say. */
  readonly conversation: string;
  /** What is to be read, where that is known already. */
  readonly context?: readonly Token[];
}

export interface SchedulerOptions {
  /** Requests that are in the engine at once. */
  readonly running: number;
  /** Requests that wait, of all clients and of one. */
  readonly waiting: number;
  readonly waitingEach: number;
  /** Milliseconds after which a request that still waits is refused: an editor has moved on by then. */
  readonly patienceMs: number;
  readonly seats: Seats;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** The node has more to do than it can: nothing is wrong with the request, and it may be made again later. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
  readonly code = 'busy';
}

/** A place in the engine. */
export interface Place {
  /** To be told when the first answer is there: by the times of these it is known how many can be served. */
  answered(): void;
  /** Gives it back; more than once is once. */
  leave(): void;
}

export interface Load {
  readonly running: number;
  readonly waiting: number;
}

interface Waiter extends Asking {
  readonly admit: () => void;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waiting: Waiter[] = [];
  /** Number of the admission that each had last; absent where it had none since the queue was empty. */
  readonly #last = { adapter: new Map<string, number>(), client: new Map<string, number>() };
  #admissions = 0;
  #running = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get load(): Load {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  /**
   * Waits for a place in the engine.
   * @throws BusyError at once where too many wait, or when its patience ends; the signal's reason if that is aborted.
   */
  async enter(asking: Asking, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    const { seats, now } = this.#options;
    const sitting = seats.take(asking.conversation, now(), asking.context);
    if (!sitting)
      throw new BusyError('The edge node is busy: it serves as many people as it can for the moment.');
    try {
      if (this.#running >= this.#options.running) return await this.#wait(asking, sitting, signal);
      return this.#admit(asking, sitting);
    } catch (error) {
      sitting.done(now());
      throw error;
    }
  }

  /** A conversation is over. */
  gone(conversation: string): void {
    this.#options.seats.leave(conversation);
  }

  async #wait(asking: Asking, sitting: Sitting, signal: AbortSignal): Promise<Place> {
    const { waiting, waitingEach, patienceMs } = this.#options;
    const own = this.#waiting.filter(({ client }) => client === asking.client).length;
    if (own >= waitingEach)
      throw new BusyError(`The edge node is busy, and ${own} of your requests wait already.`);
    if (this.#waiting.length >= waiting)
      throw new BusyError(`The edge node is busy: ${waiting} requests wait already.`);

    const place = Promise.withResolvers<Place>();
    const waiter = { ...asking, admit: () => place.resolve(this.#admit(asking, sitting)) };
    const leave = (reason: unknown) => {
      const at = this.#waiting.indexOf(waiter);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      place.reject(reason);
    };
    const aborted = () => leave(signal.reason);
    const late = setTimeout(
      () => leave(new BusyError(`The edge node is busy: no place was free within ${patienceMs} ms.`)),
      patienceMs,
    );
    this.#waiting.push(waiter);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      return await place.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', aborted);
    }
  }

  /** A place for work that can be left undone, where one is free and nobody waits for it. */
  enterIfFree(asking: Asking): Place | undefined {
    const { running, seats, now } = this.#options;
    if (this.#running >= running) return undefined;
    const sitting = seats.take(asking.conversation, now(), asking.context);
    return sitting && this.#admit(asking, sitting);
  }

  #admit({ adapter, client }: Asking, sitting: Sitting): Place {
    this.#running++;
    this.#admissions++;
    this.#last.adapter.set(adapter, this.#admissions);
    this.#last.client.set(client, this.#admissions);
    let left = false;
    const { now } = this.#options;
    return {
      answered: () => sitting.answered(now()),
      leave: () => {
        if (left) return;
        left = true;
        sitting.done(now());
        this.#running--;
        this.#next();
      },
    };
  }

  #next(): void {
    if (this.#waiting.length === 0) {
      // Whoever was served before nobody waited has no debt, and the maps must not grow with every client there ever was.
      if (this.#running === 0) for (const last of Object.values(this.#last)) last.clear();
      return;
    }
    const next = fairest(this.#waiting, this.#last);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    next.admit();
  }
}

/** Of the adapter that was served longest ago the client that was served longest ago, and of that the first to come. */
export function fairest<A extends Pick<Asking, 'adapter' | 'client'>>(
  waiting: readonly A[],
  last: { readonly adapter: ReadonlyMap<string, number>; readonly client: ReadonlyMap<string, number> },
): A {
  return waiting.reduce((best, one) => {
    const adapter = (last.adapter.get(one.adapter) ?? 0) - (last.adapter.get(best.adapter) ?? 0);
    const client = (last.client.get(one.client) ?? 0) - (last.client.get(best.client) ?? 0);
    return adapter < 0 || (adapter === 0 && client < 0) ? one : best;
  });
}
