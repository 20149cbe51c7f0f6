/** The evaluation's samples: the same everywhere, in the places they claim to be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeldOutFile } from '../../evaluation/src/heldout.ts';
import { blockHoles, goldOf, lineHoles, overPackages, placeOf } from '../../evaluation/src/holes.ts';
import { passagesOf, windowsOver } from '../../evaluation/src/passages.ts';
import { projectsOf, testsOf } from '../../evaluation/src/projects.ts';
import { chance, evenly, pick, shuffled } from '../../evaluation/src/random.ts';

const body = (name: string) =>
  Array.from(
    { length: 60 },
    (_, line) =>
      `export function ${name}${line}(value: number): number {\n\n  if (value > ${line}) {\n    return this.parts.get(value)!.size;\n  }\n  return 0;\n}\n`,
  ).join('');
const file = (path: string, split: HeldOutFile['split'] = 'test'): HeldOutFile => ({
  package: 'p',
  path,
  split,
  text: body(path),
});
const FILES = [file('a'), file('b')];

describe('chance', () => {
  it('is the same for the same label, and another for any other', () => {
    const draw = (label: string) => Array.from({ length: 5 }, chance(label));
    assert.deepEqual(draw('holes'), draw('holes'));
    assert.notDeepEqual(draw('holes'), draw('holes '));
    // What the same formulas give in Python, so that a slip with 32 bits shows.
    assert.deepEqual(
      draw('').map((number) => number.toFixed(6)),
      ['0.611244', '0.493524', '0.774025', '0.412286', '0.812266'],
    );
  });
  it('is spread evenly', () => {
    const random = chance('spread');
    const counts = Array.from({ length: 8 }, () => 0);
    for (let draw = 0; draw < 8000; draw++) counts[Math.floor(random() * 8)]!++;
    assert.ok(Math.min(...counts) > 880 && Math.max(...counts) < 1120, counts.join());
  });
  it('picks and shuffles without loss', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    assert.deepEqual(shuffled(items, chance('s')).sort(), items);
    assert.notDeepEqual(shuffled(items, chance('s')), items);
    assert.throws(() => pick([], chance('s')), RangeError);
  });
  it('shares evenly', () => {
    assert.deepEqual(evenly(10, 4), [3, 3, 2, 2]);
    assert.deepEqual(evenly(2, 3), [1, 1, 0]);
  });
});

describe('lineHoles', () => {
  const holes = lineHoles(FILES, 120, chance('lines'));
  it('end with their line and hold three characters that are not blank', () => {
    assert.equal(holes.length, 120);
    for (const hole of holes) {
      assert.equal(hole.file.text[hole.to], '\n');
      assert.doesNotMatch(goldOf(hole), /\n/u);
      assert.ok(goldOf(hole).replaceAll(/\s/gu, '').length >= 3);
      const { text, offset } = placeOf(hole);
      assert.equal(text.slice(0, offset) + goldOf(hole) + text.slice(offset), hole.file.text);
    }
  });
  it('begin where their kind says, a third of each', () => {
    const before = {
      indent: /(^|\n)[ \t]*$/u,
      boundary: /[.( ]$/u,
      word: /[\w$]$/u,
      other: /./u,
      block: /never/u,
    };
    for (const {
      file: { text },
      kind,
      from,
    } of holes)
      assert.match(text.slice(0, from), before[kind]);
    const of = (...kinds: string[]) => holes.filter(({ kind }) => kinds.includes(kind)).length;
    assert.deepEqual([of('indent'), of('boundary'), of('word', 'other')], [40, 40, 40]);
    assert.ok(of('word') > 0 && of('other') > 0);
  });
  it('take no line twice, and no more than there are', () => {
    const lines = holes.map(
      ({ file: { path, text }, from }) => `${path} ${text.lastIndexOf('\n', from - 1)}`,
    );
    assert.equal(new Set(lines).size, lines.length);
    assert.equal(lineHoles([{ ...FILES[0]!, text: '\nabc\n}\n' }], 9, chance('few')).length, 1);
    assert.deepEqual(lineHoles([], 9, chance('none')), []);
  });
  it('are the same again', () => assert.deepEqual(lineHoles(FILES, 120, chance('lines')), holes));
});

describe('blockHoles', () => {
  const holes = blockHoles(FILES, 60, chance('blocks'));
  it('are two to six whole lines, none indented less than the first', () => {
    assert.equal(holes.length, 60);
    const counts = new Set<number>();
    for (const hole of holes) {
      const { text } = hole.file;
      assert.match(text.slice(0, hole.from), /(^|\n)[ \t]*$/u);
      assert.equal(text[hole.to], '\n');
      const indent = hole.from - (text.lastIndexOf('\n', hole.from - 1) + 1);
      const [, ...rest] = goldOf(hole).split('\n');
      counts.add(1 + rest.length);
      assert.ok(goldOf(hole).length <= 400);
      for (const line of rest) assert.ok(line.trim() === '' || line.search(/\S/u) >= indent, goldOf(hole));
    }
    assert.deepEqual([...counts].sort(), [2, 3, 4, 5, 6]);
  });
});

describe('overPackages', () => {
  it('takes as many from each package', () => {
    const packages = [
      { name: 'p', files: [file('a')] },
      { name: 'q', files: [{ ...file('b'), package: 'q' }] },
    ];
    const holes = overPackages(packages, 31, chance, lineHoles);
    assert.deepEqual(
      ['p', 'q'].map((name) => holes.filter((hole) => hole.file.package === name).length),
      [16, 15],
    );
  });
});

describe('passagesOf', () => {
  it('are pieces of files with what stands before them, and never overlap', () => {
    const all = passagesOf(FILES, Infinity, chance('p'));
    assert.equal(
      all.reduce((sum, { text }) => sum + text.length, 0),
      FILES[0]!.text.length * 2,
    );
    for (const { before, text } of all) {
      assert.ok(FILES.some((whole) => whole.text.startsWith(before + text)));
      assert.ok(before === '' || text.startsWith('\n'));
      assert.ok(text.length <= 3000);
    }
  });
  it('stop when there are enough bytes', () => {
    const some = passagesOf(FILES, 5000, chance('p'));
    const sizes = some.map(({ text }) => text.length);
    const sum = sizes.reduce((total, size) => total + size, 0);
    assert.ok(sum >= 5000 && sum - sizes.at(-1)! < 5000, sizes.join());
    assert.deepEqual(some, passagesOf(FILES, Infinity, chance('p')).slice(0, some.length));
  });
});

describe('windowsOver', () => {
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  for (const [before, text] of [
    [0, 1000],
    [5, 1000],
    [700, 1000],
    [700, 3],
    [0, 1],
  ] as const) {
    it(`${text} tokens after ${before}: each once, with half a window behind it or all there is`, () => {
      const windows = windowsOver(-1, numbers(0, before), numbers(before, before + text), 64);
      assert.deepEqual(
        windows.flatMap(({ tokens }) => tokens),
        numbers(before, before + text),
      );
      for (const { context, tokens } of windows) {
        const [start, ...behind] = context;
        assert.equal(start, -1);
        assert.ok(context.length + tokens.length <= 64);
        assert.deepEqual(behind, numbers(tokens[0]! - behind.length, tokens[0]!));
        assert.ok(behind.length === Math.min(32, tokens[0]!), String(behind.length));
      }
    });
  }
});

describe('projects', () => {
  const held = (name: string) => ({ name, version: '1', files: [file('a'), file('b', 'train')] });
  const packages = ['@lumino/widgets', '@tanstack/router-core', 'hls.js', 'pdf-lib'].map(held);
  it('an adapter belongs to the package with its words', () => {
    const names = ['lumino', 'hls', 'router', 'pdf-lib', 'tanstack-router'].map((name) => ({ name }));
    assert.deepEqual(
      projectsOf(names, packages).map((project) => `${project.adapter}: ${project.package.name}`),
      [
        'lumino: @lumino/widgets',
        'hls: hls.js',
        'router: @tanstack/router-core',
        'pdf-lib: pdf-lib',
        'tanstack-router: @tanstack/router-core',
      ],
    );
  });
  it('an adapter for another project is left out', () =>
    assert.deepEqual(projectsOf([{ name: 'other' }], packages), []));
  it('tests are what nothing has learnt from', () =>
    assert.ok(testsOf(packages).every(({ files }) => files.length === 1 && files[0]!.split === 'test')));
});
