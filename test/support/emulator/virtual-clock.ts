import { setImmediate as turn, setTimeout as coarse } from 'node:timers/promises';

/** Time as the emulator and policy experiments take it, so that it can be made up. */
export interface Clock {
  /** Milliseconds, with fractions, on a clock that never goes back. */
  now(): number;
  /**
   * Resolves `ms` milliseconds from now and never earlier; Infinity never comes, what is below 0 comes at once.
   * Rejects with the signal's reason when that is aborted.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

interface Timer {
  readonly due: number;
  readonly fire: () => void;
}

/** Timers due at one instant after which an experiment is taken to go round in a circle. */
const TOO_MANY = 100_000;

/**
 * A clock that moves only when told. Due timers fire one at a time, in the order of their time and, at the same time,
 * of their making; between two of them every promise chain runs as far as it can, so that a timer made by one that
 * fired takes its place among the rest.
 */
export class VirtualClock implements Clock {
  #now: number;
  /** Sorted by time, then by age. */
  readonly #timers: Timer[] = [];
  #moving = false;
  /** Timers that fired at this very instant. */
  #fired = 0;

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#timers.length;
  }

  /** @throws RangeError (as a rejection) for a time that is not a number. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (Number.isNaN(ms)) return Promise.reject(new RangeError('Expected milliseconds to sleep, got NaN.'));
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    if (signal?.aborted) {
      reject(signal.reason);
      return promise;
    }
    const timer: Timer = {
      due: this.#now + Math.max(0, ms),
      fire: () => {
        signal?.removeEventListener('abort', cancel);
        resolve(undefined);
      },
    };
    const cancel = () => {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      reject(signal!.reason);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.#timers.splice(this.#timers.findLastIndex(({ due }) => due <= timer.due) + 1, 0, timer);
    return promise;
  }

  /** Moves on by `ms` milliseconds and fires what is due on the way, the end included. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#move(() => (this.#timers[0]?.due ?? Infinity) <= end);
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Moves from timer to timer until `work` is settled, and gives what it gives.
   * @throws Error where it waits for something that no timer will bring.
   */
  async run<T>(work: Promise<T>): Promise<T> {
    const done = { yet: false };
    const settle = () => {
      done.yet = true;
    };
    work.then(settle, settle);
    await this.#move(() => !done.yet && (this.#timers[0]?.due ?? Infinity) < Infinity);
    if (!done.yet) throw new Error('The work waits for something that no timer of this clock will bring.');
    return await work;
  }

  async #move(goesOn: () => boolean): Promise<void> {
    if (this.#moving) throw new Error('The clock is being moved already.');
    this.#moving = true;
    try {
      // A turn of the event loop empties the queue of microtasks, however long a chain is.
      await turn();
      while (goesOn()) {
        this.#fireNext();
        await turn();
      }
    } finally {
      this.#moving = false;
    }
  }

  #fireNext(): void {
    const { due, fire } = this.#timers.shift()!;
    this.#fired = due > this.#now ? 0 : this.#fired + 1;
    if (this.#fired > TOO_MANY) throw new Error(`More than ${TOO_MANY} timers fired at ${due} ms.`);
    this.#now = due;
    fire();
  }
}

/** The longest that Node can wait in one go; above it waits 1 ms. */
const LONGEST = 2 ** 31 - 1;

/**
 * The real time. Node's timers count whole milliseconds, so that the rest, below one, is spent turning the event loop.
 * Turning for longer would not be better: on a busy machine a process that never sleeps is the one put aside.
 */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    const due = performance.now() + ms;
    const options = signal ? { signal } : {};
    signal?.throwIfAborted();
    try {
      for (let left = ms; left > 0; left = due - performance.now()) {
        if (left < 1) await turn(undefined, options);
        else await coarse(Math.min(LONGEST, Math.floor(left)), undefined, options);
      }
    } catch (error) {
      // Node rejects with an error of its own; the reason is what this interface promises.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
