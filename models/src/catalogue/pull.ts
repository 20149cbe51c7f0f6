/** The sources of families: a name of the catalogue, the address of a manifest, a folder. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EngineError } from '../engine.ts';
import { loadFamily, type Family } from '../family.ts';
import { CatalogueError } from './error.ts';
import { ggufOf, sizeOf } from './files.ts';
import { filesOf, install, MANIFEST, type Pulled, type Source } from './install.ts';
import type { KnownFamily, KnownFile } from './known.ts';
import { manifestOf, unpinned, type Came } from './manifest.ts';
import { fetchFile, fetchManifest, manifestUrl } from './network.ts';
import type { Get, Part } from './part.ts';
import { copyTo } from './sharing.ts';
import type { PullTools, Wants } from './tools.ts';

/** What files are called that say who may do what with the others. */
const NOTICE = /^(?:third-?party-?)?(?:notice|licen[cs]e|copying|copyright)[a-z0-9._-]*$/i;

/** Downloads a family of the catalogue. @throws CatalogueError, and the reason of the tools' signal */
export async function pullKnown(known: KnownFamily, families: string, tools: PullTools): Promise<Pulled> {
  const { id, draft, backbone, context } = known;
  if (tools.wants === 'draft' && backbone.sha256 === null) throw new CatalogueError('unknown', unpinned(id));
  const pins = ({ sha256 }: KnownFile, there: Part) => sha256 === null || sha256 === there.sha256;
  const all = new Map<string, Came>();
  const source: Source = {
    id,
    // The smaller one first, so that what is wrong shows before much has come.
    parts: tools.wants === 'draft' ? [draft] : [draft, backbone],
    same: (there) => there.context === context && pins(backbone, there.backbone) && pins(draft, there.draft),
    get: async (part, to) => {
      const same = ({ sha256 }: KnownFile) => sha256 !== null && sha256 === part.sha256;
      // A file that is there already may have another name than the catalogue's.
      const from = [backbone, draft].find(({ file }) => file === part.file) ?? [backbone, draft].find(same);
      if (!from) throw new CatalogueError('damaged', `${part.file} is damaged or missing; install it again.`);
      await fetchFile(from.url, part, to, tools);
    },
    came: async (part, path, sha256) => {
      if (part.sha256 === null)
        tools.note(
          `Nobody vouches for ${part.file}: what came (SHA-256 ${sha256}) is what will be expected from now on.`,
        );
      all.set(part.file, { bytes: await sizeOf(path), sha256, gguf: await ggufOf(path) });
    },
    manifest: () => {
      const came = { backbone: all.get(backbone.file), draft: all.get(draft.file)! };
      return `${JSON.stringify(manifestOf(known, came), null, 2)}\n`;
    },
  };
  return install(source, families, tools);
}

/** Downloads a family whose manifest has a URL; its files lie beside it. @throws CatalogueError, and the signal's reason */
export async function pullFrom(address: string, families: string, tools: PullTools): Promise<Pulled> {
  const url = manifestUrl(address);
  if (url.protocol === 'http:')
    tools.note(`${url.href} is read over plain HTTP: whoever is on the way may change it.`);
  const text = await fetchManifest(url.href, tools);
  const family = await familyOf(text, url.href, families);
  const get: Get = (part, to) => fetchFile(new URL(part.file, url).href, part, to, tools);
  return install({ ...described(family, text, families, tools.wants), get }, families, tools);
}

/** Copies a family from a folder; needs no network. @throws CatalogueError, EngineError, and the signal's reason */
export async function importFrom(folder: string, families: string, tools: PullTools): Promise<Pulled> {
  const family = await loadFamily(folder);
  const there = tools.wants === 'draft' || (await stat(family.draft.path).catch(() => undefined));
  const get: Get = async ({ file }, to) => {
    tools.signal?.throwIfAborted();
    tools.note(`${file} is copied.`);
    await copyTo(to, join(folder, file));
  };
  const text = await readFile(join(folder, MANIFEST), 'utf8');
  const lacks = there ? undefined : family.draft;
  const source = described(family, text, families, tools.wants);
  const parts = [...source.parts, ...(await unnamed(folder, source.parts))];
  return install({ ...source, parts, lacks, get }, families, tools);
}

/** Notices and licences that lie beside a manifest which does not name them: nobody knows their checksums. */
async function unnamed(folder: string, named: readonly Part[]): Promise<Part[]> {
  const found: Part[] = [];
  for (const file of await readdir(folder)) {
    if (!NOTICE.test(file) || named.some((part) => part.file === file)) continue;
    const about = await stat(join(folder, file));
    if (about.isFile()) found.push({ file, bytes: about.size, sha256: null });
  }
  return found;
}

/** The family that a manifest tells of, as `loadFamily` reads it. */
async function familyOf(text: string, url: string, families: string): Promise<Family> {
  await mkdir(families, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(families, '.manifest-'));
  try {
    await writeFile(join(folder, MANIFEST), text);
    return await loadFamily(folder);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new CatalogueError('damaged', error.message.replace(join(folder, MANIFEST), url), { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a source has whose manifest is there before its files. */
function described(
  family: Family,
  text: string,
  families: string,
  wants: Wants,
): Pick<Source, 'id' | 'parts' | 'same' | 'manifest'> {
  const { id } = family;
  return {
    id,
    parts: filesOf(family, wants),
    same: async () =>
      isDeepStrictEqual(JSON.parse(text), JSON.parse(await readFile(join(families, id, MANIFEST), 'utf8'))),
    manifest: () => text,
  };
}
