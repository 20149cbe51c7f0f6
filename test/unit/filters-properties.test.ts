/** What is true of the filters whatever the document and the candidate are. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockEnds } from '../../server/src/filters/block-end.ts';
import { extentAt } from '../../server/src/filters/extent.ts';
import { filtered } from '../../server/src/filters/filtered.ts';
import { placeAt } from '../../server/src/filters/place.ts';

const LANGUAGES = [
  'typescript',
  'typescriptreact',
  'python',
  'go',
  'c',
  'rust',
  'html',
  'vue',
  'ruby',
  'shellscript',
  'json',
  'yaml',
  'markdown',
  'unknown',
];
const PIECES = [
  'foo',
  'bar(',
  ')',
  ') {',
  '}',
  ';',
  ', ',
  ' ',
  '  ',
  '    ',
  '\t',
  '\n',
  '\n\n',
  '"',
  "'",
  '`',
  '"""',
  '${',
  '// c',
  '# c',
  '/*',
  '*/',
  'if (a) {',
  'return x;',
  'def f():',
  'end',
  '</p>',
  '<p>',
  '<|im_end|>',
  '\r\n',
  '= ',
  '0, ',
  '\u{1F600}',
  '\uD800',
];

const text = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    ),
    { maxLength: 40, size: 'max' },
  )
  .map((parts) => parts.join(''));
/** A document cut in two, and a candidate that may repeat some of either half, as models do. */
const scene = fc
  .record({
    before: text,
    after: text,
    own: text,
    language: fc.constantFrom(...LANGUAGES),
    repeats: fc.constantFrom('nothing', 'before', 'after'),
    from: fc.nat(20),
    length: fc.nat(60),
  })
  .map(({ before, after, own, language, repeats, from, length }) => {
    const repeated =
      repeats === 'before'
        ? before.slice(-from - length)
        : repeats === 'after'
          ? after.slice(from % 3, length)
          : '';
    const candidate = repeats === 'before' ? repeated + own : own + repeated;
    return { candidate, place: placeAt(before + after, before.length, language) };
  });

/** A text without what a filter may change in it: its indentation, and the kind of its line ends. */
const bare = (written: string) => written.replace(/\r\n?/gu, '\n').replace(/^[^\S\n]+/gmu, '');

describe('the filters', () => {
  it('invent nothing: what they leave stands in the candidate as it is, but for its indentation', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        const { text: left } = filtered(candidate, place);
        assert.ok(bare(candidate).includes(bare(left)), JSON.stringify({ left }));
      }),
      { numRuns: 3000 },
    );
  });

  it('find nothing more in what they left', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        const { text: left, replaces } = filtered(candidate, place);
        const again = filtered(left, place);
        assert.deepEqual({ text: again.text, replaces: again.replaces }, { text: left, replaces });
      }),
      { numRuns: 3000 },
    );
  });

  it('replace only what stands on the line, and what the text has in it', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        const { text: left, replaces } = filtered(candidate, place);
        const replaced = place.after.slice(0, replaces);
        assert.ok(replaces >= 0 && replaced.length === replaces && !replaced.includes('\n'));
        // An editor shows a text that replaces another only where it has its characters in their order.
        let at = 0;
        for (const character of replaced.replace(/\s/gu, '')) {
          at = left.indexOf(character, at) + 1;
          assert.ok(at > 0, JSON.stringify({ left, replaced }));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('say who did it where something was done, and else nothing', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        const { text: left, replaces, by } = filtered(candidate, place);
        if (by.length === 0) assert.ok(left === candidate && replaces === 0);
        assert.equal(new Set(by).size, by.length);
      }),
    );
  });

  it('show nothing that nobody sees', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        const { text: left } = filtered(candidate, place);
        assert.ok(left === '' || /\S/u.test(left));
      }),
    );
  });

  it('leave alone what is typed a key at a time, in code that has nothing wrong with it', () => {
    const document = 'function add(a: number, b: number) {\n  const sum = a + b;\n  return sum;\n}\n';
    for (let offset = 0; offset < document.length; offset++) {
      if (/\w$/u.test(document.slice(0, offset)) && /^\w/u.test(document.slice(offset))) continue;
      const rest = /^[^\n]*/u.exec(document.slice(offset))![0];
      const place = placeAt(
        document.slice(0, offset) + document.slice(offset + rest.length),
        offset,
        'typescript',
      );
      assert.equal(
        filtered(rest, place).text,
        rest.trim() === '' ? '' : rest,
        JSON.stringify(document.slice(0, offset)),
      );
    }
  });
});

describe('a place', () => {
  it('has an extent, and its blocks an end in the text, whatever stands there', () => {
    fc.assert(
      fc.property(scene, ({ candidate, place }) => {
        assert.ok(['none', 'line', 'block'].includes(extentAt(place)));
        const end = blockEnds(candidate, place);
        if (end !== undefined) assert.ok(end >= 0 && end <= candidate.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('is looked at as quickly in a document of a megabyte', () => {
    const documents = [
      ['a line of a megabyte', 'const a = [1, "two", `three`];'.repeat(35_000)],
      ['openers', '({[`${"'.repeat(150_000)],
      ['white space', ' \t'.repeat(500_000)],
      ['blank lines', '\n'.repeat(1_000_000)],
      ['quotes', '"\\'.repeat(500_000)],
      ['code', 'if (a) {\n  return b(c, "d");\n}\n'.repeat(33_000)],
    ] as const;
    for (const [name, document] of documents) {
      for (const id of ['typescript', 'python', 'c', 'html', 'markdown']) {
        const began = process.cpuUsage();
        for (let index = 0; index < 5; index++) {
          const place = placeAt(document, Math.floor(document.length / 2) + index, id);
          extentAt(place);
          filtered(`${document.slice(0, 400)}\n) return x;\n}`, place);
          blockEnds(document.slice(0, 400), place);
        }
        const { user, system } = process.cpuUsage(began);
        // A hundredth of this is what it takes; the rest is for a busy machine that compiles it first.
        assert.ok((user + system) / 5 / 1000 < 60, `${name} as ${id}: ${(user + system) / 5 / 1000} ms`);
      }
    }
  });
});
