/** Pure: a completion that repeats itself, or what stands just before it. */
import { isBlank, lineStarts, saysMuch } from './lines.ts';
import type { Site } from './place.ts';

/** Lines above the cursor that a completion may repeat. */
const ABOVE = 8;
/** Lines of the longest block whose repetition is noticed. */
const BLOCK = 16;
/** Tokens at the end of a completion, and the longest pattern in them that makes them a loop. */
const LOOPS = [
  { tokens: 10, pattern: 1 },
  { tokens: 30, pattern: 10 },
  { tokens: 45, pattern: 20 },
  { tokens: 60, pattern: 30 },
] as const;
/** A rule of dashes is one token, however long. */
const TOKEN = /[\p{L}\p{N}_]+|([^\s\p{L}\p{N}_])\1*/gu;

/** `text` without the cursor's line at its beginning: models write it again that expect to begin a line. */
export function withoutEcho(text: string, { head, literal }: Site): string {
  const line = head.trim();
  const telling = line.length >= 6 && /[\p{L}\p{N}_].*[\s(=.,]/u.test(line);
  const written = text.replace(/^[^\S\n]+/u, '');
  if (!telling || literal?.kind === 'comment' || !written.startsWith(line)) return text;
  const rest = written.slice(line.length);
  return /\s$/u.test(head) ? rest.replace(/^[^\S\n]+/u, '') : rest;
}

/** Nothing where `text` is the lines above the cursor once more. */
export function withoutLinesAbove(text: string, { above, head }: Site): string {
  const lines = filled((head + text).split('\n'));
  const before = filled(above.slice(-4 * ABOVE)).slice(-ABOVE);
  // Once more what stands there twice already is what the document does.
  if (before.length > 1 && before.at(-1)!.trim() === before.at(-2)!.trim()) return text;
  for (let count = Math.min(before.length, lines.length); count > 0; count--) {
    const repeated = before.slice(-count);
    if (!repeated.every((line, index) => line.trim() === lines[index]!.trim())) continue;
    const telling = repeated.filter((line) => saysMuch(line) && line.trim().length >= 12).length;
    if (count === lines.length ? telling > 0 : telling >= 2) return '';
  }
  return text;
}

function filled(lines: readonly string[]): string[] {
  return lines.filter((line) => !isBlank(line));
}

/** `text` up to the second time that it writes the same lines one after the other. */
export function withoutRepeatedLines(text: string): string {
  const starts = lineStarts(text);
  const lines = text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), start: starts[index]! }))
    .filter(({ line }) => line !== '');
  for (let size = 1; 2 * size <= lines.length && size <= BLOCK; size++) {
    /** How many lines in a row were the same as those a block before. */
    let same = 0;
    for (let at = size; at <= lines.length; at++) {
      const line = lines[at]?.line;
      // The last line may be cut short.
      const before = lines[at - size]!.line;
      if (line !== undefined && (at === lines.length - 1 ? before.startsWith(line) : before === line)) {
        same++;
        continue;
      }
      const first = at - same - size;
      if (same >= size && loops(lines.slice(first, first + size), same, at === lines.length)) {
        return text.slice(0, lines[first + size]!.start - 1).trimEnd();
      }
      same = 0;
    }
  }
  return text;
}

/**
 * Whether a block that is followed by `same` lines of its own is a loop. Twice the same line is code; three times is none,
 * and neither is a block of lines that the text ends in repeating.
 */
function loops(block: readonly { readonly line: string }[], same: number, toTheEnd: boolean): boolean {
  if (!block.some(({ line }) => saysMuch(line))) return false;
  return same >= 2 * block.length || (block.length >= 3 && toTheEnd);
}

/** `text` up to the second time of the pattern that it ends in, where that is a loop and the document has none such. */
export function withoutLoop(text: string, { near }: Site): string {
  const found = [...text.matchAll(TOKEN)];
  const tokens = found.map(([token]) => token);
  for (const { tokens: needed, pattern } of LOOPS) {
    if (tokens.length < needed) continue;
    const period = periodOf(tokens.slice(-needed));
    if (period > pattern) continue;
    let start = tokens.length - needed;
    while (start > 0 && tokens[start - 1] === tokens[start - 1 + period]) start--;
    if (endsIn(near, tokens.slice(start, start + period))) return text;
    const last = found[start + period - 1]!;
    return text.slice(0, last.index + last[0].length);
  }
  return text;
}

/** Names in a row that are joined to a path. */
const PATH = /[\p{L}_$][\p{L}\p{N}_$]*(?:(?:\?\.|\.|::|->)[\p{L}_$][\p{L}\p{N}_$]*){2,}/gu;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
/** How many names may be a pattern, and how often it is written where that is none. */
const NAMES = 3;
const TIMES = 3;
/** Letters that are written four times in a row within a word. */
const SYLLABLES = /(\p{L}{3,}?)\1{3,}/u;

/** `text` up to the second time of what small models stutter in a path or a word, wherever that is; no code has such. */
export function withoutStutter(text: string): string {
  const word = SYLLABLES.exec(text);
  const ends = [...text.matchAll(PATH)].flatMap((path) => endOfFirst(path[0]).map((end) => path.index + end));
  if (word) ends.push(word.index + word[1]!.length);
  return text.slice(0, Math.min(text.length, ...ends));
}

/** Where the first time ends of a pattern of names that a path repeats; none where it repeats none. */
function endOfFirst(path: string): number[] {
  const names = [...path.matchAll(NAME)];
  for (let start = 0; start < names.length; start++) {
    for (let size = 1; size <= NAMES && start + size * TIMES <= names.length; size++) {
      const repeats = names
        .slice(start + size, start + size * TIMES)
        .every(([name], index) => name === names[start + index]![0]);
      const last = names[start + size - 1]!;
      if (repeats) return [last.index + last[0].length];
    }
  }
  return [];
}

/** The length of the shortest pattern whose repetition `tokens` are, by Knuth, Morris and Pratt's failure function. */
function periodOf(tokens: readonly string[]): number {
  const borders = [0];
  for (let at = 1, border = 0; at < tokens.length; at++) {
    while (border > 0 && tokens[at] !== tokens[border]) border = borders[border - 1]!;
    if (tokens[at] === tokens[border]) border++;
    borders.push(border);
  }
  return tokens.length - borders.at(-1)!;
}

/** Whether the text before the cursor ends in the pattern already, wherever that begins in it. */
function endsIn(near: string, pattern: readonly string[]): boolean {
  const before = [...near.slice(-600).matchAll(TOKEN)].map(([token]) => token).slice(-pattern.length);
  const twice = ` ${[...pattern, ...pattern].join(' ')} `;
  return before.length === pattern.length && twice.includes(` ${before.join(' ')} `);
}
