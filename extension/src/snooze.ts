/** The clock that a snooze goes by. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs something after `ms` milliseconds; what it returns takes that back. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/**
 * Milliseconds after which the clock is looked at again: timers stand still while the machine sleeps and know nothing of
 * a clock that is set, and a snooze ends when the user's clock shows the time that was promised.
 */
const LOOK_MS = 30_000;

/** A pause of all completions that ends by itself; kept in memory only, so that a restart ends it too. */
export class Snooze {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #until = 0;
  #cancel: () => void = nothing;

  /** @param onChange - called after it began, ended, or got another end. */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** When it ends, in milliseconds since 1970; `Infinity` for the next restart, null where there is none. */
  get until(): number | null {
    return this.#clock.now() < this.#until ? this.#until : null;
  }

  /** Begins it, or sets another end. @param minutes - `Infinity` until the next restart; 0 ends it. */
  start(minutes: number): void {
    if (!(minutes > 0)) {
      this.end();
      return;
    }
    this.#until = this.#clock.now() + minutes * 60_000;
    this.#look();
    this.#onChange();
  }

  end(): void {
    if (this.#until === 0) return;
    this.#cancel();
    this.#cancel = nothing;
    this.#until = 0;
    this.#onChange();
  }

  dispose(): void {
    this.#cancel();
  }

  /** Ends it if its time is over; for moments at which the user is back, perhaps from a machine that slept. */
  review(): void {
    if (this.#until !== 0 && this.until === null) this.end();
  }

  /** Looks at the clock now and then until it is over. */
  #look(): void {
    this.#cancel();
    const left = this.#until - this.#clock.now();
    if (left <= 0) this.end();
    else if (Number.isFinite(left))
      this.#cancel = this.#clock.after(Math.min(left, LOOK_MS), () => this.#look());
  }
}

function nothing(): void {
  // There is no timer to take back.
}
