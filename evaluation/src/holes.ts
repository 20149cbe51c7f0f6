/** Pure: places in real files where a text is taken out and asked for again. */
import type { HeldOutFile } from './heldout.ts';
import { evenly, pick, type Random } from './random.ts';

/**
 * Where a hole begins. The first four end with their line: `indent` after the indentation, `boundary` behind a dot, a
 * parenthesis or a blank, `word` inside a word, `other` anywhere else. A `block` takes 2 to 6 whole lines, from behind
 * the first one's indentation.
 */
export type HoleKind = 'indent' | 'boundary' | 'word' | 'other' | 'block';
export const LINE_KINDS = ['indent', 'boundary', 'word', 'other'] as const satisfies readonly HoleKind[];

export interface Hole {
  readonly file: HeldOutFile;
  readonly kind: HoleKind;
  /** What is taken out: `[from, to)` of the file's text. */
  readonly from: number;
  readonly to: number;
}

/** What stood in the hole. */
export const goldOf = ({ file, from, to }: Hole) => file.text.slice(from, to);
/** The file with the hole in it. */
export const placeOf = ({ file, from, to }: Hole) => ({
  text: file.text.slice(0, from) + file.text.slice(to),
  offset: from,
});

/** Fewest characters of a hole that are not white space. */
const LEAST = 3;
const LEAST_OF_BLOCK = 10;
/** The most characters of a block, so that it can be written within one limit of tokens. */
const BLOCK = 400;

/**
 * `count` holes that end with their line: a third each after the indentation, at a boundary and anywhere. No line is
 * taken twice; every line of the files is equally likely. Fewer where the files hold no more.
 */
export function lineHoles(files: readonly HeldOutFile[], count: number, random: Random): Hole[] {
  return draw(files, count, random, ({ file, start, end }, turn) => {
    const line = file.text.slice(start, end);
    const indent = line.search(/\S/u);
    if (indent === -1) return undefined;
    const solid = line.trimEnd();
    const places: number[] = [];
    for (let at = indent; at < solid.length; at++) {
      if (line.slice(at).replaceAll(/\s/gu, '').length >= LEAST) places.push(at);
    }
    const fits = [
      (at: number) => at === indent,
      (at: number) => at > indent && /[.( ]/u.test(line[at - 1]!),
      (at: number) => at > indent && !isLowSurrogate(line.charCodeAt(at)),
    ][turn % 3]!;
    const eligible = places.filter(fits);
    if (eligible.length === 0) return undefined;
    const at = pick(eligible, random);
    const anywhere = /[\w$]{2}/u.test(line.slice(at - 1, at + 1)) ? 'word' : 'other';
    const kind = (['indent', 'boundary', anywhere] as const)[turn % 3]!;
    return { file, kind, from: start + at, to: end };
  });
}

/** `count` holes of 2 to 6 lines, none of which is indented less than the first. */
export function blockHoles(files: readonly HeldOutFile[], count: number, random: Random): Hole[] {
  return draw(files, count, random, ({ file, start }) => {
    // Twice the most, so that a line that is cut here makes the block too long.
    const lines = file.text
      .slice(start, start + 2 * BLOCK)
      .split('\n')
      .slice(0, 2 + Math.floor(random() * 5));
    const indents = lines.map((line) => line.search(/\S/u));
    const [indent] = indents;
    if (lines.length < 2 || indent === -1 || indents.at(-1) === -1) return undefined;
    if (indents.some((other) => other !== -1 && other < indent!)) return undefined;
    const from = start + indent!;
    const to = start + lines.join('\n').length;
    const solid = file.text.slice(from, to).replaceAll(/\s/gu, '').length;
    if (solid < LEAST_OF_BLOCK || to - from > BLOCK) return undefined;
    return { file, kind: 'block', from, to };
  });
}

/** `count` holes, as many from each package as from any other, drawn with a chance of its own each. */
export function overPackages(
  packages: readonly { readonly name: string; readonly files: readonly HeldOutFile[] }[],
  count: number,
  chanceOf: (name: string) => Random,
  drawn: typeof lineHoles,
): Hole[] {
  const counts = evenly(count, packages.length);
  return packages.flatMap(({ name, files }, index) => drawn(files, counts[index]!, chanceOf(name)));
}

interface Line {
  readonly file: HeldOutFile;
  readonly start: number;
  readonly end: number;
}

/** Tries lines by lot until there are `count` holes, or until that many tries show that there are no more. */
function draw(
  files: readonly HeldOutFile[],
  count: number,
  random: Random,
  holeAt: (line: Line, turn: number) => Hole | undefined,
): Hole[] {
  const lines = files.flatMap(linesOf);
  const holes: Hole[] = [];
  const taken = new Set<Line>();
  for (let tries = 0; tries < 200 * count && holes.length < count && lines.length > 0; tries++) {
    const line = pick(lines, random);
    const hole = taken.has(line) ? undefined : holeAt(line, holes.length);
    if (!hole) continue;
    taken.add(line);
    holes.push(hole);
  }
  return holes;
}

function linesOf(file: HeldOutFile): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < file.text.length;) {
    const end = file.text.indexOf('\n', start);
    lines.push({ file, start, end });
    start = end + 1;
  }
  return lines;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
