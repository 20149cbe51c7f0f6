import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  applyDelta,
  decodeClientFrame,
  encodeNodeFrame,
  MAX_DRAFT_LENGTH,
  WIRE_PATH,
  WIRE_VERSION,
  type AskFrame,
  type VerifyFrame,
} from '../../edge-node/src/protocol/index.ts';
import type { ClientBody, NodeBody } from '../../edge-node/src/session.ts';

export interface FakeNodeOptions {
  /** What plain HTTP gets; a node that is not ready (503) where absent. */
  readonly http?: RequestListener;
  /** False leaves an upgrade to `http`, as a node does that refuses it. */
  readonly upgrade?: () => boolean;
}

/** One connection as a node sees it, which does nothing on its own. */
export class FakePeer {
  readonly socket: WebSocket;
  readonly closed: Promise<unknown>;
  readonly #frames: ClientBody[] = [];
  readonly #waiting: ((frame: ClientBody) => void)[] = [];
  #base: readonly number[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('message', (data) => {
      assert.ok(data instanceof Buffer);
      const frame = decodeClientFrame(data);
      assert.ok(frame, 'the channel sends frames that can be read');
      const next = this.#waiting.shift();
      if (next) next(frame);
      else this.#frames.push(frame);
    });
  }

  /** Frames that came and that no test asked for yet. */
  get unread(): number {
    return this.#frames.length;
  }

  next(): Promise<ClientBody> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next round, and the context it makes of what came before; what comes before it is answered. */
  async round(): Promise<VerifyFrame & { readonly context: readonly number[] | undefined }> {
    let frame = await this.next();
    while (frame.case === 'sync' || frame.case === 'ask') {
      if (frame.case === 'sync') {
        this.#base = applyDelta(this.#base, frame.value) ?? [];
        this.send({ case: 'synced', value: { id: frame.value.id, spentUs: 1 } });
      } else this.assign(frame.value);
      frame = await this.next();
    }
    assert.equal(frame.case, 'verify');
    const context = applyDelta(this.#base, frame.value);
    this.#base = [...(context ?? []), ...frame.value.drafted];
    return { ...frame.value, context };
  }

  async welcome(adapters: string[] = []): Promise<void> {
    assert.equal((await this.next()).case, 'hello');
    const value = { wireVersion: WIRE_VERSION, adapters, context: 512, draftLength: MAX_DRAFT_LENGTH };
    this.send({ case: 'welcome', value });
  }

  /** Every name means the adapter of that id, and no project has one. */
  assign({ whose }: AskFrame): void {
    const adapter = whose.case === 'name' ? whose.value : '';
    this.send({ case: 'assigned', value: { whose, adapter } });
  }

  verdict(id: number, accepted: number, tokens: number[]): void {
    this.send({ case: 'verdict', value: { id, accepted, tokens, spentUs: 1 } });
  }

  failure(id: number, code: string, message: string): void {
    this.send({ case: 'failure', value: { id, code, message } });
  }

  send(frame: NodeBody | Uint8Array): void {
    this.socket.send(frame instanceof Uint8Array ? frame : encodeNodeFrame(frame));
  }
}

/** An HTTP server on a free port whose WebSockets a test answers by hand; it goes with the test. */
export class FakeNode {
  readonly url: string;
  readonly #peers: FakePeer[] = [];
  readonly #waiting: ((peer: FakePeer) => void)[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  static async start(t: TestContext, options: FakeNodeOptions = {}): Promise<FakeNode> {
    const unready: RequestListener = (_request, response) => void response.writeHead(503).end();
    const { http = unready, upgrade = () => true } = options;
    // Node hands an upgrade to `http` where this says no.
    const server = createServer({ shouldUpgradeCallback: upgrade }, http);
    const sockets = new WebSocketServer({ server, path: WIRE_PATH, perMessageDeflate: false });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    });
    const node = new FakeNode(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    sockets.on('connection', (socket) => {
      const peer = new FakePeer(socket);
      const next = node.#waiting.shift();
      if (next) next(peer);
      else node.#peers.push(peer);
    });
    return node;
  }

  /** The next connection. */
  peer(): Promise<FakePeer> {
    const peer = this.#peers.shift();
    return peer ? Promise.resolve(peer) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next connection, welcomed. */
  async welcomed(adapters?: string[]): Promise<FakePeer> {
    const peer = await this.peer();
    await peer.welcome(adapters);
    return peer;
  }
}
