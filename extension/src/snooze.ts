/** The clock that a snooze goes by. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs something after `ms` milliseconds; what it returns takes that back. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** A timer for longer than this ends at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
    this.#cancel();
    if (!(minutes > 0)) {
      this.end();
      return;
    }
    const ms = minutes * 60_000;
    this.#until = this.#clock.now() + ms;
    if (ms <= LONGEST_TIMER_MS) this.#cancel = this.#clock.after(ms, () => this.#end());
    this.#onChange();
  }

  end(): void {
    if (this.#until === 0) return;
    this.#cancel();
    this.#end();
  }

  dispose(): void {
    this.#cancel();
  }

  /** Ends it if its time is over: timers stand still while the machine sleeps, clocks do not. */
  review(): void {
    if (this.#until !== 0 && this.until === null) this.end();
  }

  #end(): void {
    this.#until = 0;
    this.#cancel = nothing;
    this.#onChange();
  }
}

function nothing(): void {
  // There is no timer to take back.
}
