/**
 * Pure: which documents are left alone. There are two questions.
 *
 * May something be completed in it? A completion sends what is around the cursor to the edge node. Not where the name says
 * that it holds secrets, and not where a `.foretypeignore` excludes it. A `.gitignore` does not count here: it says what
 * is not worth a commit (notes, generated code, something to try out), not what is confidential, and who opens such a
 * file and writes in it wants help there as anywhere.
 *
 * May it be shown to completions in other documents? Nobody asked for that, so all of these count, `.gitignore` too: what
 * a team does not keep in common (build output, dependencies, local configuration) would displace what it does, and is
 * where secrets lie under names that nobody foresaw.
 *
 * Case never counts: a document too many that is left alone does little harm, one too few does.
 */
import ignore, { type Ignore } from 'ignore';
import { SECRET, SENSITIVE } from './secrets.ts';

export type Use = 'completion' | 'context';

/** Why a document is left alone; `message` is one sentence, with what to do where something can be done. */
export interface Exclusion {
  readonly reason: 'secret' | 'sensitive' | 'foretypeignore' | 'gitignore';
  readonly message: string;
}

/** Patterns for paths from the root of the file system, so that those of nested files work as one list, as in git. */
interface Rules {
  readonly patterns: readonly string[];
  readonly matcher: Ignore;
}

/** What counts in a directory and below it. */
export interface RuleSet {
  /** Names that may be brought back. */
  readonly sensitive: Rules;
  /** What `.foretypeignore` files say. */
  readonly files: readonly string[];
  /** Both, in this order. */
  readonly own: Rules;
  /** What `.gitignore` files say. */
  readonly git: Rules;
  readonly inFolder: boolean;
  readonly inRepository: boolean;
}

/** What lies in a directory, and what it is. */
export interface Found {
  /** The text of its `.foretypeignore`, and of its `.gitignore`; empty where there is none. */
  readonly own: string;
  readonly git: string;
  /** A workspace folder. */
  readonly folder: boolean;
  /** The root of a repository. */
  readonly repository: boolean;
}

/** What editors and people put behind the name of a file that they keep a copy of. */
const COPY = /(?:~|\.(?:bak|backup|old|orig|save|sw[a-p]|tmp))$/iu;

/** Of longer patterns than these UTF-16 code units, or with more `**`, matching one path may take seconds. */
const LONGEST = 512;
const MOST_STARS = 4;

const SECRETS = rulesOf(SECRET);
const NO_RULES = rulesOf([]);
const ANYWHERE = rulesOf(rebased(SENSITIVE, ''));

/** What counts where no file says anything: names. */
export const NAMES: RuleSet = {
  sensitive: ANYWHERE,
  files: [],
  own: ANYWHERE,
  git: NO_RULES,
  inFolder: false,
  inRepository: false,
};

/**
 * The rules in a directory: those of the one above it, then its own, since the last pattern that matches decides. As with
 * git, nothing is brought back from a directory that is excluded itself. A `.foretypeignore` counts wherever it lies; a
 * `.gitignore` does in its repository, or in its workspace folder where that is in no repository.
 */
export function rulesIn(directory: string, above: RuleSet, found: Found): RuleSet {
  const { own, git, folder, repository } = found;
  if (!own && !git && !repository && (above.inFolder || !folder)) return above;
  const at = (text: string) => rebased(linesOf(text), relative(directory));
  // A name above the workspace says what the whole of it is called, not what is in it.
  const sensitive =
    folder && !above.inFolder ? rulesOf(rebased(SENSITIVE, relative(directory))) : above.sensitive;
  const files = [...above.files, ...at(own)];
  const inFolder = above.inFolder || folder;
  const inRepository = above.inRepository || repository;
  const inherited = repository ? [] : above.git.patterns;
  return {
    sensitive,
    files,
    own: rulesOf([...sensitive.patterns, ...files]),
    git: inFolder || inRepository ? rulesOf([...inherited, ...at(git)]) : NO_RULES,
    inFolder,
    inRepository,
  };
}

/** The patterns of an ignore file that are left out because they would take too long. */
export function leftOut(text: string): string[] {
  return linesOf(text).filter(isTooMuch);
}

/** Why the document at `path` is left alone; undefined where it is not. */
export function exclusionOf(path: string, rules: RuleSet, use: Use): Exclusion | undefined {
  const place = relative(path);
  if (place === '') return undefined;
  const name = place.slice(place.lastIndexOf('/') + 1);
  // A backslash is part of a name on some systems, and stands between names on others.
  const spelled = relative(place.replaceAll('\\', '/'));
  if ([spelled, spelled.replace(COPY, '')].some((one) => ignores(SECRETS, one)))
    return {
      reason: 'secret',
      message: `Foretype leaves ${name} alone: files with such a name hold secrets.`,
    };
  if (ignores(rules.own, place))
    return ignores(rules.sensitive, place)
      ? {
          reason: 'sensitive',
          message: `Foretype leaves ${name} alone: such files often hold secrets; if this one does not, bring it back in a .foretypeignore file.`,
        }
      : {
          reason: 'foretypeignore',
          message: `Foretype leaves ${name} alone: a .foretypeignore file says so.`,
        };
  if (use === 'context' && (ignores(rules.git, place) || /(?:^|\/)\.git\//u.test(place)))
    return {
      reason: 'gitignore',
      message: `Foretype does not show ${name} to other documents: git ignores it.`,
    };
  return undefined;
}

/**
 * The path in a URI: with slashes, and the letter of a drive small. `local` says whether a file of this machine is meant;
 * of all others, and of documents that are no files, nothing but the name can be judged here.
 */
export function pathOf(uri: string): { readonly path: string; readonly local: boolean } {
  let url;
  try {
    url = new URL(uri);
  } catch {
    return { path: uri, local: false };
  }
  const { protocol, host, pathname } = url;
  // The cells of a notebook have the path of its file, and name a remote machine where it is on one.
  const local = protocol === 'file:' || (protocol === 'vscode-notebook-cell:' && host === '');
  const path = decoded(pathname);
  if (local && host !== '') return { path: `//${host}${path.replaceAll('\\', '/')}`, local };
  const [, drive, rest] = /^\/([a-z]):(.*)$/isu.exec(path) ?? [];
  return { path: drive ? `${drive.toLowerCase()}:${rest!.replaceAll('\\', '/')}` : path, local };
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/u, '').split(/\r?\n/u);
}

function isTooMuch(line: string): boolean {
  return !line.startsWith('#') && (line.length > LONGEST || line.split('**').length - 1 > MOST_STARS);
}

function rulesOf(patterns: readonly string[]): Rules {
  // What an editor calls a path is matched as it is, however odd.
  return { patterns, matcher: ignore({ allowRelativePaths: true }).add(patterns) };
}

function ignores({ matcher }: Rules, path: string): boolean {
  return path !== '' && matcher.ignores(path);
}

/** `path` from the root of its file system, as the library wants it. */
function relative(path: string): string {
  return path.replace(/^[a-z]:(?=\/|$)/iu, '').replace(/^\/+|\/+$/gu, '');
}

/** Lines of an ignore file in `directory` as they would be at the root of the file system. */
function rebased(lines: readonly string[], directory: string): string[] {
  const root = directory === '' ? '' : `/${directory.replaceAll(/[\\*?[\]!# ]/gu, '\\$&')}`;
  return lines.flatMap((line) => {
    if (isTooMuch(line)) return [];
    const [, negation, written] = /^(!?)(.*)$/su.exec(line)!;
    // Escaped because it would stand first, where it does not stand any more.
    const pattern = written!.replace(/^\\(?=[!#])/u, '');
    if (line.startsWith('#') || /^[\s/]*$/u.test(pattern)) return [];
    // A slash anywhere but at the end ties a pattern to the directory of its file.
    const tied = pattern.trimEnd().replace(/\/$/u, '').includes('/');
    return [`${negation!}${root}/${tied ? pattern.replace(/^\//u, '') : `**/${pattern}`}`];
  });
}
