import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Token } from '@foretype/models';
import { WebSocket, type ClientOptions } from 'ws';
import { createHttp, type HttpOptions, type HttpServer, type Limits } from '../../edge-node/src/http.ts';
import { createPrometheus } from '../../edge-node/src/metrics/prometheus.ts';
import {
  decodeNodeFrame,
  encodeClientFrame,
  WIRE_PATH,
  type VerdictFrame,
} from '../../edge-node/src/protocol/index.ts';
import type { ClientBody } from '../../edge-node/src/session.ts';
import { ADMIN_TOKEN, edgeState, TOKEN, type EdgeState } from './edge-state.ts';
import {
  fakeTarget,
  hello,
  round,
  type HelloFields,
  type RoundFields,
  type TargetFields,
} from './edge-target.ts';
import { FakeEngine, type FakeOptions } from './fake-engine.ts';

export { ADMIN_TOKEN, TOKEN };

export interface EdgeOptions
  extends
    Partial<Pick<HttpOptions, 'helloWithin' | 'bodyWithin' | 'patience' | 'logLevel' | 'recheck' | 'tls'>>,
    Pick<TargetFields, 'family' | 'scheduling'> {
  readonly engine?: FakeOptions;
  readonly engineState?: HttpOptions['engineState'];
  readonly limits?: Partial<Limits>;
  readonly admin?: Partial<HttpOptions['admin']>;
  /** What the node remembers; a state of its own if absent. */
  readonly state?: EdgeState;
}

export interface Edge {
  readonly http: HttpServer;
  readonly url: string;
  readonly engine: FakeEngine;
  readonly state: EdgeState;
  /** Lines of the log so far. */
  readonly log: string[];
}

type NodeFrame = NonNullable<ReturnType<typeof decodeNodeFrame>>;

/** An edge node with a fake engine on a free port; it goes with the test. */
export async function startEdge(t: TestContext, options: EdgeOptions = {}): Promise<Edge> {
  const {
    engine: engineOptions,
    engineState,
    limits,
    admin,
    state = edgeState(t),
    scheduling = {},
    family,
    ...rest
  } = options;
  const engine = new FakeEngine(engineOptions);
  const log: string[] = [];
  const { tokens, store, blocks, directory } = state;
  const http = createHttp({
    targets: [fakeTarget(engine, { scheduling, stored: () => store.stored(), ...(family && { family }) })],
    engineState: engineState ?? (() => ({ status: 'ready' })),
    tokens,
    limits: { requests: 0, windowMs: 60_000, atOnce: 100, connections: 1000, ...limits },
    admin: {
      store,
      blocks,
      uploads: join(directory, 'uploads'),
      backbones: () => Promise.reject(new Error('This node has no backbone.')),
      changed: () => undefined,
      ...admin,
    },
    metrics: createPrometheus({ version: '1.2.3', ofProcess: false }),
    memory: () =>
      Promise.resolve({ node: 1000, engines: new Map([['fake-1', 2000]]), budget: Infinity, placed: 500 }),
    version: '1.2.3',
    started: new Date('2026-01-02T03:04:05Z'),
    now: () => state.clock,
    logLevel: 'info',
    logTo: { write: (line) => log.push(line) },
    patience: 200,
    ...rest,
  });
  state.users.push(() => http.close());
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  return { http, url, engine, state, log };
}

export type ConnectOptions = Pick<ClientOptions, 'headers' | 'ca'>;

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
