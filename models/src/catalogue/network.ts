/** What comes of a family over the network: its manifest, and its files, with lines about how far they are. */
import { download, unreachable } from './download.ts';
import { CatalogueError } from './error.ts';
import { MANIFEST } from './install.ts';
import { room, type Part } from './part.ts';
import { sizeText } from './size.ts';
import type { PullTools } from './tools.ts';

const MAX_MANIFEST_BYTES = 1024 ** 2;

/** Milliseconds between two lines about the same file. */
const PROGRESS_MS = 2_000;

/** Downloads a file, from where the part at `path` ends. @throws CatalogueError `network` or `no-space`, one sentence */
export async function fetchFile(url: string, part: Part, path: string, tools: PullTools): Promise<void> {
  const { fetch, sleep, note, signal } = tools;
  const checked = part.sha256 !== null;
  await download({ url, bytes: checked ? part.bytes : undefined, checked }, path, {
    fetch,
    sleep,
    note,
    signal,
    reserve: (bytes) => room(bytes, path, tools),
    progress: (received, total) => tools.progress(part.file, received, total),
  });
}

/** Says in lines how far a download is, for who reads lines. */
export function progressLines(now: () => Date, note: PullTools['note']): PullTools['progress'] {
  let at:
    { readonly file: string; readonly started: number; readonly first: number; last: number } | undefined;
  return (file, received, total) => {
    const time = now().getTime();
    if (at?.file !== file) at = { file, started: time, first: received, last: time };
    if (time - at.last < PROGRESS_MS && received < total) return;
    at.last = time;
    const speed = (received - at.first) / Math.max(1, time - at.started);
    const left =
      speed > 0 && received < total ? `, ${Math.ceil((total - received) / speed / 1000)} s left` : '';
    const share = Math.floor((received / total) * 100);
    note(`${file}: ${sizeText(received)} of ${sizeText(total)} (${share} %)${left}`);
  };
}

/**
 * The address of a manifest, by its own or its folder's.
 * @throws CatalogueError `usage` where it is none, or has a secret in it.
 */
export function manifestUrl(address: string): URL {
  const url = URL.parse(address);
  if (!url || url.username !== '' || url.password !== '')
    throw new CatalogueError(
      'usage',
      `${JSON.stringify(address)} is no address without a user's name in it.`,
    );
  if (!url.pathname.endsWith('.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/${MANIFEST}`;
  return url;
}

/** The text of a manifest, which nobody has looked at yet. @throws CatalogueError `network`, one sentence */
export async function fetchManifest(url: string, { fetch, signal }: PullTools): Promise<string> {
  const answer = await fetch(url, { ...(signal && { signal }) }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw unreachable(url, error);
  });
  const text = answer.ok ? await textOf(answer, MAX_MANIFEST_BYTES).catch(() => undefined) : undefined;
  if (text !== undefined) return text;
  signal?.throwIfAborted();
  await answer.body?.cancel().catch(() => undefined);
  const why = answer.ok
    ? 'is no family: it broke off, or is too long'
    : `is no family: it answers ${answer.status}`;
  throw new CatalogueError(
    'network',
    `${url} ${why}; name the folder of a family.json, or a name of the catalogue.`,
  );
}

/** A body that has so many bytes at most, whatever its head says; undefined where it has more. */
async function textOf({ body }: Response, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // Whoever leaves the loop cancels what would come.
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
