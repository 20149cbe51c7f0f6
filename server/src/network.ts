import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import tls, { type SecureContext } from 'node:tls';
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
  #downloads: { readonly fetch: typeof globalThis.fetch; destroy(): void } | undefined;

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

  /** The proxy for an address, undefined for none. @throws NetworkError where there is one that is none. */
  proxyFor(url: URL): Proxy | undefined {
    const proxy = proxyFor(url, this.#settings, this.#environment);
    if (typeof proxy === 'string') throw new NetworkError('settings', proxy);
    return proxy;
  }

  /** As the platform's. @throws TypeError, whose `cause` may be a {@link NetworkError}. */
  readonly fetch: typeof globalThis.fetch = async (...request) => {
    // Reading the library takes longer than all else of a start, and most is drafted without any network.
    const { Downloads } = await import('./outlet.ts');
    this.#downloads ??= new Downloads(this);
    return this.#downloads.fetch(...request);
  };

  dispose(): void {
    this.#downloads?.destroy();
    this.#downloads = undefined;
  }

  /** What is trusted where somebody answers over TLS. @throws NetworkError where the file of certificates is none. */
  trust(): Promise<SecureContext> {
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
