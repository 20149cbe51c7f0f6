import {
  CLOSE,
  contextDelta,
  decodeNodeFrame,
  encodeClientFrame,
  MAX_FRAME_BYTES,
  WIRE_PATH,
  type FailureCode,
  type Identity,
} from '@foretype/edge-node/protocol';
import type { Token } from '@foretype/models';
import { Agent, fetch, WebSocket } from 'undici';
import type { Verifier } from './completion.ts';
import type { ServerStatus } from './protocol.ts';

export type EdgeState = Pick<ServerStatus, 'reason'> & { readonly status: ServerStatus['edge'] };

/** A verification that did not come about; the completion goes on with the draft alone. */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly code: FailureCode | 'away';

  constructor(code: FailureCode | 'away', message: string) {
    super(message);
    this.code = code;
  }
}

export interface ChannelOptions {
  /** Base URL of the node. */
  readonly url: string;
  readonly token: string;
  readonly identity: Identity;
  readonly onState: (state: EdgeState) => void;
  /** A number from 0 to 1: spreads the reconnections of a team whose node comes back. */
  readonly random: () => number;
}

/** Milliseconds to wait before reconnection number `attempt`, between half and the whole of a doubling step. */
export function reconnectPause(attempt: number, random: number): number {
  return Math.min(10_000, 250 * 2 ** attempt) * (0.5 + random / 2);
}

/** A node that will not have us is asked again only this often, in milliseconds: somebody must change something. */
const REFUSED_PAUSE = 60_000;
/** A node that is silent for this long, in milliseconds, is taken for gone: a cut network closes no connection. */
const SILENCE = 10_000;

interface Pending {
  readonly resolve: (verdict: Awaited<ReturnType<Verifier['verify']>>) => void;
  readonly reject: (error: Error) => void;
  /** Tokens in the draft. */
  readonly drafted: number;
  readonly bytesUp: number;
}

/**
 * The connection to an edge node: one WebSocket, kept up for as long as the channel lives. Losing it rejects what is
 * under way with `away` and reconnects with growing pauses; nothing is shown but the state.
 */
export class Channel implements Verifier {
  readonly #options: ChannelOptions;
  readonly #agent = new Agent({
    connect: { timeout: SILENCE },
    webSocket: { maxPayloadSize: MAX_FRAME_BYTES },
  });
  #socket: WebSocket | undefined;
  #state: EdgeState = { status: 'connecting', reason: null };
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  /** What the node remembers of this connection: the last context, then its draft. */
  #base: readonly Token[] = [];
  readonly #pending = new Map<number, Pending>();

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#connect();
  }

  get state(): EdgeState {
    return this.#state;
  }

  /** @throws EdgeError, or the signal's reason. */
  async verify(
    request: Parameters<Verifier['verify']>[0],
    signal: AbortSignal,
  ): ReturnType<Verifier['verify']> {
    try {
      return await this.#ask(request, signal);
    } catch (error) {
      if (!(error instanceof EdgeError) || error.code !== 'resync') throw error;
      this.#base = [];
      return await this.#ask(request, signal);
    }
  }

  /** Closes the connection for good. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#drop('The connection was closed.');
    void this.#agent.close();
  }

  async #ask(
    { adapter, context, drafted }: Parameters<Verifier['verify']>[0],
    signal: AbortSignal,
  ): ReturnType<Verifier['verify']> {
    signal.throwIfAborted();
    const socket = this.#socket;
    if (!socket || this.#state.status !== 'connected')
      throw new EdgeError('away', 'The edge node is not connected.');
    const id = this.#nextId++;
    const frame = encodeClientFrame({
      case: 'verify',
      value: { id, ...contextDelta(this.#base, context), drafted: [...drafted], adapter },
    });
    this.#base = [...context, ...drafted];
    socket.send(frame);

    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Verifier['verify']>>>();
    this.#pending.set(id, { resolve, reject, drafted: drafted.length, bytesUp: frame.length });
    const cancel = () => {
      socket.send(encodeClientFrame({ case: 'cancel', value: { id } }));
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', cancel, { once: true });
    const silence = setTimeout(() => this.#lost('The edge node stopped answering.'), SILENCE);
    try {
      return await promise;
    } finally {
      clearTimeout(silence);
      signal.removeEventListener('abort', cancel);
      this.#pending.delete(id);
    }
  }

  #connect(): void {
    const { url, token, identity } = this.#options;
    const target = below(url, WIRE_PATH);
    if (!target) {
      this.#enter({
        status: 'refused',
        reason: `The edge node's URL "${url}" is not an http:// or https:// URL.`,
      });
      return;
    }
    target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(target, {
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${token}` },
    });
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
      this.#timer = setTimeout(() => this.#lost('The edge node did not answer the greeting.'), SILENCE);
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#receive(new Uint8Array(data as ArrayBuffer));
    };
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      if (code === CLOSE.incompatible && this.#state.status === 'refused') this.#retry(REFUSED_PAUSE);
      else if (opened) this.#lost('The edge node closed the connection.');
      else void this.#diagnose(socket);
    };
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeNodeFrame(bytes);
    if (!frame) {
      this.#lost('The edge node sent something that cannot be read.');
    } else if (frame.case === 'welcome') {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#enter({ status: 'connected', reason: null });
    } else if (frame.case === 'verdict') {
      const { id, accepted, tokens } = frame.value;
      const pending = this.#pending.get(id);
      // A verdict that accepts more than was drafted, or adds nothing, is not one.
      if (pending && (accepted > pending.drafted || tokens.length === 0)) {
        this.#lost('The edge node sent a verdict that makes no sense.');
      } else {
        pending?.resolve({ accepted, tokens, bytesUp: pending.bytesUp, bytesDown: bytes.length });
      }
    } else if (frame.value.id === 0) {
      clearTimeout(this.#timer);
      this.#enter({ status: 'refused', reason: frame.value.message });
    } else {
      const { id, code, message } = frame.value;
      this.#pending.get(id)?.reject(new EdgeError(code as FailureCode, message));
    }
  }

  /** A WebSocket says only that it could not be opened; plain HTTP says why. */
  async #diagnose(socket: WebSocket): Promise<void> {
    const { url, token } = this.#options;
    const answer = await fetch(below(url, '/v1/models')!, {
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${token}` },
    }).catch(() => undefined);
    if (this.#socket !== socket) return;
    if (!answer) {
      this.#lost(`The edge node at ${url} cannot be reached.`);
    } else if (answer.status === 401 || answer.status === 403) {
      const reason = token
        ? `The edge node at ${url} refused the token; set a valid one.`
        : `The edge node at ${url} asks for a token; set one.`;
      this.#enter({ status: 'refused', reason });
      this.#retry(REFUSED_PAUSE);
    } else if (answer.ok || answer.status >= 500) {
      this.#lost(`The edge node at ${url} is not ready.`);
    } else {
      this.#enter({ status: 'refused', reason: `What answers at ${url} is not a Foretype edge node.` });
      this.#retry(REFUSED_PAUSE);
    }
  }

  #lost(reason: string): void {
    this.#drop(reason);
    this.#enter({ status: 'away', reason });
    this.#retry(reconnectPause(this.#attempt++, this.#options.random()));
  }

  #retry(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  #drop(reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    for (const { reject } of this.#pending.values()) reject(new EdgeError('away', reason));
  }

  #enter(state: EdgeState): void {
    if (state.status === this.#state.status && state.reason === this.#state.reason) return;
    this.#state = state;
    this.#options.onState(state);
  }
}

/** The address below a node's base URL, which may have a path of its own where the node stands behind a proxy. */
function below(base: string, path: string): URL | undefined {
  const url = URL.parse(base);
  if (!url || !/^https?:$/u.test(url.protocol)) return undefined;
  url.pathname = url.pathname.replace(/\/+$/u, '') + path;
  return url;
}
