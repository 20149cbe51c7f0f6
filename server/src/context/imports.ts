/**
 * What a document imports from files beside it, as far as that can be told from the text alone: TypeScript and JavaScript,
 * Python's relative imports and C's includes in quotes. Go and Rust name packages and modules, not files, and are left to
 * those who know the language. Of the files only the declarations are taken, since that is what code uses of them.
 */
import { linesOf, makeChunk, type Chunk } from './chunk.ts';
import { signaturesIn, type Language } from './signatures.ts';

/** The text of a document, of which no more than `bytes` are read; undefined where there is none, or it may not be read. */
export type ReadText = (uri: string, bytes: number) => Promise<string | undefined>;

/** UTF-16 code units from the start of a document in which imports stand, and how many of them are followed. */
const HEAD = 16_000;
const MOST_IMPORTS = 12;
/** Bytes that are read of an imported file. */
const MOST_BYTES = 64 * 1024;
/** Documents whose imports are remembered. */
const REMEMBERED = 32;

/** The URIs at which the imports of a document may be, one list for each import, the likeliest first. */
export function importsOf({ uri, text }: { readonly uri: string; readonly text: string }): string[][] {
  const language = languageOf(uri);
  const named = new Set(language ? SPECIFIERS[language](text.slice(0, HEAD)) : []);
  return [...named].slice(0, MOST_IMPORTS).flatMap((path) => {
    const uris = CANDIDATES[language!](path).flatMap((candidate) => resolved(candidate, uri));
    return uris.length > 0 ? [uris] : [];
  });
}

/** Follows imports through a reader, and remembers what it found until it is told that a file changed. */
export class Imports {
  readonly #read: ReadText;
  readonly #known = new Map<
    string,
    { readonly wanted: string[][]; readonly chunks: Promise<readonly Chunk[]> }
  >();

  constructor(read: ReadText) {
    this.#read = read;
  }

  /** A chunk of declarations for each import of a document that is there, in the order of the imports. Never rejects. */
  of(document: { readonly uri: string; readonly text: string }): Promise<readonly Chunk[]> {
    const wanted = importsOf(document);
    const known = this.#known.get(document.uri);
    this.#known.delete(document.uri);
    const same = known && JSON.stringify(known.wanted) === JSON.stringify(wanted);
    const entry = same ? known : { wanted, chunks: this.#follow(wanted) };
    this.#known.set(document.uri, entry);
    for (const oldest of this.#known.keys()) if (this.#known.size > REMEMBERED) this.#known.delete(oldest);
    return entry.chunks;
  }

  /** A file was written, made or deleted. */
  changed(uri: string): void {
    for (const [importer, { wanted }] of this.#known)
      if (wanted.some((uris) => uris.includes(uri))) this.#known.delete(importer);
  }

  async #follow(wanted: string[][]): Promise<readonly Chunk[]> {
    const found = await Promise.all(wanted.map((uris) => this.#first(uris)));
    return found.filter((chunk) => chunk !== undefined);
  }

  /** The first file that is there; one after the other, since nearly always it is the first one or the second. */
  async #first(uris: readonly string[]): Promise<Chunk | undefined> {
    for (const uri of uris) {
      const text = await this.#read(uri, MOST_BYTES).catch(() => undefined);
      if (text === undefined) continue;
      const lines = signaturesIn(linesOf(text), languageOf(uri)!);
      return lines.length > 0 ? makeChunk({ uri, origin: 'imported', line: 0 }, lines) : undefined;
    }
    return undefined;
  }
}

/** The paths that a text imports, relative to it, as they are written. */
const SPECIFIERS: Readonly<Record<Language, (text: string) => string[]>> = {
  // Not those without a name: they are imported for what they do.
  script: (text) =>
    [...text.matchAll(/\b(?:from|import\s*\(|require\s*\()\s*(['"])(\.{1,2}\/[^'"\n]+)\1/gu)].map(
      ([, , path]) => path!,
    ),
  python: (text) =>
    [...text.matchAll(/^[ \t]*from[ \t]+(\.+)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)/gmu)].flatMap(
      ([, dots, module, names]) => {
        const folder = dots!.length === 1 ? './' : '../'.repeat(dots!.length - 1);
        if (module) return [folder + module.replaceAll('.', '/')];
        const code = names!.replaceAll(/#[^\n]*/gu, '');
        return [...code.matchAll(/(?:^|[(,])\s*(\w+)/gu)].map(([, name]) => folder + name!);
      },
    ),
  c: (text) => [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]+"(?!\/)([^"\n]+)"/gmu)].map(([, path]) => path!),
};

const SCRIPT_ENDINGS = ['.ts', '.tsx', '.d.ts', '.js', '.jsx', '.mts', '.mjs', '.cts', '.cjs'];

/** The files that an import may mean. Nothing but code is among them, whatever the text says. */
const CANDIDATES: Readonly<Record<Language, (path: string) => string[]>> = {
  script: (path) => {
    // What is written as the file that the compiler will make is the file that it makes it of.
    const [, stem, letter] = /^(.*)\.([mc]?)jsx?$/u.exec(path) ?? [];
    if (stem !== undefined)
      return [...(letter ? [`.${letter}ts`] : ['.ts', '.tsx']), '.d.ts']
        .map((end) => stem + end)
        .concat(path);
    if (languageOf(path)) return [path];
    const index = SCRIPT_ENDINGS.slice(0, 4).map((end) => `${path.replace(/\/$/u, '')}/index${end}`);
    return path.endsWith('/') ? index : [...SCRIPT_ENDINGS.map((end) => path + end), ...index];
  },
  python: (path) => [`${path}.py`, `${path}.pyi`, `${path}/__init__.py`],
  c: (path) => (languageOf(path) === 'c' ? [path] : []),
};

const LANGUAGES: readonly [Language, RegExp][] = [
  ['script', /\.[mc]?[jt]sx?$/iu],
  ['python', /\.pyi?$/iu],
  ['c', /\.(?:[ch]|cc|cpp|cxx|hh|hpp|hxx|inc|inl)$/iu],
];

function languageOf(uri: string): Language | undefined {
  return LANGUAGES.find(([, ending]) => ending.test(uri))?.[0];
}

/** The URI of `path` seen from a document; none where that is not in a folder. */
function resolved(path: string, from: string): string[] {
  // What means something in a URI may be part of a name.
  const escaped = encodeURI(path).replaceAll('#', '%23').replaceAll('?', '%3F');
  try {
    return [new URL(escaped, from).href];
  } catch {
    return [];
  }
}
