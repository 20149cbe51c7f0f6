import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import tls, { type SecureContext } from 'node:tls';
import { Agent, buildConnector, fetch } from 'undici';
import { proxyFor, type Proxy, type ProxySettings } from './proxies.ts';

export interface NetworkSettings extends ProxySettings {
  /** Path of a PEM file with certificates to trust beside the system's; empty for none. */
  readonly certificates: string;
}

export type NetworkErrorCode =
  /** What is set cannot work, whatever the network is like. */
  | 'settings'
  /** The proxy cannot be reached, or cannot reach the host now. */
  | 'proxy-away'
  /** The proxy does not let this through. */
  | 'proxy-refused'
  /** Nobody that is trusted vouches for who answers. */
  | 'untrusted';

/** Why something cannot be reached; `message` is one sentence that a user can act on. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

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

/** Milliseconds for each of connecting, an answer's headers, and more of its body, of {@link Network.fetch}. */
const PATIENCE = 30_000;

/**
 * The one way out of this process, by the settings and, where they say nothing, by the environment: all that is HTTP or a
 * WebSocket goes through proxies and trusts certificates as is said here. Through a proxy everything goes in a tunnel,
 * plain HTTP too, so that no proxy takes part in what is said. There is no setting that turns the checking of certificates
 * off, though editors have one (`http.proxyStrictSSL`): the token would go to whoever answers. A certificate of one's own
 * is trusted by its file.
 */
export class Network {
  readonly #settings: NetworkSettings;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  /** Read when it is first needed: the system's store may be slow, and most is drafted and asked without. */
  #trusted: Promise<SecureContext> | undefined;
  #downloads: Outlet | undefined;

  constructor(settings: NetworkSettings, environment: Readonly<Record<string, string | undefined>>) {
    this.#settings = settings;
    this.#environment = environment;
  }

  /**
   * One sentence where an address cannot or must not be asked: a proxy that is none, and a secret that could be read by a
   * proxy, which plain HTTP would show it.
   */
  objection(url: URL, withSecret: boolean): string | undefined {
    const proxy = proxyFor(url, this.#settings, this.#environment);
    if (proxy === undefined || typeof proxy === 'string') return proxy;
    if (!withSecret || url.protocol === 'https:') return undefined;
    return `The proxy ${proxy.origin} could read the token for ${url.origin}; use an https:// URL, or except the host from the proxy.`;
  }

  /** As the platform's. @throws TypeError, whose `cause` may be a {@link NetworkError}. */
  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const { dispatcher } = (this.#downloads ??= this.outlet(PATIENCE));
    const options: object = { ...init, dispatcher };
    return PLATFORM_FETCH(input, options);
  };

  /** @param patience milliseconds for each of connecting, an answer's headers and its body. */
  outlet(patience: number, options: Omit<Agent.Options, 'connect'> = {}): Outlet {
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
      const secureContext = await this.#trust();
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
      const proxy = proxyFor(url, this.#settings, this.#environment);
      if (typeof proxy === 'string') throw new NetworkError('settings', proxy);
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

  dispose(): void {
    this.#downloads?.destroy();
    this.#downloads = undefined;
  }

  #trust(): Promise<SecureContext> {
    this.#trusted ??= trusting(this.#settings.certificates).catch((error: unknown) => {
      // The file may be mended by the next time.
      this.#trusted = undefined;
      throw error;
    });
    return this.#trusted;
  }
}

/** A network that nothing is said about, which goes straight to wherever it is asked for. */
export const DIRECT = new Network({ proxy: 'off', noProxy: '', certificates: '' }, {});

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

/**
 * What is trusted: the certificates that Node brings, those of the system and of `NODE_EXTRA_CA_CERTS`, and of the file.
 * @throws NetworkError where there is no such file, or nothing in it.
 */
async function trusting(file: string): Promise<SecureContext> {
  const own = file === '' ? [] : await certificatesIn(file);
  const standard = [...storeOf('default'), ...own];
  try {
    return tls.createSecureContext({ ca: [...new Set([...standard, ...storeOf('system')])] });
  } catch {
    // One that cannot be read, which systems have, must not take all others with it.
    return tls.createSecureContext({ ca: standard });
  }
}

function storeOf(kind: 'default' | 'system'): readonly string[] {
  // The editor's Node may be an older one.
  const { getCACertificates } = tls as Partial<Pick<typeof tls, 'getCACertificates'>>;
  const bundled = kind === 'default' ? tls.rootCertificates : [];
  try {
    return getCACertificates?.(kind) ?? bundled;
  } catch {
    return bundled;
  }
}

async function certificatesIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new NetworkError(
      'settings',
      `The file of certificates ${file} cannot be read (${code ?? 'unknown'}); correct its path in the settings.`,
      { cause },
    );
  });
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? [];
  try {
    if (found.length > 0) return found.map((one) => new X509Certificate(one).toString());
  } catch {
    // Said below.
  }
  throw new NetworkError(
    'settings',
    `The file ${file} holds no certificates in PEM form; set the path of one that does.`,
  );
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
