/** Through which proxy an address is reached: a matter of settings and environment only, nothing is asked. */
import { BlockList, isIP } from 'node:net';
import { isLoopback } from './address.ts';

export interface ProxySettings {
  /** URL of the proxy for all addresses; `off` for none at all; empty for what the environment says. */
  readonly proxy: string;
  /** Hosts that are reached without one, written as in `NO_PROXY`; empty for what the environment says. */
  readonly noProxy: string;
}

export interface Proxy {
  /** What may be shown, and where it listens: no path, and no password. */
  readonly origin: string;
  /** What it is told of who asks, its header `proxy-authorization`. */
  readonly authorization: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address, undefined where there is none, or one sentence on what is wrong with it. The variables are
 * curl's, small letters before capitals, as most tools read them. What is on this machine is never reached through a proxy:
 * that would find its own machine under the same name.
 */
export function proxyFor(
  url: URL,
  { proxy, noProxy }: ProxySettings,
  environment: Environment,
): Proxy | string | undefined {
  if (proxy === 'off' || isLoopback(url.hostname)) return undefined;
  const variable = (name: string) => environment[name.toLowerCase()] ?? environment[name];
  const exempt = noProxy || (variable('NO_PROXY') ?? '');
  if (exempt.split(/[,\s]+/u).some((entry) => matches(entry, url))) return undefined;
  if (proxy) return readProxy(proxy, 'the settings');
  const names = url.protocol === 'https:' ? ['HTTPS_PROXY', 'HTTP_PROXY'] : ['HTTP_PROXY'];
  const name = names.find((one) => variable(one));
  return name === undefined ? undefined : readProxy(variable(name)!, name);
}

/** An entry is a host with all that is below it, or an address, each with a port or without; a network; or `*`. */
function matches(entry: string, { hostname, port, protocol }: URL): boolean {
  const host = bare(hostname);
  if (entry.includes('/')) return inNetwork(host, entry);
  const [, named = '', only] = isIP(entry) > 0 ? ['', entry] : /^(.*?)(?::(\d+))?$/u.exec(entry)!;
  if (only !== undefined && only !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  if (named === '*') return true;
  const wanted = bare(named.toLowerCase().replace(/^\*?\./u, ''));
  return wanted !== '' && (host === wanted || (isIP(host) === 0 && host.endsWith(`.${wanted}`)));
}

function inNetwork(host: string, network: string): boolean {
  const [, address = '', bits] = /^\[?(.+?)\]?\/(\d{1,3})$/u.exec(network) ?? [];
  const kind = isIP(host);
  const prefix = Number(bits);
  if (kind === 0 || kind !== isIP(address) || prefix > (kind === 4 ? 32 : 128)) return false;
  const type = kind === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, type);
  return list.check(host, type);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/u, '$1');
}

/** @param where what is to be mended where it is none. */
function readProxy(text: string, where: string): Proxy | string {
  // Without a scheme, as curl takes it, too.
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (!url || !/^https?:$/u.test(url.protocol) || url.hostname === '') {
    // There may be a password in it.
    const shown = text.includes('@') ? 'The proxy' : `The proxy "${text}"`;
    return `${shown} from ${where} is not an http:// or https:// URL; correct it there.`;
  }
  const credentials = decoded(url.username, url.password);
  if (credentials === undefined)
    return `The user name or the password of the proxy from ${where} has a stray % in it; write it as %25.`;
  const authorization =
    credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { origin: url.origin, authorization };
}

function decoded(...parts: readonly [string, string]): string | undefined {
  try {
    return parts.map(decodeURIComponent).join(':');
  } catch {
    return undefined;
  }
}
