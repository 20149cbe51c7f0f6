import { MAX_FRAME_BYTES } from '@foretype/edge-node/protocol';
import { fetch, Headers, WebSocket } from 'undici';
import { explain, type Address, type Answer } from './address.ts';
import { NetworkError, type Network } from './network.ts';
import { outletOf, type Outlet } from './outlet.ts';

/** A WebSocket to a node, open or on its way. */
export interface Line {
  /** Sends one frame; nothing may be sent before the line is open. */
  send(frame: Uint8Array): void;
  /** Says goodbye. Nothing is heard of the line after it. */
  leave(): void;
}

/** What is heard of a line. */
export interface Listener {
  readonly onOpen: (line: Line) => void;
  readonly onFrame: (line: Line, frame: Uint8Array) => void;
  /** It could not be opened, or the node closed it. */
  readonly onEnd: (end: ReturnType<typeof explain>) => void;
}

/** Milliseconds that a line which was left has to say goodbye: a node that is gone does not answer it. */
const GOODBYE = 500;

/** Opens lines to a node, and finds out why one could not be opened, all through one outlet. */
export class Dialler {
  readonly #network: Network;
  readonly #outlet: Outlet;

  /** @param patience milliseconds for each of connecting, an answer's headers and its body. */
  constructor(network: Network, patience: number) {
    this.#network = network;
    this.#outlet = outletOf(network, patience, { webSocket: { maxPayloadSize: MAX_FRAME_BYTES } });
  }

  /** @returns a line on its way, or one sentence where none can be made of these settings. */
  dial(address: Address, token: string, { onOpen, onFrame, onEnd }: Listener): Line | string {
    const objection = this.#network.objection(address.models, token !== '');
    if (objection !== undefined) return objection;
    const authorization = `Bearer ${token}`;
    const { dispatcher } = this.#outlet;
    let socket: WebSocket;
    try {
      socket = new WebSocket(address.wire, { dispatcher, headers: { authorization } });
    } catch {
      // What the library says is of no use here: it quotes the header, and so the token.
      return isHeader(authorization)
        ? `No connection to ${address.shown} can be made; check the edge node's URL.`
        : "The edge node's token has a character in it that cannot be sent; set the token anew.";
    }
    let opened = false;
    let left = false;
    const line: Line = {
      send: (frame) => socket.send(frame),
      leave: () => {
        left = true;
        this.#leave(socket);
      },
    };
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      opened = true;
      onOpen(line);
    };
    socket.onmessage = ({ data }) => onFrame(line, new Uint8Array(data as ArrayBuffer));
    // A WebSocket says only that it could not be opened; plain HTTP says why.
    const diagnose = async () => {
      const answer = await this.#look(address, authorization);
      if (left) return;
      if (answer instanceof NetworkError) {
        const { code, message: reason } = answer;
        onEnd({ status: code === 'proxy-away' ? 'away' : 'refused', reason });
      } else onEnd(explain(address, token !== '', answer));
    };
    socket.onclose = () => {
      if (opened) onEnd({ status: 'away', reason: 'The edge node closed the connection.' });
      else void diagnose();
    };
    return line;
  }

  /** Ends for good what is under way. Lines are to be left first. */
  dispose(): void {
    this.#outlet.destroy();
  }

  /** @returns undefined where nothing answers, and nobody knows why. */
  async #look({ models }: Address, authorization: string): Promise<Answer | NetworkError | undefined> {
    try {
      const { status, headers, body } = await fetch(models, {
        dispatcher: this.#outlet.dispatcher,
        headers: { authorization },
        // Followed, a redirect would lose the token on its way, and the answer would blame the token.
        redirect: 'manual',
      });
      await body?.cancel();
      return { status, location: headers.get('location') };
    } catch (error) {
      const { cause } = error as Error;
      return cause instanceof NetworkError ? cause : undefined;
    }
  }

  /** Leaves the socket, and soon also what is under it, which else waits for an answer to its goodbye. */
  #leave(socket: WebSocket): void {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    const wires = [...this.#outlet.wires];
    setTimeout(() => wires.forEach((wire) => wire.destroy()), GOODBYE).unref();
  }
}

function isHeader(value: string): boolean {
  try {
    return new Headers({ authorization: value }).has('authorization');
  } catch {
    return false;
  }
}
