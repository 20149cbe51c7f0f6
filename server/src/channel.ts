import {
  contextDelta,
  decodeNodeFrame,
  encodeClientFrame,
  MAX_ASKED,
  MAX_FRAME_BYTES,
  type AssignedFrame,
  type ContextDelta,
  type FailureCode,
  type Identity,
} from '@foretype/edge-node/protocol';
import type { Token } from '@foretype/models';
import type { Socket } from 'node:net';
import { Agent, buildConnector, fetch, Headers, WebSocket } from 'undici';
import { explain, readAddress, type Address, type Answer } from './address.ts';
import type { Answer as Verdict, Receipt, Verifier, VerifyRequest } from './verifier.ts';
import type { ServerStatus } from './protocol.ts';
import { EdgeError, Rounds } from './rounds.ts';

export type EdgeState = Pick<ServerStatus, 'reason'> & { readonly status: ServerStatus['edge'] };

export interface ChannelOptions {
  /** Base URL of the node. */
  readonly url: string;
  readonly token: string;
  readonly identity: Identity;
  readonly onState: (state: EdgeState) => void;
  /** A number from 0 to 1: spreads the reconnections of a team whose node comes back. */
  readonly random: () => number;
  /** Milliseconds without a word after which a node that owes one is taken for gone; {@link SILENCE} if absent. */
  readonly silence?: number;
}

/** Whose adapter is asked for: a project's, by SHA-256 in hex, or the newest version of a name's. */
export type Whose = { readonly project: string } | { readonly name: string };

/** Milliseconds to wait before reconnection number `attempt`, between half and the whole of a doubling step. */
export function reconnectPause(attempt: number, random: number): number {
  return Math.min(10_000, 250 * 2 ** attempt) * (0.5 + random / 2);
}

/** A node that will not have us is asked again only this often, in milliseconds: somebody must change something. */
const REFUSED_PAUSE = 60_000;
/** A node that is silent for this long, in milliseconds, is taken for gone: a cut network closes no connection. */
const SILENCE = 10_000;
/** Milliseconds in which a node says which adapter is meant; it knows without looking. */
const ASSIGNED_WITHIN = 1000;
/** The longest name that a node takes. */
const MAX_NAME = 128;
/** Milliseconds that a connection which was left has to say goodbye: a node that is gone does not answer it. */
const GOODBYE = 500;

/**
 * The connection to an edge node: one WebSocket, kept up for as long as the channel lives. Losing it rejects what is
 * under way with `away` and reconnects with growing pauses; nothing is shown but the state.
 */
export class Channel implements Verifier {
  readonly #options: ChannelOptions;
  readonly #silence: number;
  readonly #agent: Agent;
  /** All that are open under what was asked. */
  readonly #wires = new Set<Socket>();
  #socket: WebSocket | undefined;
  #state: EdgeState = { status: 'connecting', reason: null };
  #attempt = 0;
  /** Never two at once: a welcome is due, or an answer, or the next attempt. */
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  /** What the node remembers of this connection: the last context, then its draft. */
  #base: readonly Token[] = [];
  #adapters = new Set<string>();
  /** What was asked for, which is asked again of each connection: another may have told of a change. */
  readonly #assignments = new Map<string, { readonly whose: Whose; adapter: PromiseWithResolvers<string> }>();
  readonly #rounds: Rounds;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#silence = options.silence ?? SILENCE;
    // Longer than that, so that a node which says nothing at all loses the connection and not one round after another.
    this.#rounds = new Rounds(2 * this.#silence);
    const connect = buildConnector({ timeout: this.#silence });
    this.#agent = new Agent({
      connect: (to, done) => {
        connect(to, (...result) => {
          const [, wire] = result;
          if (wire) this.#wires.add(wire.once('close', () => this.#wires.delete(wire)));
          done(...result);
        });
      },
      headersTimeout: this.#silence,
      bodyTimeout: this.#silence,
      webSocket: { maxPayloadSize: MAX_FRAME_BYTES },
    });
    this.#connect();
  }

  get state(): EdgeState {
    return this.#state;
  }

  /** Names of the adapters that the node said it has, as far as it was asked since. */
  get adapters(): readonly string[] {
    return [...this.#adapters];
  }

  /**
   * Id of the adapter to ask for, as the node last told; empty for the backbone, and where the node says nothing in time:
   * a draft must not wait for it.
   */
  async adapterOf(whose: Whose): Promise<string> {
    const key = keyOf(whose);
    let known = this.#assignments.get(key);
    if (!known) {
      // The node would close the connection.
      if (this.#assignments.size >= MAX_ASKED || ('name' in whose && whose.name.length > MAX_NAME)) return '';
      known = { whose, adapter: Promise.withResolvers() };
      this.#assignments.set(key, known);
      if (this.#state.status === 'connected') this.#askFor(whose);
    }
    if (this.#state.status !== 'connected') return '';
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => late.resolve(''), ASSIGNED_WITHIN);
    try {
      return await Promise.race([known.adapter.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Rejects with an {@link EdgeError}, or the signal's reason. */
  async *verify(request: VerifyRequest, signal: AbortSignal): AsyncGenerator<Verdict, void> {
    const { adapter, context, drafted, more, leading, begun, sampling } = request;
    yield* this.#ask(context, drafted, signal, (id, delta) => ({
      case: 'verify',
      value: {
        id,
        ...delta,
        drafted: [...drafted],
        more,
        adapter,
        leading: [...leading],
        begun,
        untilLine: true,
        ...sampling,
      },
    }));
  }

  /** A node that cannot be asked now, or not any more, says so at the next round. */
  async sync(
    { adapter, context }: Pick<VerifyRequest, 'adapter' | 'context'>,
    signal: AbortSignal,
  ): Promise<Receipt | undefined> {
    const answers = this.#ask(context, [], signal, (id, delta) => ({
      case: 'sync',
      value: { id, ...delta, adapter },
    }));
    try {
      for await (const receipt of answers) return receipt;
    } catch {
      // The next round says what is wrong.
    }
    return undefined;
  }

  /** Closes the connection for good; no state comes after it. */
  dispose(): void {
    this.#drop('The connection was closed.');
    void this.#agent.destroy();
  }

  /** Sends what `frame` makes of a change to the last context, or of the whole where the node remembers another. */
  async *#ask(
    context: readonly Token[],
    drafted: readonly Token[],
    signal: AbortSignal,
    frame: (id: number, delta: ContextDelta) => Parameters<typeof encodeClientFrame>[0],
  ): AsyncGenerator<Verdict, void> {
    const once = () => {
      signal.throwIfAborted();
      const socket = this.#socket;
      if (!socket || this.#state.status !== 'connected')
        throw new EdgeError('away', 'The edge node is not connected.');
      const id = this.#nextId++;
      const bytes = encodeClientFrame(frame(id, contextDelta(this.#base, context)));
      this.#base = [...context, ...drafted];
      socket.send(bytes);
      const cancel = () => {
        if (this.#socket !== socket) return;
        socket.send(encodeClientFrame({ case: 'cancel', value: { id } }));
        if (this.#rounds.owed === 0) clearTimeout(this.#timer);
      };
      const answers = this.#rounds.begin(id, drafted.length, bytes.length, cancel);
      // The patience with a node that owes an answer must not begin anew with every keystroke.
      if (this.#rounds.owed === 1) this.#watch();
      const abort = () => {
        cancel();
        this.#rounds.abandon(id, signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      return { answers, done: () => signal.removeEventListener('abort', abort) };
    };
    for (let attempt = 0; ; attempt++) {
      const { answers, done } = once();
      try {
        yield* answers;
        return;
      } catch (error) {
        if (attempt > 0 || !(error instanceof EdgeError) || error.code !== 'resync') throw error;
        this.#base = [];
      } finally {
        done();
      }
    }
  }

  #connect(): void {
    const { url, token, identity } = this.#options;
    const address = readAddress(url);
    if (typeof address === 'string') {
      this.#enter({ status: 'refused', reason: address });
      return;
    }
    const socket = this.#open(address, token);
    if (!socket) return;
    this.#socket = socket;
    this.#base = [];
    socket.binaryType = 'arraybuffer';
    let opened = false;
    socket.onopen = () => {
      opened = true;
      socket.send(
        encodeClientFrame({
          case: 'hello',
          value: {
            wireVersion: identity.wireVersion,
            family: identity.family,
            tokenizer: Buffer.from(identity.tokenizer, 'hex'),
            backbone: Buffer.from(identity.backbone, 'hex'),
          },
        }),
      );
      this.#expect('The edge node did not answer the greeting.');
    };
    socket.onmessage = ({ data }) => this.#receive(new Uint8Array(data as ArrayBuffer));
    socket.onclose = () => {
      if (opened) this.#lost('The edge node closed the connection.');
      else void this.#diagnose(socket, address);
    };
  }

  /** A socket on its way, or undefined where none can be made of these settings, which the state then says. */
  #open({ wire, shown }: Address, token: string): WebSocket | undefined {
    const authorization = `Bearer ${token}`;
    try {
      return new WebSocket(wire, { dispatcher: this.#agent, headers: { authorization } });
    } catch {
      // What the library says is of no use here: it quotes the header, and so the token.
      const reason = isHeader(authorization)
        ? `No connection to ${shown} can be made; check the edge node's URL.`
        : "The edge node's token has a character in it that cannot be sent; set the token anew.";
      this.#enter({ status: 'refused', reason });
      return undefined;
    }
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeNodeFrame(bytes);
    if (!frame) {
      this.#lost('The edge node sent something that cannot be read.');
    } else if (frame.case === 'welcome') {
      this.#attempt = 0;
      this.#adapters = new Set(frame.value.adapters);
      this.#watch();
      for (const { whose } of this.#assignments.values()) this.#askFor(whose);
      this.#enter({ status: 'connected', reason: null });
    } else if (frame.case === 'assigned') {
      this.#assign(frame.value);
    } else if (frame.case === 'failure' && frame.value.id === 0) {
      const { code, message } = frame.value;
      if (code === ('incompatible' satisfies FailureCode)) this.#refused(message);
      else this.#lost(message);
    } else if (this.#state.status === 'connected') {
      if (this.#rounds.settle(frame, bytes.length)) this.#watch();
      else this.#lost('The edge node sent a verdict that makes no sense.');
    }
  }

  #askFor(whose: Whose): void {
    const value =
      'project' in whose
        ? { case: 'project' as const, value: Buffer.from(whose.project, 'hex') }
        : { case: 'name' as const, value: whose.name };
    this.#socket?.send(encodeClientFrame({ case: 'ask', value: { whose: value } }));
  }

  #assign({ whose, adapter }: AssignedFrame): void {
    if (whose.case === undefined) return;
    const asked =
      whose.case === 'project'
        ? { project: Buffer.from(whose.value).toString('hex') }
        : { name: whose.value };
    const known = this.#assignments.get(keyOf(asked));
    if (!known) return;
    if (whose.case === 'name' && adapter !== '') this.#adapters.add(whose.value);
    if (whose.case === 'name' && adapter === '') this.#adapters.delete(whose.value);
    // Who asked before gets the first answer, who asks from now on gets this one.
    known.adapter.resolve(adapter);
    known.adapter = Promise.withResolvers();
    known.adapter.resolve(adapter);
  }

  /** A WebSocket says only that it could not be opened; plain HTTP says why. */
  async #diagnose(socket: WebSocket, address: Address): Promise<void> {
    const answer = await this.#look(address);
    if (this.#socket !== socket) return;
    const { status, reason } = explain(address, this.#options.token !== '', answer);
    if (status === 'away') this.#lost(reason);
    else this.#refused(reason);
  }

  async #look({ models }: Address): Promise<Answer | undefined> {
    try {
      const { status, headers, body } = await fetch(models, {
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.#options.token}` },
        // Followed, a redirect would lose the token on its way, and the answer would blame the token.
        redirect: 'manual',
      });
      await body?.cancel();
      return { status, location: headers.get('location') };
    } catch {
      return undefined;
    }
  }

  #lost(reason: string): void {
    this.#drop(reason);
    this.#retry(reconnectPause(this.#attempt++, this.#options.random()));
    this.#enter({ status: 'away', reason });
  }

  #refused(reason: string): void {
    this.#drop(reason);
    this.#retry(REFUSED_PAUSE);
    this.#enter({ status: 'refused', reason });
  }

  /** Gives the node `silence` milliseconds, from now, for the next of the answers that it owes. */
  #watch(): void {
    if (this.#rounds.owed > 0) this.#expect('The edge node stopped answering.');
    else clearTimeout(this.#timer);
  }

  #expect(otherwise: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(otherwise), this.#silence);
  }

  #retry(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  /** Leaves the socket, and soon also what is under it, which else waits for an answer to its goodbye. */
  #drop(reason: string): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const wires = [...this.#wires];
    setTimeout(() => wires.forEach((wire) => wire.destroy()), GOODBYE).unref();
    this.#rounds.lose(reason);
    for (const known of this.#assignments.values()) {
      known.adapter.resolve('');
      known.adapter = Promise.withResolvers();
    }
  }

  /** Always the last thing done: whoever is told may dispose of the channel. */
  #enter(state: EdgeState): void {
    if (state.status === this.#state.status && state.reason === this.#state.reason) return;
    this.#state = state;
    this.#options.onState(state);
  }
}

function keyOf(whose: Whose): string {
  return 'project' in whose ? `project ${whose.project}` : `name ${whose.name}`;
}

function isHeader(value: string): boolean {
  try {
    return new Headers({ authorization: value }).has('authorization');
  } catch {
    return false;
  }
}
