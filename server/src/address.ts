import { WIRE_PATH } from '@foretype/edge-node/protocol';
import type { ServerStatus } from './protocol.ts';

/** Asked where the WebSocket cannot be opened: it wants the same token, and every node has it. */
const MODELS_PATH = '/v1/models';

/** Where an edge node is, made of the URL that a user set. */
export interface Address {
  /** What may be shown and logged: no query and no fragment, where people put secrets. */
  readonly shown: string;
  readonly wire: URL;
  readonly models: URL;
}

/** @returns the address, or one sentence on what is wrong with `text`; a password in it is not repeated. */
export function readAddress(text: string): Address | string {
  const base = URL.parse(text);
  if (!base || !/^https?:$/u.test(base.protocol)) {
    // Without a scheme a URL does not parse as one, so that credentials in it show only by their at sign.
    return text.includes('@')
      ? "The edge node's URL is not an http:// or https:// URL."
      : `The edge node's URL "${text}" is not an http:// or https:// URL.`;
  }
  if (base.username || base.password) {
    return "The edge node's URL has a user name or password in it; take it out and set the token instead.";
  }
  const shown = plain(base);
  // Where the node stands behind a proxy its base URL may have a path of its own.
  const wire = new URL(shown + WIRE_PATH);
  wire.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return { shown, wire, models: new URL(shown + MODELS_PATH) };
}

/** One sentence where a token sent to `address` can be read on its way, or undefined where it cannot. */
export function exposure({ shown, models: { protocol, hostname } }: Address): string | undefined {
  if (protocol === 'https:' || isLoopback(hostname)) return undefined;
  return `The token for the edge node at ${shown} travels unencrypted; use an https:// URL outside a network you trust.`;
}

/** Whether a host, as a URL has it, is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.[\d.]+|\[::1\])$/u.test(hostname);
}

/** What plain HTTP answered below a node's URL. */
export interface Answer {
  readonly status: number;
  /** The `location` header. */
  readonly location: string | null;
}

/** What an answer, or none, says about a node whose WebSocket cannot be opened. */
export function explain(
  { shown, models }: Address,
  withToken: boolean,
  answer: Answer | undefined,
): { readonly status: ServerStatus['edge'] & ('away' | 'refused'); readonly reason: string } {
  if (!answer) return { status: 'away', reason: `The edge node at ${shown} cannot be reached.` };
  const { status, location } = answer;
  if (status === 401 || status === 403) {
    const reason = withToken
      ? `The edge node at ${shown} refused the token; set a valid one.`
      : `The edge node at ${shown} asks for a token; set one.`;
    return { status: 'refused', reason };
  }
  const target = status >= 300 && status < 400 && location ? URL.parse(location, models.href) : null;
  if (target) {
    const elsewhere = plain(target).replace(new RegExp(`${MODELS_PATH}$`, 'u'), '');
    return {
      status: 'refused',
      reason: `The edge node's URL ${shown} redirects to ${elsewhere}; set that URL.`,
    };
  }
  if ((status >= 200 && status < 300) || status >= 500) {
    return { status: 'away', reason: `The edge node at ${shown} is not ready.` };
  }
  return { status: 'refused', reason: `What answers at ${shown} is not a Foretype edge node.` };
}

function plain({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/+$/u, '');
}
