import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  draftSpec,
  EMBEDDED_FAMILY,
  type Engine,
  loadFamily,
  startEngine,
  type Token,
  unless,
  type WriteRequest,
  type Written,
} from '@foretype/models';
import { WebSocketServer } from 'ws';
import { decodeClientFrame, encodeNodeFrame, WIRE_PATH } from '../../edge-node/src/protocol/index.ts';
import { Session } from '../../edge-node/src/session.ts';
import { fakeTarget } from '../support/edge-target.ts';

/** An edge node whose target writes what a test tells it, when the test lets it. */
export class ScriptedNode implements AsyncDisposable {
  readonly url: string;
  /** Lines that the target knows; where one begins as the cursor's line does, it writes the rest of it. */
  readonly lines: string[] = [];
  readonly #resources: AsyncDisposableStack;
  #gate: PromiseWithResolvers<undefined> | undefined;

  private constructor(url: string, resources: AsyncDisposableStack) {
    this.url = url;
    this.#resources = resources;
  }

  static async start(): Promise<ScriptedNode> {
    await using resources = new AsyncDisposableStack();
    const family = await loadFamily(EMBEDDED_FAMILY);
    const tokenizer = startEngine(draftSpec(family, { sequences: 1, threads: 1 }), () => undefined);
    resources.defer(() => tokenizer.dispose());
    // Only the wire is spoken here; whoever asks by HTTP whether there is a node hears that it is not ready.
    const server = createServer((_request, response) => void response.writeHead(503).end());
    const sockets = new WebSocketServer({ server, path: WIRE_PATH, perMessageDeflate: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    resources.defer(async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    });
    const { port } = server.address() as AddressInfo;
    const node = new ScriptedNode(`http://127.0.0.1:${port}`, resources.move());
    const targets = [fakeTarget(node.#engine(tokenizer, new Set(family.tokenizer.end)), { family })];
    let connections = 0;
    sockets.on('connection', (socket) => {
      const session = new Session({
        targets,
        client: 'editor',
        conversation: String(++connections),
        send: (frame) => socket.send(encodeNodeFrame(frame)),
        close: (code, reason) => socket.close(code, reason),
        report: (fault) => console.error(fault),
        now: () => performance.now(),
      });
      socket.on('message', (data) => session.receive(decodeClientFrame(data as Buffer)));
      socket.on('close', () => session.end());
    });
    return node;
  }

  /** Has the target think about whatever it is asked until {@link release}. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<undefined>();
  }

  release(): void {
    this.#gate?.resolve(undefined);
    this.#gate = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#resources.disposeAsync();
  }

  #engine(tokenizer: Engine, end: ReadonlySet<Token>): Engine {
    const never = () => Promise.reject(new Error('A scripted target only writes.'));
    return {
      facts: () => tokenizer.facts(),
      tokenize: (text, signal) => tokenizer.tokenize(text, signal),
      detokenize: (tokens, signal) => tokenizer.detokenize(tokens, signal),
      read: () => Promise.resolve(),
      write: (request, signal) => this.#write(tokenizer, end, request, signal),
      choose: never,
      score: never,
      dispose: () => Promise.resolve(),
    };
  }

  /** The rest of a line that it knows; of one that it does not, what was drafted and no more. */
  async *#write(
    tokenizer: Engine,
    end: ReadonlySet<Token>,
    { context, drafted = [], limit }: WriteRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<Written, void> {
    await unless(signal, this.#gate?.promise ?? Promise.resolve());
    const text = await tokenizer.detokenize(context);
    const begun = text.slice(text.lastIndexOf('\n') + 1);
    const line = this.lines.find((known) => known.startsWith(begun));
    const rest = line === undefined ? undefined : `${line.slice(begun.length)}\n`;
    // One text has many tokens: those of the draft are as good, as far as they say the same.
    let agreed = 0;
    while (agreed < drafted.length && !end.has(drafted[agreed]!)) {
      const said = await tokenizer.detokenize(drafted.slice(0, agreed + 1));
      if (rest?.startsWith(said) === false) break;
      agreed++;
    }
    const said = await tokenizer.detokenize(drafted.slice(0, agreed));
    const own = await tokenizer.tokenize(rest?.slice(said.length) ?? '\n');
    for (const token of [...drafted.slice(0, agreed), ...own.slice(0, limit)])
      yield { token, probability: null, evaluated: 0 };
  }
}
