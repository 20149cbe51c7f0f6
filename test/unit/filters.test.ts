/** What the filters do, case by case; the cases are in `filters/*.golden`, see the README there. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { filtered, FILTERS } from '../../server/src/filters/filtered.ts';
import { lossesOf } from '../../server/src/filters/reasons.ts';
import { placeAt, type Place } from '../../server/src/filters/place.ts';

interface Case {
  readonly name: string;
  readonly place: Place;
  readonly candidate: string;
  readonly expected: { readonly text: string; readonly replaces: number; readonly by: readonly string[] };
}

const FOLDER = join(import.meta.dirname, 'filters');
const CURSOR = '▮';
const HIDDEN = { '⇥': '\t', '␣': ' ', '␍': '\r' } as const;

function casesIn(file: string): Case[] {
  return readFileSync(join(FOLDER, file), 'utf8')
    .split(/^== /mu)
    .slice(1)
    .map((part) => caseOf(part.replace(/\n$/u, ''), file));
}

function caseOf(part: string, file: string): Case {
  const parts =
    /^(\S+) · ([^\n]+)\n([^]*?)\n-- candidate\n([^]*?)\n-- (shown|nothing)([^\n]*)(?:\n([^]*))?$/u.exec(part);
  assert.ok(parts, `${file} has a case that cannot be read: ${part}`);
  const [, language, name, document, candidate, verdict, how, shown = ''] = parts.map(
    (text: string | undefined) => text?.replace(/[⇥␣␍]/gu, (mark) => HIDDEN[mark as keyof typeof HIDDEN]),
  );
  const offset = document!.indexOf(CURSOR);
  assert.ok(offset >= 0, `${name!} has no cursor.`);
  const [, by, replaces = '0'] = /^(?: by (.*?))?(?: replacing (\d+))?$/u.exec(how!) ?? [];
  assert.equal(
    verdict === 'nothing',
    parts[7] === undefined,
    `${name!} says what is shown of nothing, or does not say it.`,
  );
  return {
    name: name!,
    place: placeAt(document!.replace(CURSOR, ''), offset, language!),
    candidate: candidate!,
    expected: { text: shown, replaces: Number(replaces), by: by?.split(', ') ?? [] },
  };
}

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.golden'));
const cases = new Map(files.map((file) => [file.replace('.golden', ''), casesIn(file)]));

for (const [filter, list] of cases) {
  describe(`the filter ${filter}`, () => {
    for (const { name, place, candidate, expected } of list) {
      it(name, () => assert.deepEqual(filtered(candidate, place), expected));
    }
  });
}

describe('the golden files', () => {
  const all = [...cases.values()].flat();

  it('are one for each filter', () => {
    assert.deepEqual([...cases.keys()].sort(), FILTERS.map(({ name }) => name).sort());
  });

  for (const { name } of FILTERS) {
    it(`show what ${name} is for and what it leaves alone`, () => {
      const list = cases.get(name)!;
      const apply = (others: typeof list) => others.filter(({ expected }) => expected.by.includes(name));
      assert.ok(apply(list).length > 0 || name === 'blank');
      assert.ok(list.some(({ expected }) => expected.by.length === 0));
    });

    it(`would fail without ${name}`, () => {
      const others = FILTERS.filter((filter) => filter.name !== name);
      const failing = cases.get(name)!.filter(({ place, candidate, expected }) => {
        const { text, replaces } = filtered(candidate, place, others);
        return text !== expected.text || replaces !== expected.replaces;
      });
      assert.ok(failing.length > 0);
    });
  }

  it('say in one sentence each what they took, and the last of them where nothing is left', () => {
    for (const { name, place, candidate, expected } of all) {
      const losses = lossesOf(filtered(candidate, place));
      const dropped = expected.text === '';
      assert.equal(losses.length, dropped ? Math.min(1, expected.by.length) : expected.by.length, name);
      const sentence = dropped ? /^It is not shown: [^.]+\.$/ : /^Not all of it is shown: [^.]+\.$/;
      for (const loss of losses) assert.match(loss, sentence);
    }
  });

  it('go on with no word that the editor’s own list has whole', () => {
    const shown = (before: string, candidate: string, wholeWord: boolean) =>
      filtered(candidate, { ...placeAt(before, before.length, 'typescript'), wholeWord }).text;
    assert.equal(shown('confirm', 'ed = true;', true), '');
    assert.equal(shown('confirm', 'ed = true;', false), 'ed = true;');
    assert.equal(shown('confirm', '(text);', true), '(text);');
    assert.equal(shown('a.', 'forEach(one);', true), 'forEach(one);');
  });

  it('would fail with another expectation', () => {
    for (const { place, candidate, expected } of all) {
      const found = filtered(candidate, place);
      assert.notDeepEqual(found, { ...expected, text: `${expected.text} ` });
      assert.notDeepEqual(found, { ...expected, replaces: expected.replaces + 1 });
    }
  });

  it('show what is left alone when it is filtered again', () => {
    for (const { name, place, candidate } of all) {
      const { text, replaces } = filtered(candidate, place);
      const again = filtered(text, place);
      assert.deepEqual({ text: again.text, replaces: again.replaces }, { text, replaces }, name);
    }
  });

  it('are of use in a document of a megabyte as they are alone', () => {
    const line = 'const value = compute(first, second);\n';
    for (const { name, place, candidate, expected } of cases.get('suffix')!) {
      if (!/^(?:java|type)script$/u.test(place.language)) continue;
      const before = line.repeat(14_000) + '\n' + place.before;
      const large = placeAt(
        `${before}${place.after}\n\n${line.repeat(14_000)}`,
        before.length,
        place.language,
      );
      assert.deepEqual(filtered(candidate, large), expected, name);
    }
  });
});
