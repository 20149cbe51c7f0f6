import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beginningOf } from './beginning.ts';
import {
  exclusionOf,
  leftOut,
  NAMES,
  pathOf,
  rulesIn,
  type Exclusion,
  type RuleSet,
  type Use,
} from './ignored.ts';

export interface IgnoreFilesOptions {
  /** URIs of the workspace folders. */
  readonly folders: readonly string[];
  /** One sentence for the log. */
  readonly log: (message: string) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

/** Files with rules; what else may change them is a repository that begins or ends. */
const OWN = '.foretypeignore';
const GIT = '.gitignore';
const REPOSITORY = '.git';

/** Milliseconds for which files are taken to be as they were, where nobody tells of a change. */
const FRESH_MS = 5000;
/** Milliseconds between two keys of somebody who types. */
const TYPING_MS = 30_000;
/** Bytes and lines of an ignore file that are read: each line is tried on each directory of a path. */
const MOST_BYTES = 128 * 1024;
const MOST_LINES = 2000;
/** Directories and documents that are remembered. */
const REMEMBERED = 1000;

/** The rules in a directory, and by what it is known that they still are those. */
interface Level {
  readonly rules: RuleSet;
  readonly above: Level | undefined;
  readonly stamp: string;
}

/** A path that a document has, and the rules in its directory. */
interface Place {
  readonly path: string;
  readonly rules: RuleSet;
}

interface Known<T> {
  at: number;
  readonly value: Promise<T>;
}

/**
 * Says which documents are left alone, by their names and by the ignore files in all directories above them. A file that
 * cannot be read excludes nothing, which the log says. A link is judged as what it is called and as what it leads to.
 */
export class IgnoreFiles {
  readonly #options: Omit<IgnoreFilesOptions, 'folders'>;
  #folders: Promise<ReadonlySet<string>>;
  readonly #levels = new Map<string, Known<Level>>();
  readonly #places = new Map<string, Known<readonly Place[]>>();
  readonly #said = new Set<string>();

  constructor({ folders, ...options }: IgnoreFilesOptions) {
    this.#options = options;
    this.#folders = foldersAt(folders);
  }

  /** Why a document is left alone, undefined where it is not. Never rejects. */
  async exclusionOf(uri: string, use: Use): Promise<Exclusion | undefined> {
    const places = await this.#placesFor(uri);
    for (const { path, rules } of places) {
      const exclusion = exclusionOf(path, rules, use);
      if (exclusion) return exclusion;
    }
    return undefined;
  }

  /** The workspace has other folders now. */
  setFolders(uris: readonly string[]): void {
    this.#folders = foldersAt(uris);
    this.#levels.clear();
    this.#places.clear();
  }

  /** A file was made, written or deleted; only those that may change an answer cost anything. */
  changed(uri: string): void {
    const { path } = pathOf(uri);
    if (![OWN, GIT, REPOSITORY].includes(basename(path))) {
      this.#places.delete(uri);
      return;
    }
    this.#levels.delete(dirname(path));
    // They find out by themselves whether they stand on it.
    for (const level of this.#levels.values()) level.at = -Infinity;
    this.#places.clear();
  }

  /** While somebody types it is found out anew in the background, so that no key waits for the disk. */
  #placesFor(uri: string): Promise<readonly Place[]> {
    const before = this.#places.get(uri);
    const renewed = this.#recall(this.#places, uri, () => this.#placesOf(uri));
    return before && this.#options.now() - before.at < TYPING_MS ? before.value : renewed;
  }

  async #placesOf(uri: string): Promise<readonly Place[]> {
    const { path, local } = pathOf(uri);
    // A path of another system would be looked for in the working directory of this process.
    if (!local || !isAbsolute(path)) return [{ path, rules: NAMES }];
    const paths = new Set([path, await realPathOf(path)]);
    return Promise.all(
      [...paths].map(async (each) => ({ path: each, rules: (await this.#level(dirname(each))).rules })),
    );
  }

  #level(directory: string): Promise<Level> {
    return this.#recall(this.#levels, directory, (before) => this.#renewed(directory, before));
  }

  async #renewed(directory: string, before: Promise<Level> | undefined): Promise<Level> {
    const parent = dirname(directory);
    const stamps = [OWN, GIT, REPOSITORY].map((name) => stampOf(join(directory, name)));
    const above = parent === directory ? undefined : await this.#level(parent);
    const [own, git, repository] = (await Promise.all(stamps)) as [string, string, string];
    // The directory of a repository is touched by all that git does; that it is there is enough.
    const stamp = [own, git, repository !== ''].join();
    const old = await before;
    if (old && old.above === above && old.stamp === stamp) return old;
    const found = {
      own: own && (await this.#textOf(join(directory, OWN))),
      git: git && (await this.#textOf(join(directory, GIT))),
      folder: (await this.#folders).has(directory),
      repository: repository !== '',
    };
    return { rules: rulesIn(directory, above?.rules ?? NAMES, found), above, stamp };
  }

  async #textOf(path: string): Promise<string> {
    const read = await beginningOf(path, MOST_BYTES);
    if ('code' in read) {
      this.#say(`${path} cannot be read (${read.code}), so nothing is ignored because of it.`);
      return '';
    }
    const lines = read.text.split('\n');
    if (read.cut || lines.length > MOST_LINES)
      this.#say(
        `${path} is longer than ${MOST_LINES} lines or ${MOST_BYTES / 1024} KiB; the rest of it is not obeyed.`,
      );
    const text = lines.slice(0, MOST_LINES).join('\n');
    const [odd] = leftOut(text);
    if (odd !== undefined)
      this.#say(`${path} has a pattern that takes too long and is left out: ${odd.slice(0, 80)}`);
    return text;
  }

  /** The same sentence comes again with each change to a file, and is worth one line. */
  #say(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#options.log(message);
  }

  /** What is known of `key`, or found out anew where that was too long ago. */
  #recall<T>(
    known: Map<string, Known<T>>,
    key: string,
    find: (before: Promise<T> | undefined) => Promise<T>,
  ): Promise<T> {
    const now = this.#options.now();
    const before = known.get(key);
    if (before && now - before.at < FRESH_MS) return before.value;
    known.delete(key);
    const value = find(before?.value);
    known.set(key, { at: now, value });
    for (const oldest of known.keys()) if (known.size > REMEMBERED) known.delete(oldest);
    return value;
  }
}

/** The paths of workspace folders, and where they lead if they are links. */
async function foldersAt(uris: readonly string[]): Promise<ReadonlySet<string>> {
  const paths = uris.map(pathOf).filter(({ path, local }) => local && isAbsolute(path));
  const given = paths.map(({ path }) => (path === dirname(path) ? path : path.replace(/\/+$/u, '')));
  return new Set([...given, ...(await Promise.all(given.map(realPathOf)))]);
}

/** Where a path leads; of a file that is not there yet, where its directory does. */
async function realPathOf(path: string): Promise<string> {
  const found = await realpath(path).catch(() =>
    realpath(dirname(path)).then(
      (directory) => join(directory, basename(path)),
      () => path,
    ),
  );
  return pathOf(pathToFileURL(found).href).path;
}

/** Changes when the file does; empty where there is none. */
async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs}:${size}:${ino}`;
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? '' : code;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
