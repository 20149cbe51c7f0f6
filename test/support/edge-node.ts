import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { EngineState, Token } from '@foretype/models';
import { WebSocket, type ClientOptions } from 'ws';
import { createHttp, type HttpOptions, type HttpServer } from '../../edge-node/src/http.ts';
import {
  decodeNodeFrame,
  encodeClientFrame,
  WIRE_PATH,
  type VerdictFrame,
} from '../../edge-node/src/protocol/index.ts';
import type { ClientBody } from '../../edge-node/src/session.ts';
import { fakeTarget, hello, round, type HelloFields, type RoundFields } from './edge-target.ts';
import { FakeEngine, type FakeOptions } from './fake-engine.ts';

export const TOKEN = 'ft_for-tests';

export interface EdgeOptions extends Partial<Pick<HttpOptions, 'helloWithin' | 'patience' | 'logLevel'>> {
  readonly engine?: FakeOptions;
  readonly state?: () => EngineState;
}

export interface Edge {
  readonly http: HttpServer;
  readonly url: string;
  readonly engine: FakeEngine;
  /** Lines of the log so far. */
  readonly log: string[];
}

type NodeFrame = NonNullable<ReturnType<typeof decodeNodeFrame>>;

/** An edge node with a fake engine on a free port; it goes with the test. */
export async function startEdge(t: TestContext, options: EdgeOptions = {}): Promise<Edge> {
  const { engine: engineOptions, state, ...rest } = options;
  const engine = new FakeEngine(engineOptions);
  const log: string[] = [];
  const http = createHttp({
    target: fakeTarget(engine),
    engineState: state ?? (() => ({ status: 'ready', reason: null })),
    accounts: { verify: (token) => (token === TOKEN ? { name: 'tests' } : undefined) },
    version: '1.2.3',
    started: new Date('2026-01-02T03:04:05Z'),
    logLevel: 'info',
    logTo: { write: (line) => log.push(line) },
    patience: 200,
    ...rest,
  });
  t.after(() => http.close());
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  return { http, url, engine, log };
}

export type ConnectOptions = Pick<ClientOptions, 'headers'>;

/** One end of the wire, which remembers what a language server would. */
export class WireClient {
  readonly socket: WebSocket;
  /** How the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #frames: NodeFrame[] = [];
  readonly #waiting: ((frame: NodeFrame) => void)[] = [];
  #base: readonly Token[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      assert.ok(data instanceof Buffer);
      const frame = decodeNodeFrame(data);
      assert.ok(frame, 'the node sends frames that can be read');
      const next = this.#waiting.shift();
      if (next) next(frame);
      else this.#frames.push(frame);
    });
    this.closed = new Promise((resolve) =>
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  /** Opens a connection; it goes with the test. Rejects where the node refuses the upgrade. */
  static async connect(
    t: TestContext,
    url: string,
    options: ConnectOptions = bearer(TOKEN),
  ): Promise<WireClient> {
    const socket = new WebSocket(url.replace('http', 'ws') + WIRE_PATH, {
      ...options,
      perMessageDeflate: false,
    });
    const client = new WireClient(socket);
    t.after(() => socket.terminate());
    await once(socket, 'open');
    return client;
  }

  send(frame: ClientBody | Uint8Array): void {
    this.socket.send(frame instanceof Uint8Array ? frame : encodeClientFrame(frame));
  }

  /** The next frame of the node. */
  next(): Promise<NodeFrame> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async hello(fields?: HelloFields): Promise<NodeFrame> {
    this.send(hello(fields));
    return this.next();
  }

  /** Sends a round as a change to the last one, and does not wait. */
  begin(fields: RoundFields): void {
    this.send(round(fields, this.#base));
    this.#base = [...fields.context, ...(fields.drafted ?? [])];
  }

  /** Sends a round and gives the verdict, with all that was written on. */
  async verify(fields: RoundFields): Promise<VerdictFrame> {
    this.begin(fields);
    const frame = await this.next();
    assert.equal(frame.case, 'verdict', JSON.stringify(frame));
    const tokens = [...frame.value.tokens];
    for (let { open } = frame.value; open;) {
      const more = await this.next();
      assert.equal(more.case, 'written', JSON.stringify(more));
      tokens.push(...more.value.tokens);
      open = more.value.open;
    }
    return { ...frame.value, tokens, open: false };
  }
}

export function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${token}` } };
}
