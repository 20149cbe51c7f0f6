import { nextRetry, TIMEOUT_MARGIN } from './link.ts';
import type { Clock } from './virtual-clock.ts';

/** What travels one way on a connection: bytes, or its beginning (TCP's handshake), its end, its reset. */
export type Parcel = Buffer | 'open' | 'end' | 'reset';

export interface LineOptions {
  readonly clock: Clock;
  /** When a parcel of so many bytes comes out that is handed in now, by the clock; Infinity for never. */
  readonly shape: (bytes: number) => number;
  readonly deliver: (parcel: Parcel) => void;
  /** Told whether the sender may go on, or has filled the buffers on the way. */
  readonly flow: (open: boolean) => void;
}

/** Bytes that may wait on the way before the sender is told to: what kernels keep for a socket, in order of size. */
const BUFFER = 256 * 1024;

/** The first wait of a handshake before it is tried again (RFC 6298, 2.1), in milliseconds. */
const HANDSHAKE_TIMEOUT = 1000;

/** One way of one connection: takes parcels in and gives them out in their order, when the link says so. */
export class Line {
  readonly #options: LineOptions;
  readonly #parcels: { readonly parcel: Parcel; at: number; out: number }[] = [];
  readonly #closing = new AbortController();
  #waiting = 0;
  #moving = false;
  #full = false;
  #frozen = false;
  /** How often it was frozen: a thaw that waits must not undo a later one. */
  #freezes = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  push(parcel: Parcel): void {
    const { clock, shape } = this.#options;
    const out = this.#frozen ? Infinity : shape(sizeOf(parcel));
    this.#parcels.push({ parcel, at: clock.now(), out });
    this.#wait(sizeOf(parcel));
    void this.#move();
  }

  /** From now on nothing arrives, what is on its way included. */
  freeze(): void {
    this.#frozen = true;
    this.#freezes++;
  }

  /** The way is free: what did not arrive is sent again, when the sender's timer, doubled each time, next fires. */
  async thaw(roundTrip: number): Promise<void> {
    const { clock, shape } = this.#options;
    const first = this.#parcels[0];
    const mine = this.#freezes;
    if (first) {
      const timeout = first.parcel === 'open' ? HANDSHAKE_TIMEOUT : roundTrip + TIMEOUT_MARGIN;
      const now = clock.now();
      if (!(await this.#sleep(nextRetry(first.at, now, timeout) - now))) return;
      if (mine !== this.#freezes) return;
    }
    this.#frozen = false;
    for (const entry of this.#parcels) entry.out = shape(sizeOf(entry.parcel));
    void this.#move();
  }

  close(): void {
    this.#parcels.length = 0;
    this.#closing.abort();
  }

  /** Gives out what is due, and comes back for the rest: there is never a second one of it. */
  async #move(): Promise<void> {
    if (this.#moving) return;
    this.#moving = true;
    for (let next = this.#parcels[0]; next && !this.#frozen; next = this.#parcels[0]) {
      const wait = next.out - this.#options.clock.now();
      if (wait > 0) {
        if (wait === Infinity || !(await this.#sleep(wait))) break;
        continue;
      }
      this.#parcels.shift();
      this.#wait(-sizeOf(next.parcel));
      this.#options.deliver(next.parcel);
    }
    this.#moving = false;
  }

  #wait(bytes: number): void {
    this.#waiting += bytes;
    const full = this.#waiting > BUFFER;
    if (full !== this.#full) this.#options.flow(!full);
    this.#full = full;
  }

  /** False where the line was closed meanwhile. */
  async #sleep(ms: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(ms, this.#closing.signal);
      return true;
    } catch {
      return false;
    }
  }
}

function sizeOf(parcel: Parcel): number {
  return typeof parcel === 'string' ? 0 : parcel.length;
}
