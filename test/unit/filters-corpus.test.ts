/**
 * The price of the filters: how often they spoil what was right. Lines, holes and blocks are taken out of files of ours and
 * of packages that we stand on, and given back as the candidate; nearly all must be left as they are. What comes after the
 * right end, written again, must go.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { describe, it } from 'node:test';
import { blockEnds } from '../../server/src/filters/block-end.ts';
import { filtered } from '../../server/src/filters/filtered.ts';
import { placeAt, siteOf } from '../../server/src/filters/place.ts';

const root = join(import.meta.dirname, '../..');
const LANGUAGES: Readonly<Record<string, string>> = {
  '.ts': 'typescript',
  '.js': 'javascript',
  '.py': 'python',
  '.json': 'json',
  '.md': 'markdown',
  '.yml': 'yaml',
};
const FOLDERS = [
  'server/src',
  'models/training',
  'node_modules/fastify/lib',
  'node_modules/fastify/docs/Reference',
  'node_modules/undici/lib/dispatcher',
  'node_modules/undici/types',
  'node_modules/mocha/lib',
  'node_modules/vscode-languageserver/lib/common',
  'node_modules/fast-check',
];
/** Places in each file. */
const PLACES = 10;

interface Hole {
  readonly file: string;
  readonly language: string;
  readonly before: string;
  readonly missing: string;
  readonly after: string;
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder))
    .sort()
    .filter((name) => LANGUAGES[extname(name)] !== undefined)
    .slice(0, 24)
    .map((name) => join(folder, name)),
);

/** The same numbers each time, by a linear congruential generator. */
function* numbers(): Generator<number, never> {
  for (let seed = 1; ; seed = (seed * 1_664_525 + 1_013_904_223) >>> 0) yield seed / 2 ** 32;
}

/** Lines of all files, with a number to choose a column by. */
function* chosen() {
  const chance = numbers();
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');
    const starts = [0, ...[...text.matchAll(/\n/gu)].map(({ index }) => index + 1)];
    for (let index = 0; index < PLACES; index++) {
      const start = starts[Math.floor(chance.next().value * starts.length)]!;
      const [line] = /[^\n]*/u.exec(text.slice(start))!;
      const common = { file, language: LANGUAGES[extname(file)]!, text, start, line: line.trimEnd() };
      if (line.length < 400 && line.trim() !== '') yield { ...common, chance: () => chance.next().value };
    }
  }
}

/** Columns of a line at which nobody would stand in the middle of a word. */
function columns(line: string): number[] {
  const first = line.search(/\S/u);
  const all = Array.from({ length: line.length - first }, (_, index) => first + index);
  return all.filter((column) => !/^\w\w$/u.test(line.slice(column - 1, column + 1)));
}

function hole(text: string, from: number, to: number): Pick<Hole, 'before' | 'missing' | 'after'> {
  return { before: text.slice(0, from), missing: text.slice(from, to), after: text.slice(to) };
}

const LINES = [...chosen()];

function restsOfLines(): Hole[] {
  return LINES.map(({ file, language, text, start, line, chance }) => {
    const choices = columns(line);
    const column = choices[Math.floor(chance() * choices.length)] ?? 0;
    return { file, language, ...hole(text, start + column, start + line.length) };
  });
}

function nextLines(): Hole[] {
  return LINES.flatMap(({ file, language, text, start, line }) => {
    const next = /^\s*\n\s*\S[^\n]*/u.exec(text.slice(start + line.length))?.[0].trimEnd();
    return next === undefined
      ? []
      : [{ file, language, ...hole(text, start + line.length, start + line.length + next.length) }];
  });
}

function blocks(): Hole[] {
  return LINES.flatMap(({ file, language, text, start, line }) => {
    const from = start + line.length;
    if (!/[{:]$/u.test(line) || /^\s*(?:\*|\/\/|#|")/u.test(line) || language === 'markdown') return [];
    const place = placeAt(text, from, language);
    const length = siteOf(place).literal ? undefined : blockEnds(text.slice(from, from + 4000), place, 60);
    return length ? [{ file, language, ...hole(text, from, from + length) }] : [];
  });
}

const place = ({ before, after, language }: Hole) => placeAt(before + after, before.length, language);
/** A comment that is only begun is no completion. */
const isWorthless = ({ missing }: Hole) => /^\s*(?:\/\/|#)?\s*$/u.test(missing);

/** How many of the holes are spoilt, and the first of them. */
function spoilt(holes: readonly Hole[]): { count: number; examples: string } {
  const wrong = holes.filter((one) => filtered(one.missing, place(one)).text !== one.missing.trimEnd());
  const examples = wrong.slice(0, 5).map(({ file, missing }) => `${file}: ${JSON.stringify(missing)}`);
  return { count: wrong.length, examples: examples.join('\n') };
}

describe('what was right', () => {
  for (const [name, made, least] of [
    ['the rest of a line', restsOfLines, 700],
    ['the next line', nextLines, 700],
    ['a block', blocks, 100],
  ] as const) {
    it(`stays in 99 of 100 places: ${name}`, () => {
      const holes = made().filter((one) => !isWorthless(one));
      assert.ok(holes.length >= least, `There are only ${holes.length}.`);
      const { count, examples } = spoilt(holes);
      assert.ok(count <= holes.length / 100, `${count} of ${holes.length} were spoilt:\n${examples}`);
    });
  }

  it('would not stay if the filters were blind', () => {
    // With the text after the cursor still there, the same candidates are all repetitions.
    const holes = restsOfLines().filter((one) => /\w\W+\w/u.test(one.missing));
    const shown = holes.filter((one) => {
      const { before, missing, after, language } = one;
      return (
        filtered(missing, placeAt(before + missing + after, before.length, language)).text.trim() ===
        missing.trim()
      );
    });
    assert.ok(shown.length < holes.length / 20, `${shown.length} of ${holes.length} were shown.`);
  });
});

describe('what was written once too often', () => {
  it('goes in 99 of 100 places: the lines below', () => {
    const holes = restsOfLines().filter(
      (one) => !isWorthless(one) && siteOf(place(one)).literal?.kind !== 'comment',
    );
    const telling = holes.filter(({ after }) => /^\n(?:.*\w{4}.*\n){2}/u.test(after));
    const wrong = telling.filter((one) => {
      const below = /^\n[^\n]*\n[^\n]*/u.exec(one.after)![0];
      return filtered(one.missing + below, place(one)).text !== one.missing.trimEnd();
    });
    assert.ok(telling.length > 300, `There are only ${telling.length}.`);
    const examples = wrong.slice(0, 5).map(({ file, missing }) => `${file}: ${JSON.stringify(missing)}`);
    assert.ok(
      wrong.length <= telling.length / 100,
      `${wrong.length} of ${telling.length}:\n${examples.join('\n')}`,
    );
  });
});
