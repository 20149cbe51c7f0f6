/** What comes of a family over the network: its manifest, and its files, with lines about how far they are. */
import { CommandError } from '../commands/problem.ts';
import { sizeText } from '../commands/text.ts';
import { download, unreachable } from './download.ts';
import { MANIFEST, type PullTools } from './install.ts';
import { room, type Part } from './part.ts';

const MAX_MANIFEST_BYTES = 1024 ** 2;

/** Milliseconds between two lines about the same file. */
const PROGRESS_MS = 2_000;

/** Downloads a file, from where the part at `path` ends. @throws CommandError `network` or `no-space`, one sentence */
export async function fetchFile(url: string, part: Part, path: string, tools: PullTools): Promise<void> {
  const { fetch, sleep, note, freeBytes } = tools;
  const checked = part.sha256 !== null;
  await download({ url, bytes: checked ? part.bytes : undefined, checked }, path, {
    fetch,
    sleep,
    note,
    reserve: (bytes) => room(bytes, path, freeBytes),
    progress: progressOf(part.file, tools),
  });
}

function progressOf(file: string, { now, note }: PullTools): (received: number, total: number) => void {
  const started = now().getTime();
  let first: number | undefined;
  let last = started;
  return (received, total) => {
    first ??= received;
    const time = now().getTime();
    if (time - last < PROGRESS_MS && received < total) return;
    last = time;
    const speed = (received - first) / Math.max(1, time - started);
    const left =
      speed > 0 && received < total ? `, ${Math.ceil((total - received) / speed / 1000)} s left` : '';
    const share = Math.floor((received / total) * 100);
    note(`${file}: ${sizeText(received)} of ${sizeText(total)} (${share} %)${left}`);
  };
}

/**
 * The address of a manifest, by its own or its folder's.
 * @throws CommandError `usage` where it is none, or has a secret in it.
 */
export function manifestUrl(address: string): URL {
  const url = URL.parse(address);
  if (!url || url.username !== '' || url.password !== '')
    throw new CommandError('usage', `${JSON.stringify(address)} is no address without a user's name in it.`);
  if (!url.pathname.endsWith('.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/${MANIFEST}`;
  return url;
}

/** The text of a manifest, which nobody has looked at yet. @throws CommandError `network`, one sentence */
export async function fetchManifest(url: string, { fetch }: PullTools): Promise<string> {
  const answer = await fetch(url).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  const text = answer.ok ? await textOf(answer, MAX_MANIFEST_BYTES).catch(() => undefined) : undefined;
  if (text !== undefined) return text;
  await answer.body?.cancel().catch(() => undefined);
  const why = answer.ok
    ? 'is no family: it broke off, or is too long'
    : `is no family: it answers ${answer.status}`;
  throw new CommandError(
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
