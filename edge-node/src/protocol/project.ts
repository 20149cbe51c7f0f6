/** Pure: how a project is known to a node, without saying which it is. */
import { createHash } from 'node:crypto';

/** Longer addresses are none. */
const LONGEST = 2048;

/** Other names of the same host, where SSH goes through the port of HTTPS. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['ssh.github.com', 'github.com'],
  ['altssh.gitlab.com', 'gitlab.com'],
  ['altssh.bitbucket.org', 'bitbucket.org'],
]);

/**
 * What all addresses of one repository have in common: `host/owner/repo`, whichever way git reaches it and whoever asks
 * (`git@host:owner/repo.git`, `ssh://git@host:22/owner/repo`, `https://user:secret@host/owner/repo.git/`). The host is in
 * small letters; the case of the rest may matter to it.
 * @returns undefined for what is no address on another machine: a path, a `file:` URL, any other text.
 */
export function normaliseRemote(url: string): string | undefined {
  const text = url.trim();
  if (text.length > LONGEST || /\s/.test(text)) return undefined;
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (rest === undefined) return fromShort(text);
  if (/^(git\+)?file$/i.test(scheme!)) return undefined;
  return fromUrl(rest) ?? fromShort(rest);
}

/**
 * The name of a project that a `.foretype.json` gives, as it goes into {@link projectId}: never the address of a
 * repository.
 * @returns undefined for what is no name: 1 to 64 letters, digits, dots, dashes and underlines.
 */
export function namedProject(name: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) ? `name:${name}` : undefined;
}

/**
 * What a project is called on the wire and in the node's database. It hides a project from whoever does not know its
 * address, and from nobody who guesses it.
 * @param normalised from {@link normaliseRemote} or {@link namedProject}.
 * @returns SHA-256, as hex.
 */
export function projectId(normalised: string): string {
  return createHash('sha256').update(normalised).digest('hex');
}

/** `user@host:port/path`, as it stands behind the scheme of a URL. */
function fromUrl(rest: string): string | undefined {
  // Of the URLs that the standard knows, those of HTTP have their host in one form whatever the scheme was.
  const { hostname, pathname } = URL.parse(`http://${rest}`) ?? {};
  return hostname && pathname ? joined(hostname, pathname) : undefined;
}

/** `user@host:path`, as git and scp take it; on Windows a drive's letter is no host. */
function fromShort(text: string): string | undefined {
  const [, host, path] = /^(?:[^@/:]+@)?(\[[0-9a-f:]+\]|[^@/:[\]]{2,}):(.+)$/i.exec(text) ?? [];
  const hostname = host && URL.parse(`http://${host}/`)?.hostname;
  return hostname ? joined(hostname, path!) : undefined;
}

function joined(hostname: string, path: string): string | undefined {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  const whole = decoded(path.split(/[?#]/, 1)[0]!);
  // What is shown to people must not drive their terminal.
  if (/\p{C}/u.test(whole)) return undefined;
  const parts = whole.split('/').filter((part) => part !== '' && part !== '.');
  const last = parts.pop()?.replace(/\.git$/, '');
  if (host === '' || !last || [...parts, last].includes('..')) return undefined;
  return [ALIASES.get(host) ?? host, ...parts, last].join('/');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
