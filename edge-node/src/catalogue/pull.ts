import { EngineError, loadFamily, type Family } from '@foretype/models';
import { constants } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { alone } from '../adapters/lock.ts';
import { CommandError } from '../commands/problem.ts';
import type { CommandIo } from '../commands/io.ts';
import { sizeText } from '../commands/text.ts';
import { download, unreachable } from './download.ts';
import { ggufOf, settle, sha256Of } from './files.ts';
import type { KnownFamily } from './known.ts';
import { manifestOf, type Came } from './manifest.ts';

export interface PullTools extends Pick<CommandIo, 'fetch' | 'sleep' | 'now' | 'freeBytes'> {
  /** Says what goes on. */
  readonly note: (line: string) => void;
}

export interface Pulled {
  readonly family: Family;
  readonly directory: string;
  /** Whether it was there before. */
  readonly already: boolean;
}

/** A file that the family needs. */
interface Part {
  readonly file: string;
  readonly bytes: number;
  /** Null where nobody told. */
  readonly sha256: string | null;
}

type Get = (part: Part, path: string) => Promise<void>;

/** Room that is left on the disk for everything else. */
const MARGIN = 64 * 1024 ** 2;
const MAX_MANIFEST_BYTES = 1024 ** 2;
const MANIFEST = 'family.json';

/** Downloads a family of the catalogue. @throws CommandError */
export async function pullKnown(known: KnownFamily, families: string, tools: PullTools): Promise<Pulled> {
  const parts = [known.backbone, known.draft];
  const get: Get = (part, to) => {
    const from = parts.find(({ file, sha256 }) => file === part.file || sha256 === part.sha256);
    if (!from) throw new CommandError('damaged', `${part.file} is damaged or missing; install it again.`);
    return fetchTo(
      { ...part, url: from.url, bytes: part.sha256 === null ? undefined : part.bytes },
      to,
      tools,
    );
  };
  const pins = (part: KnownFamily['backbone'], there: Part) =>
    part.sha256 === null || part.sha256 === there.sha256;
  const same = ({ backbone, draft, context }: Family) =>
    context === known.context && pins(known.backbone, backbone) && pins(known.draft, draft);
  return install(known.id, families, { same, get, wants: () => true, tools }, async (staging) => {
    await room(parts, staging, tools);
    const came = async (part: KnownFamily['backbone']): Promise<Came> => {
      const path = join(staging, part.file);
      const sha256 = await fetched(part, path, get);
      if (part.sha256 === null)
        tools.note(
          `Nobody vouches for ${part.file}: what came (SHA-256 ${sha256}) is what will be expected from now on.`,
        );
      return { bytes: (await stat(path)).size, sha256, gguf: await ggufOf(path) };
    };
    const both = { draft: await came(known.draft), backbone: await came(known.backbone) };
    let manifest;
    try {
      manifest = manifestOf(known, both);
    } catch (error) {
      // No other try makes a family of these files.
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
    await writeFile(join(staging, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  });
}

/** Downloads a family whose manifest has a URL; its files lie beside it. @throws CommandError */
export async function pullFrom(address: string, families: string, tools: PullTools): Promise<Pulled> {
  const url = addressOf(address);
  if (url.protocol === 'http:')
    tools.note(`${url.href} is read over plain HTTP: whoever is on the way may change it.`);
  const text = await manifestAt(url.href, tools);
  const family = await checked(text, url.href, families);
  const get: Get = (part, to) => fetchTo({ ...part, url: new URL(part.file, url).href }, to, tools);
  const same = asIn(text, families);
  return install(family.id, families, { same, get, wants: () => true, tools }, async (staging) => {
    const parts = partsOf(family);
    await room(parts, staging, tools);
    for (const part of parts) await fetched(part, join(staging, part.file), get);
    await writeFile(join(staging, MANIFEST), text);
  });
}

/** Copies a family from a folder; needs no network. @throws CommandError, EngineError */
export async function importFrom(folder: string, families: string, tools: PullTools): Promise<Pulled> {
  const family = await loadFamily(folder);
  const there = await stat(family.draft.path).catch(() => undefined);
  const wants = ({ file }: Part) => there !== undefined || file !== family.draft.file;
  const get: Get = async ({ file }, to) => {
    tools.note(`${file} is copied.`);
    try {
      await copyFile(join(folder, file), to, constants.COPYFILE_FICLONE);
    } catch (error) {
      await rm(to, { force: true });
      throw error;
    }
  };
  const same = asIn(await readFile(join(folder, MANIFEST), 'utf8'), families);
  return install(family.id, families, { same, get, wants, tools }, async (staging) => {
    if (!there) tools.note(`${family.draft.path} is missing, which a node does not need.`);
    const parts = partsOf(family).filter(wants);
    await room(parts, staging, tools);
    for (const part of parts) await fetched(part, join(staging, part.file), get);
    await copyFile(join(folder, MANIFEST), join(staging, MANIFEST));
  });
}

/** What is asked of a family that is there already. */
interface Again {
  /** Whether its manifest is the one that would come. */
  readonly same: (there: Family) => boolean | Promise<boolean>;
  /** Has a file come once more. */
  readonly get: Get;
  /** Which of its files must be whole. */
  readonly wants: (part: Part) => boolean;
  readonly tools: PullTools;
}

/** The whole family under its name, or what came of it beside. */
async function install(
  id: string,
  families: string,
  again: Again,
  fill: (staging: string) => Promise<void>,
): Promise<Pulled> {
  const directory = join(families, id);
  await mkdir(families, { recursive: true, mode: 0o700 });
  return alone(join(families, `.${id}.lock`), async () => {
    const staging = join(families, `.${id}.part`);
    const family = await familyIn(directory);
    if (family) {
      if (await again.same(family))
        return { family, directory, already: await whole(family, directory, again) };
      throw new CommandError(
        'exists',
        `Another version of ${id} is in ${directory}; remove that folder first.`,
      );
    }
    if (await stat(directory).catch(() => undefined)) {
      // Nobody can serve it without its manifest, and its weights need not come again.
      await rm(staging, { recursive: true, force: true });
      await rename(directory, staging);
    }
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await fill(staging);
    await settle(join(staging, MANIFEST));
    await loadFamily(staging);
    await rename(staging, directory);
    return { family: await loadFamily(directory), directory, already: false };
  });
}

/** The family in a folder; undefined where none can be read there. */
async function familyIn(directory: string): Promise<Family | undefined> {
  try {
    return await loadFamily(directory);
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Has the files of a family come again that are damaged or missing, each in its place. @returns whether none was. */
async function whole(family: Family, directory: string, { get, wants, tools }: Again): Promise<boolean> {
  let damaged = 0;
  for (const part of partsOf(family).filter(wants)) {
    await fetched(part, join(directory, part.file), (one, to) => {
      damaged++;
      tools.note(`${one.file} is damaged or missing in ${directory}, and comes again.`);
      return get(one, to);
    });
  }
  return damaged === 0;
}

/** Whether a manifest says the same as the one of the family of that name. */
function asIn(text: string, families: string): Again['same'] {
  return async ({ id }) =>
    isDeepStrictEqual(JSON.parse(text), JSON.parse(await readFile(join(families, id, MANIFEST), 'utf8')));
}

/** Has a file at `path` that is what it should be; its SHA-256. */
async function fetched(part: Part, path: string, get: Get): Promise<string> {
  const before = await stat(path).catch(() => undefined);
  // It came whole the last time, when something else failed.
  if (before && part.sha256 !== null && (await sha256Of(path)) === part.sha256) return part.sha256;
  const beside = `${path}.part`;
  await get(part, beside);
  const sha256 = await sha256Of(beside);
  if (part.sha256 !== null && sha256 !== part.sha256) {
    await rm(beside, { force: true });
    const message = `${part.file} is not what it should be (SHA-256 ${sha256.slice(0, 12)}…, expected ${part.sha256.slice(0, 12)}…) and was thrown away; try again, or get it elsewhere.`;
    throw new CommandError('damaged', message);
  }
  await settle(beside);
  await rename(beside, path);
  return sha256;
}

async function fetchTo(
  {
    url,
    file,
    bytes,
    sha256,
  }: { url: string; file: string; bytes: number | undefined; sha256: string | null },
  path: string,
  tools: PullTools,
): Promise<void> {
  const { fetch, sleep, note } = tools;
  const reserve = (wanted: number) => enough(wanted, path, tools);
  await download({ url, bytes, checked: sha256 !== null }, path, {
    fetch,
    sleep,
    note,
    reserve,
    progress: progressOf(file, tools),
  });
}

/** Milliseconds between two lines about the same file. */
const PROGRESS_MS = 2_000;

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

/** @throws CommandError `no-space` where the parts that are not there yet have no room. */
async function room(parts: readonly Part[], staging: string, tools: PullTools): Promise<void> {
  const sizes = await Promise.all(
    parts.map(async ({ file, bytes }) => {
      const found = await Promise.all(
        [file, `${file}.part`].map((name) => stat(join(staging, name)).catch(() => ({ size: 0 }))),
      );
      return Math.max(0, bytes - Math.max(...found.map(({ size }) => size)));
    }),
  );
  await enough(
    sizes.reduce((sum, bytes) => sum + bytes, 0),
    staging,
    tools,
  );
}

async function enough(bytes: number, place: string, { freeBytes }: PullTools): Promise<void> {
  const free = await freeBytes(place);
  if (bytes + MARGIN <= free) return;
  const message = `${sizeText(bytes)} are to come and ${sizeText(free)} are free at ${place}; make room, or choose another place with --state.`;
  throw new CommandError('no-space', message);
}

function addressOf(address: string): URL {
  const url = URL.parse(address);
  if (!url || url.username !== '' || url.password !== '')
    throw new CommandError('usage', `${JSON.stringify(address)} is no address without a user's name in it.`);
  if (!url.pathname.endsWith('.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/${MANIFEST}`;
  return url;
}

async function manifestAt(url: string, { fetch }: PullTools): Promise<string> {
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

/** The family that a manifest tells of, as `loadFamily` reads it. */
async function checked(text: string, url: string, families: string): Promise<Family> {
  await mkdir(families, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(families, '.manifest-'));
  try {
    await writeFile(join(folder, MANIFEST), text);
    return await loadFamily(folder);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new CommandError('damaged', error.message.replace(join(folder, MANIFEST), url), { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of a family, each once. @throws CommandError `damaged` where a name would not stay in the folder. */
function partsOf({ backbone, draft, adapters }: Family): Part[] {
  const parts = new Map<string, Part>();
  for (const { file, bytes, sha256 } of [backbone, draft, ...adapters]) {
    const other = parts.get(file);
    if (file.startsWith('.') || file === MANIFEST || (other && other.sha256 !== sha256))
      throw new CommandError(
        'damaged',
        `The family manifest gives the name ${JSON.stringify(file)} to a file that cannot have it.`,
      );
    parts.set(file, { file, bytes, sha256 });
  }
  return [...parts.values()];
}
