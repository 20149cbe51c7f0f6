import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { chance, type Random } from '../../../evaluation/src/random.ts';
import type { Way } from './connection.ts';
import { realClock } from './virtual-clock.ts';

/** What can become of a frame that should have passed; TCP itself would do none of it. */
export const FAULTS = ['lose', 'duplicate', 'delay', 'reorder', 'truncate', 'close'] as const;
export type Fault = (typeof FAULTS)[number];

/** The chance from 0 to 1 of each fault, for each frame; together at most 1. */
export type FaultRates = Readonly<Partial<Record<Fault, number>>>;

export interface FaultOptions {
  /** Base URL of the node. */
  readonly to: string;
  readonly up?: FaultRates;
  readonly down?: FaultRates;
  readonly seed?: number;
  /** Frames at the start of each way of each connection that pass as they are; 1 lets a greeting through. */
  readonly spare?: number;
  /**
   * Milliseconds that a delayed frame, and all behind it, wait, and the longest that a reordered one waits for the
   * frame which overtakes it; 40 where absent.
   */
  readonly delay?: number;
  /** Puts another frame in the place of each that comes, whatever becomes of that then: the bug of a middle box. */
  readonly alter?: (frame: Buffer, way: Way) => Uint8Array;
}

export type FaultCounts = Record<Fault | 'passed', number>;

/**
 * What becomes of the next frame.
 * @throws RangeError where the chances together are above 1.
 */
export function nextFault(rates: FaultRates, random: Random): Fault | undefined {
  const roll = random();
  let sum = 0;
  let fault: Fault | undefined;
  for (const candidate of FAULTS) {
    const from = sum;
    sum += rates[candidate] ?? 0;
    if (from <= roll && roll < sum) fault = candidate;
  }
  if (sum > 1 + 1e-9)
    throw new RangeError(`The chances of all faults are ${sum} together; at most 1 is possible.`);
  return fault;
}

/** A WebSocket proxy that mistreats whole frames: a buggy middle box, or a bug of ours. Plain HTTP passes as it is. */
export class FaultProxy {
  /** Base URL for the client. */
  readonly url: string;
  readonly counts: { readonly up: FaultCounts; readonly down: FaultCounts } = { up: none(), down: none() };
  readonly #options: FaultOptions;
  readonly #server: Server;
  readonly #wire = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #nodes = new Set<WebSocket>();
  #connections = 0;
  #calm = false;

  private constructor(server: Server, options: FaultOptions) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#options = options;
    this.#server = server;
    server.on('request', (request, response) => this.#pass(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens on a free port; goes with the test where one is given. */
  static async start(options: FaultOptions, t?: TestContext): Promise<FaultProxy> {
    for (const rates of [options.up, options.down]) nextFault(rates ?? {}, () => 0);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultProxy(server, options);
    t?.after(() => proxy.close());
    return proxy;
  }

  /** From now on every frame passes as it is. */
  calm(): void {
    this.#calm = true;
  }

  close(): void {
    for (const socket of [...this.#wire.clients, ...this.#nodes]) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request;
    const onward = ask(new URL(url!, this.#options.to), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    request.pipe(onward);
  }

  /** The client is let in when the node has let the proxy in; a refusal is handed on. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { authorization } = request.headers;
    const url = new URL(request.url!, this.#options.to.replace('http', 'ws'));
    const headers = authorization === undefined ? {} : { authorization };
    const node = new WebSocket(url, { headers, perMessageDeflate: false });
    const refuse = (status: number) =>
      void socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`);
    socket.on('error', () => node.terminate());
    node.on('error', () => refuse(502));
    node.on('unexpected-response', (_request, answer) => {
      answer.resume();
      refuse(answer.statusCode!);
    });
    node.once('open', () => {
      node.removeAllListeners('error');
      if (socket.destroyed) {
        node.terminate();
        return;
      }
      this.#wire.handleUpgrade(request, socket, head, (client) => this.#join(client, node));
    });
  }

  #join(client: WebSocket, node: WebSocket): void {
    const id = this.#connections++;
    this.#nodes.add(node);
    node.once('close', () => this.#nodes.delete(node));
    this.#follow('up', id, client, node);
    this.#follow('down', id, node, client);
  }

  #follow(way: Way, id: number, from: WebSocket, to: WebSocket): void {
    const { seed = 0, spare = 0, delay = 40, alter, [way]: rates = {} } = this.#options;
    const random = chance(`${seed} ${way} ${id}`);
    const counts = this.counts[way];
    /** Frames leave one after the other, whatever some of them wait for. */
    let before = Promise.resolve();
    let heldBack: Uint8Array[] = [];
    let seen = 0;
    const release = () => {
      // What is sent to a socket that closed meanwhile is lost, as it should be.
      for (const late of heldBack) to.send(late, () => undefined);
      heldBack = [];
    };
    const handle = async (frame: Uint8Array, fault: Fault | undefined, cut: number): Promise<void> => {
      if (fault === 'delay') await realClock.sleep(delay);
      if (to.readyState !== WebSocket.OPEN) return;
      if (fault === 'reorder') {
        heldBack.push(frame);
        void realClock.sleep(delay).then(release);
        return;
      }
      if (fault === 'close') {
        // The half of a message, and then nothing.
        to.send(frame.subarray(0, frame.length >> 1), { fin: false }, () => to.terminate());
        from.terminate();
        return;
      }
      if (fault === 'truncate') to.send(frame.subarray(0, cut));
      else if (fault !== 'lose') to.send(frame);
      if (fault === 'duplicate') to.send(frame);
      release();
    };
    from.on('error', () => to.terminate());
    from.on('message', (data) => {
      const spared = this.#calm || seen++ < spare;
      const frame = alter ? alter(data as Buffer, way) : (data as Buffer);
      // All chance is drawn here, in the order in which frames come, so that how long they wait changes none of it.
      const fault = spared ? undefined : nextFault(rates, random);
      const cut = Math.floor(random() * frame.length);
      counts[fault ?? 'passed']++;
      before = before.then(() => handle(frame, fault, cut));
    });
    from.on('close', (code, reason) => {
      void before.then(() => {
        // 1005 and 1006 say that there was no close frame, and cannot be sent.
        if (code === 1005) to.close();
        else if (code === 1006) to.terminate();
        else to.close(code, reason);
      });
    });
  }
}

function none(): FaultCounts {
  return { passed: 0, lose: 0, duplicate: 0, delay: 0, reorder: 0, truncate: 0, close: 0 };
}
