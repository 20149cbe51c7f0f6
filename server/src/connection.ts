import {
  decodeNodeFrame,
  encodeClientFrame,
  type FailureCode,
  type Identity,
} from '@foretype/edge-node/protocol';
import { readAddress } from './address.ts';
import { Dialler, type Line } from './dial.ts';
import { DIRECT, type Network } from './network.ts';
import type { ServerStatus } from './protocol.ts';
import type { NodeBody } from './rounds.ts';

export type EdgeState = Pick<ServerStatus, 'reason'> & { readonly status: ServerStatus['edge'] };

export interface ConnectionOptions {
  /** Base URL of the node. */
  readonly url: string;
  readonly token: string;
  readonly identity: Identity;
  /** By which it is reached; straight if absent. */
  readonly network?: Network | undefined;
  readonly onState: (state: EdgeState) => void;
  /** The node works with something else than this side has; a state that says so comes after it. */
  readonly onIncompatible?: (() => void) | undefined;
  /** A number from 0 to 1: spreads the reconnections of a team whose node comes back. */
  readonly random: () => number;
  /** Milliseconds without a word after which a node that owes one is taken for gone. */
  readonly silence: number;
  /** Whether the node owes an answer. */
  readonly owes: () => boolean;
  /** The node can be asked from now on, over `line`, and has these adapters; the state comes after it. */
  readonly onWelcome: (adapters: readonly string[], line: Line) => void;
  /** The node said something that is not about the connection, in `bytes` bytes; it may do so unwelcomed. */
  readonly onFrame: (frame: Exclude<NodeBody, { case: 'welcome' }>, bytes: number) => void;
  /** What is under way is lost for this reason, one sentence; the state comes after it. */
  readonly onLost: (reason: string) => void;
}

/** Milliseconds to wait before reconnection number `attempt`, between half and the whole of a doubling step. */
export function reconnectPause(attempt: number, random: number): number {
  return Math.min(10_000, 250 * 2 ** attempt) * (0.5 + random / 2);
}

/** A node that will not have us is asked again only this often, in milliseconds: somebody must change something. */
const REFUSED_PAUSE = 60_000;

/** The life of the connection to a node: dialled, greeted, given up where the node is silent, and dialled again. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #dialler: Dialler;
  #line: Line | undefined;
  #state: EdgeState = { status: 'connecting', reason: null };
  #attempt = 0;
  /** Never two at once: a welcome is due, or an answer, or the next attempt. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#dialler = new Dialler(options.network ?? DIRECT, options.silence);
    this.#connect();
  }

  get state(): EdgeState {
    return this.#state;
  }

  /** Gives the node `silence` milliseconds, from now, for the next of the answers that it owes. Only while connected. */
  watch(): void {
    if (this.#options.owes()) this.#expect('The edge node stopped answering.');
    else clearTimeout(this.#timer);
  }

  /** Gives this connection up and makes another after a pause; `reason` is one sentence. */
  lose(reason: string): void {
    this.#drop(reason);
    this.#retry(reconnectPause(this.#attempt++, this.#options.random()));
    this.#enter({ status: 'away', reason });
  }

  /** Closes it for good; no state comes after it. */
  dispose(): void {
    this.#drop('The connection was closed.');
    this.#dialler.dispose();
  }

  #connect(): void {
    const { url, token } = this.#options;
    const address = readAddress(url);
    const line =
      typeof address === 'string'
        ? address
        : this.#dialler.dial(address, token, {
            onOpen: (line) => this.#greet(line),
            onFrame: (line, frame) => this.#receive(line, frame),
            onEnd: ({ status, reason }) => {
              if (status === 'away') this.lose(reason);
              else this.#refused(reason);
            },
          });
    // Without another attempt: these settings can never work.
    if (typeof line === 'string') this.#enter({ status: 'refused', reason: line });
    else this.#line = line;
  }

  #greet(line: Line): void {
    const { wireVersion, family, tokenizer, backbone } = this.#options.identity;
    line.send(
      encodeClientFrame({
        case: 'hello',
        value: {
          wireVersion,
          family,
          tokenizer: Buffer.from(tokenizer, 'hex'),
          backbone: Buffer.from(backbone, 'hex'),
        },
      }),
    );
    this.#expect('The edge node did not answer the greeting.');
  }

  #receive(line: Line, bytes: Uint8Array): void {
    const frame = decodeNodeFrame(bytes);
    if (!frame) {
      this.lose('The edge node sent something that cannot be read.');
    } else if (frame.case === 'welcome') {
      this.#attempt = 0;
      this.watch();
      this.#options.onWelcome(frame.value.adapters, line);
      this.#enter({ status: 'connected', reason: null });
    } else if (frame.case === 'failure' && frame.value.id === 0) {
      const { code, message } = frame.value;
      if (code === ('incompatible' satisfies FailureCode)) {
        this.#options.onIncompatible?.();
        this.#refused(message);
      } else this.lose(message);
    } else {
      this.#options.onFrame(frame, bytes.length);
    }
  }

  #refused(reason: string): void {
    this.#drop(reason);
    this.#retry(REFUSED_PAUSE);
    this.#enter({ status: 'refused', reason });
  }

  #expect(otherwise: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.lose(otherwise), this.#options.silence);
  }

  #retry(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  #drop(reason: string): void {
    clearTimeout(this.#timer);
    this.#line?.leave();
    this.#line = undefined;
    this.#options.onLost(reason);
  }

  /** Always the last thing done: whoever is told may dispose of the connection. */
  #enter(state: EdgeState): void {
    if (state.status === this.#state.status && state.reason === this.#state.reason) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
