import { rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { CatalogueError } from './error.ts';
import { sizeOf } from './files.ts';
import { systemCode } from './system.ts';
import type { PullTools } from './tools.ts';

/** A file that is to come. */
export interface Wanted {
  readonly url: string;
  /** Undefined where only the server knows it. */
  readonly bytes: number | undefined;
  /** Whether it will be checked against a checksum, so that a part of it from before may be gone on with. */
  readonly checked: boolean;
}

export interface DownloadTools extends Pick<PullTools, 'fetch' | 'sleep' | 'note' | 'signal'> {
  /** Called before anything is written. @throws CatalogueError where so many bytes have no room. */
  readonly reserve: (bytes: number) => Promise<void>;
  readonly progress: (received: number, total: number) => void;
}

/** Milliseconds before each new try that got nothing more than the one before. */
const PAUSES = [1_000, 3_000, 9_000, 27_000];

/** It stopped half-way, or never began, for a reason that may pass. */
class Interrupted extends CatalogueError {
  constructor(message: string) {
    super('network', message);
  }
}

/**
 * Gets a file, from where the part at `path` ends. What came stays when it fails, so that the next try goes on from there.
 * @throws CatalogueError `network`, one sentence; the system's error where the disk does not take it; the signal's reason.
 */
export async function download(wanted: Wanted, path: string, tools: DownloadTools): Promise<void> {
  // What is not checked might have become another file since.
  if (!wanted.checked) await rm(path, { force: true });
  const known: Known = { tag: undefined };
  for (let failures = 0; ;) {
    const before = await sizeOf(path);
    try {
      await receive(wanted, path, before, known, tools);
      return;
    } catch (error) {
      tools.signal?.throwIfAborted();
      if (!(error instanceof Interrupted)) throw full(error, path);
      if ((await sizeOf(path)) > before) failures = 0;
      const pause = PAUSES[failures++];
      if (pause === undefined)
        throw new CatalogueError('network', `${error.message} What came so far is kept: try again later.`, {
          cause: error,
        });
      tools.note(`${error.message} It is tried again in ${pause / 1000} s.`);
      await tools.sleep(pause, tools.signal).catch((cause: unknown) => {
        tools.signal?.throwIfAborted();
        throw cause;
      });
    }
  }
}

/** What an earlier try learned. */
interface Known {
  /** What the server calls this very version of the file. */
  tag: string | undefined;
}

async function receive(
  { url, bytes, checked }: Wanted,
  path: string,
  before: number,
  known: Known,
  { fetch, reserve, progress, signal }: DownloadTools,
): Promise<void> {
  if (bytes !== undefined && before === bytes) return;
  const goOn = before > 0 && (bytes === undefined || before < bytes) && (checked || known.tag !== undefined);
  const headers = {
    'accept-encoding': 'identity',
    ...(goOn && { range: `bytes=${before}-` }),
    ...(goOn && known.tag !== undefined && { 'if-range': known.tag }),
  };
  const answer = await fetch(url, { headers, ...(signal && { signal }) }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  try {
    const { from, total } = extentOf(url, answer, goOn ? before : 0);
    if (bytes !== undefined && total !== bytes) {
      const message = `${url} has ${total} bytes, expected ${bytes}: it is not the file that it should be.`;
      throw new CatalogueError('network', message);
    }
    const tag = answer.headers.get('etag');
    known.tag = tag?.startsWith('"') ? tag : undefined;
    await reserve(total - from);
    await write(url, answer, path, { from, total }, progress);
  } finally {
    // The connection of a body that is not read to its end would stay open.
    await answer.body?.cancel().catch(() => undefined);
  }
}

interface Extent {
  /** Bytes that come before what the answer has. */
  readonly from: number;
  readonly total: number;
}

function extentOf(url: string, { status, headers }: Response, before: number): Extent {
  if (status === 200) {
    const length = Number(headers.get('content-length') ?? NaN);
    if (Number.isSafeInteger(length) && length > 0) return { from: 0, total: length };
    throw new CatalogueError(
      'network',
      `${url} does not say how long it is; get it in another way and import its folder.`,
    );
  }
  if (status === 206) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(from) === before && total !== undefined) return { from: before, total: Number(total) };
    throw new CatalogueError(
      'network',
      `${url} answers with another part than the one asked for; get it in another way.`,
    );
  }
  if (status === 429 || status >= 500) throw new Interrupted(`${url} answers ${status}.`);
  const why =
    {
      401: 'wants to know who asks, which it cannot be told',
      403: 'is not open to everybody',
      404: 'is not there',
      410: 'is there no more',
      416: 'is shorter than what came of it before',
    }[status] ?? `answers ${status}`;
  throw new CatalogueError(
    'network',
    `${url} ${why}; look at the address, or get it in another way and import its folder.`,
  );
}

async function write(
  url: string,
  { body }: Response,
  path: string,
  { from, total }: Extent,
  progress: DownloadTools['progress'],
): Promise<void> {
  const file = createWriteStream(path, { flags: from > 0 ? 'a' : 'w', mode: 0o600 });
  const closed = finished(file);
  // It is awaited below, and until then nobody listens.
  closed.catch(() => undefined);
  let received = from;
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      if (received > total)
        throw new CatalogueError(
          'network',
          `${url} sends more than the ${total} bytes that it said; get it in another way.`,
        );
      if (!file.write(chunk)) await Promise.race([once(file, 'drain'), closed]);
      progress(received, total);
    }
  } catch (error) {
    if (file.errored) throw file.errored;
    if (error instanceof CatalogueError) throw error;
    throw new Interrupted(`${url} broke off after ${received} of ${total} bytes (${reasonOf(error)}).`);
  } finally {
    file.end();
    await closed;
  }
  if (received < total) throw new Interrupted(`${url} ended after ${received} of ${total} bytes.`);
}

function full(error: unknown, path: string): unknown {
  if (!['ENOSPC', 'EDQUOT'].includes(systemCode(error))) return error;
  const message = `The disk is full: ${path} cannot grow; make room and try again, it goes on from there.`;
  return new CatalogueError('no-space', message, { cause: error });
}

const UNVOUCHED = 'has a certificate that nobody vouches for; name its root in NODE_EXTRA_CA_CERTS';

/** Names of failures that no other try mends. */
const FINAL: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'cannot be looked up, as where there is no network',
  ECONNREFUSED: 'refuses the connection',
  EHOSTUNREACH: 'cannot be reached, as where there is no network',
  ENETUNREACH: 'cannot be reached, as where there is no network',
  ENOTFOUND: 'has no such host, or there is no network',
  CERT_HAS_EXPIRED: 'has a certificate that has ended',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNVOUCHED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'has the certificate of another host',
  SELF_SIGNED_CERT_IN_CHAIN: UNVOUCHED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNVOUCHED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNVOUCHED,
};

/** The error for a server that did not answer; `fetch` hides the reason in the cause. */
export function unreachable(url: string, error: unknown): CatalogueError {
  // Whoever has a way through the network of their own knows better what is wrong with it.
  if (error instanceof CatalogueError) return error;
  const reason = reasonOf(error);
  const why = FINAL[reason];
  if (why === undefined) return new Interrupted(`${url} does not answer (${reason}).`);
  const mend = 'look at the address, or import the family from a folder';
  return new CatalogueError('network', `${url} ${why}; ${mend}.`, { cause: error });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return systemCode(cause);
}
