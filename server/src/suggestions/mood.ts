/** Texts in a row that were not wanted. */
export interface Unwanted {
  /** Something else was typed in their place. */
  readonly overwritten: number;
  /** They were sent away. */
  readonly dismissed: number;
}

/** Milliseconds after which it is another day. */
const FORGOTTEN_MS = 20_000;

/** Whether texts are wanted at the moment, by what became of the last ones, in whatever document. */
export class Mood {
  readonly #now: () => number;
  #unwanted: Unwanted = NOTHING;
  /** When the last of them was not. */
  #at = 0;

  /** @param now milliseconds on a clock that only moves forward. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get unwanted(): Unwanted {
    return this.#now() - this.#at < FORGOTTEN_MS ? this.#unwanted : NOTHING;
  }

  overwritten(): void {
    this.#note({ ...this.unwanted, overwritten: this.unwanted.overwritten + 1 });
  }

  dismissed(): void {
    this.#note({ ...this.unwanted, dismissed: this.unwanted.dismissed + 1 });
  }

  /** One was accepted, or typed. */
  pleased(): void {
    this.#unwanted = NOTHING;
  }

  #note(unwanted: Unwanted): void {
    this.#unwanted = unwanted;
    this.#at = this.#now();
  }
}

const NOTHING: Unwanted = { overwritten: 0, dismissed: 0 };
