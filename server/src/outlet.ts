import { Socket } from 'node:net';
import { Agent, buildConnector, fetch } from 'undici';
import { NetworkError, type Network } from './network.ts';
import type { Proxy } from './proxies.ts';

/** Connections that end together. */
export interface Outlet {
  readonly dispatcher: Agent;
  /** All that are open. */
  readonly wires: ReadonlySet<Socket>;
  /** Ends what is under way, for good. */
  destroy(): void;
}

type Connector = ReturnType<typeof buildConnector>;
/** Where to connect to, as the library says it. */
type Destination = Parameters<Connector>[0];

/** The library's, by the types of the platform's, which are those of another version of it. */
const PLATFORM_FETCH = fetch as unknown as typeof globalThis.fetch;

/** Milliseconds for each of connecting, an answer's headers, and more of its body, of a download. */
const PATIENCE = 30_000;

/**
 * A way out through a network.
 * @param patience milliseconds for each of connecting, an answer's headers and its body.
 */
export function outletOf(
  network: Network,
  patience: number,
  options: Omit<Agent.Options, 'connect'> = {},
): Outlet {
  const wires = new Set<Socket>();
  const keep = (wire: Socket) => {
    wires.add(wire.once('close', () => wires.delete(wire)));
    return wire;
  };
  const times = { headersTimeout: patience, bodyTimeout: patience };
  const plain = buildConnector({ timeout: patience });
  let secure: Connector | undefined;
  const straight = async (to: Destination) => {
    if (to.protocol !== 'https:') return keep(await opened(plain, to));
    const secureContext = await network.trust();
    secure ??= buildConnector({ timeout: patience, secureContext });
    return keep(await opened(secure, to));
  };
  const proxies = new Agent({
    // The library takes the name that a certificate must be for from the header, which has the destination's.
    connect: (to, done) => settle(straight({ ...to, servername: '' }), done),
    ...times,
  });
  const through = async (to: Destination) => {
    const host = to.port ? to.host! : `${to.host!}:${to.protocol === 'https:' ? 443 : 80}`;
    const url = new URL(`${to.protocol}//${host}`);
    const proxy = network.proxyFor(url);
    if (!proxy) return straight(to);
    const tunnel = keep(await tunnelThrough(proxy, host, proxies, patience));
    return to.protocol === 'https:' ? straight({ ...to, httpSocket: tunnel }) : tunnel;
  };
  const dispatcher = new Agent({ ...options, connect: (to, done) => settle(through(to), done), ...times });
  return {
    dispatcher,
    wires,
    destroy: () => {
      void dispatcher.destroy();
      void proxies.destroy();
    },
  };
}

/** What is fetched over one outlet. */
export class Downloads {
  readonly #outlet: Outlet;

  constructor(network: Network) {
    this.#outlet = outletOf(network, PATIENCE);
  }

  /** As the platform's. @throws TypeError, whose `cause` may be a {@link NetworkError}. */
  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const { dispatcher } = this.#outlet;
    const options: object = { ...init, dispatcher };
    return PLATFORM_FETCH(input, options);
  };

  destroy(): void {
    this.#outlet.destroy();
  }
}

/** @throws NetworkError where who answers is not trusted, and what the system says otherwise. */
function opened(connect: Connector, to: Destination): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  connect(to, (error, socket) => {
    if (error === null) resolve(socket);
    else reject(distrust(error, to) ?? error);
  });
  return promise;
}

function settle(
  wire: Promise<Socket>,
  done: (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
): void {
  wire.then(
    (socket) => done(null, socket),
    (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
  );
}

/** @throws NetworkError where the proxy does not make one. */
async function tunnelThrough(proxy: Proxy, host: string, proxies: Agent, patience: number): Promise<Socket> {
  const { origin, authorization } = proxy;
  const headers = { host, ...(authorization !== undefined && { 'proxy-authorization': authorization }) };
  const signal = AbortSignal.timeout(patience);
  const { statusCode, socket } = await proxies
    .connect({ origin, path: host, headers, signal })
    .catch((cause: unknown) => {
      if (cause instanceof NetworkError) throw cause;
      throw new NetworkError('proxy-away', `The proxy ${origin} cannot be reached.`, { cause });
    });
  if (statusCode >= 200 && statusCode < 300 && socket instanceof Socket) return socket;
  // Whatever else it says to that is nothing that anybody waits for.
  socket.on('error', () => undefined).destroy();
  if (statusCode === 407) {
    const mend = authorization === undefined ? 'put them into its URL' : 'correct them in its URL';
    throw new NetworkError('proxy-refused', `The proxy ${origin} wants a user name and a password; ${mend}.`);
  }
  const code = statusCode >= 500 ? 'proxy-away' : 'proxy-refused';
  throw new NetworkError(code, `The proxy ${origin} does not connect to ${host} (${statusCode}).`);
}

/** What is wrong with a certificate that is not simply somebody's own, by what TLS calls it. */
const FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired; it has to be renewed there',
  CERT_NOT_YET_VALID: 'is not valid yet; see whether the clocks are right',
  CERT_REVOKED: 'was revoked; it has to be renewed there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name; use the name that it is for',
};
const OWN = /^(DEPTH_ZERO_)?SELF_SIGNED|^UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_(UNTRUSTED|CHAIN)|^INVALID_CA/u;

/** @returns undefined where it is not about certificates. */
function distrust(error: Error, { host }: Destination): NetworkError | undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  const own = OWN.test(code)
    ? 'is signed by nobody who is trusted; name the file of its authority in the settings'
    : undefined;
  const fault = FAULTS[code] ?? own;
  return fault === undefined
    ? undefined
    : new NetworkError('untrusted', `The certificate of ${host ?? 'the host'} ${fault} (${code}).`, {
        cause: error,
      });
}
