import type { Socket } from 'node:net';
import { Line, type Parcel } from './line.ts';
import { realClock } from './virtual-clock.ts';

export type Way = 'up' | 'down';

export interface ConnectionOptions {
  /** Begins a connection to the node. */
  readonly dial: () => Socket;
  /** When so many bytes come out that are handed in now, by {@link realClock}; Infinity for never. */
  readonly shape: (way: Way, bytes: number) => number;
  /** Told of bytes that came out. */
  readonly passed: (way: Way, bytes: number) => void;
  /** Told when both sides are gone. */
  readonly over: () => void;
}

/** One TCP connection between a client and a node: what either side says goes onto a line and comes out at the other. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #client: Socket;
  #node: Socket | undefined;
  readonly #up: Line;
  readonly #down: Line;

  constructor(client: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.#client = client;
    this.#up = this.#line('up');
    this.#down = this.#line('down');
    // What becomes of a socket that was reset is no news to the one who reset it, nor before anybody listens.
    client.on('error', () => undefined);
    client.on('close', () => this.#settle());
  }

  /** Sends the handshake on its way. */
  begin(): void {
    this.#up.push('open');
  }

  /** Whether the client neither ended nor reset it; an end counts before it reaches the node. */
  get open(): boolean {
    return !this.#client.destroyed && !this.#client.readableEnded;
  }

  freeze(): void {
    for (const line of [this.#up, this.#down]) line.freeze();
  }

  thaw(roundTrip: number): void {
    for (const line of [this.#up, this.#down]) void line.thaw(roundTrip);
  }

  reset(): void {
    for (const line of [this.#up, this.#down]) line.close();
    for (const socket of [this.#client, this.#node]) if (socket && !socket.destroyed) reset(socket);
    this.#options.over();
  }

  #line(way: Way): Line {
    const [from, to] =
      way === 'up' ? [() => this.#client, () => this.#node] : [() => this.#node, () => this.#client];
    return new Line({
      clock: realClock,
      shape: (bytes) => this.#options.shape(way, bytes),
      flow: (free) => {
        if (free) from()?.resume();
        else from()?.pause();
      },
      deliver: (parcel) => {
        if (parcel === 'open') this.#opened(way);
        else if (typeof parcel !== 'string') this.#options.passed(way, parcel.length);
        const socket = to();
        if (socket && !socket.destroyed) hand(parcel, socket);
      },
    });
  }

  /** Half of the handshake is done. */
  #opened(way: Way): void {
    if (way === 'down') {
      this.#follow(this.#client, this.#up);
      return;
    }
    const node = this.#options.dial();
    this.#node = node;
    node.once('connect', () => this.#down.push('open'));
    node.on('close', () => this.#settle());
    this.#follow(node, this.#down);
  }

  /** Puts what a socket says onto a line. */
  #follow(socket: Socket, line: Line): void {
    if (socket.destroyed) line.push('reset');
    socket.on('data', (bytes) => line.push(bytes));
    socket.on('end', () => line.push('end'));
    socket.on('error', () => line.push('reset'));
  }

  #settle(): void {
    if (this.#client.destroyed && this.#node?.destroyed) this.reset();
  }
}

function hand(parcel: Parcel, socket: Socket): void {
  if (parcel === 'end') socket.end();
  else if (parcel === 'reset') reset(socket);
  else if (parcel !== 'open') socket.write(parcel);
}

/**
 * Resets a connection, or closes it where its end is just being said: Node cannot reset it then (EINVAL), and would keep
 * a handle that lets the process go round in a circle for ever when it ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
