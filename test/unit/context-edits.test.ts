import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { editedChunks, withEdit, withoutEditsIn, type Edits } from '../../server/src/context/edits.ts';

/** A document and what becomes of the edits as it is changed. */
class Writer {
  edits: Edits = [];
  readonly #texts = new Map<string, string>();

  open(uri: string, lines: readonly string[]): void {
    this.#texts.set(uri, lines.join('\n'));
  }

  change(uri: string, from: number, count: number, ...lines: string[]): void {
    const before = this.text(uri);
    const now = before.split('\n');
    now.splice(from, count, ...lines);
    this.#texts.set(uri, now.join('\n'));
    this.edits = withEdit(this.edits, { uri, before, after: this.text(uri) });
  }

  text(uri: string): string {
    return this.#texts.get(uri)!;
  }

  get hunks(): string[] {
    return this.edits.map(
      ({ uri, line, removed, added }) => `${uri}${line} -${removed.join()} +${added.join()}`,
    );
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`);

function writer(...open: string[]): Writer {
  const made = new Writer();
  for (const uri of open) made.open(uri, numbered(60));
  return made;
}

describe('edits', () => {
  it('are a hunk for each place, the newest last', () => {
    const w = writer('a', 'b');
    w.change('a', 10, 1, 'ten');
    w.change('b', 5, 0, 'new');
    w.change('a', 30, 2);
    assert.deepEqual(w.hunks, ['a10 -line 10 +ten', 'b5 - +new', 'a30 -line 30,line 31 +']);
    w.change('a', 10, 1, 'TEN');
    assert.deepEqual(w.hunks, ['b5 - +new', 'a30 -line 30,line 31 +', 'a10 -line 10 +TEN']);
  });

  it('are one hunk where they are near each other', () => {
    const w = writer('a');
    w.change('a', 10, 1, 'ten');
    w.change('a', 13, 1, 'thirteen');
    assert.deepEqual(w.hunks, ['a10 -line 10,line 11,line 12,line 13 +ten,line 11,line 12,thirteen']);
    w.change('a', 17, 1, 'apart');
    assert.equal(w.hunks.length, 2);
  });

  it('grow with what is typed and vanish with undo', () => {
    const w = writer('a');
    for (const typed of ['c', 'co', 'con', 'const']) w.change('a', 20, typed === 'c' ? 0 : 1, typed);
    assert.deepEqual(w.hunks, ['a20 - +const']);
    w.change('a', 20, 1);
    assert.deepEqual(w.hunks, []);
  });

  it('move with the lines above them', () => {
    const w = writer('a');
    w.change('a', 40, 1, 'forty');
    w.change('a', 10, 0, 'one', 'two', 'three');
    w.change('a', 20, 1);
    assert.deepEqual(w.hunks, ['a42 -line 40 +forty', 'a10 - +one,two,three', 'a20 -line 17 +']);
  });

  it('are no pastes of whole texts, which do not take others with them', () => {
    const w = writer('a', 'b');
    w.change('a', 5, 1, 'five');
    w.change('a', 50, 1, 'fifty');
    w.change('b', 30, 20, ...numbered(40).map((line) => `pasted ${line}`));
    w.change('a', 8, 0, ...numbered(17));
    assert.deepEqual(w.hunks, ['a5 -line 5 +five', 'a67 -line 50 +fifty']);
    // It went over what was there.
    w.change('a', 0, 60, ...numbered(60).map((line) => `pasted ${line}`));
    assert.deepEqual(w.hunks, ['a67 -line 50 +fifty']);
  });

  it('are split where they grow too long for one', () => {
    const w = writer('a');
    for (let line = 10; line < 40; line++) w.change('a', line, 0, `written ${line}`);
    assert.ok(w.hunks.length > 1);
    assert.ok(w.edits.every(({ added }) => added.length <= 16));
    const written = w.edits.flatMap(({ added }) => added);
    assert.equal(new Set(written).size, 30);
  });

  it('are bounded, and forgotten by halves', () => {
    const made = new Writer();
    made.open('a', numbered(400));
    let front: string | undefined;
    let changes = 0;
    for (let at = 0; at < 60; at++) {
      made.change('a', at * 6, 1, `edit ${at}`);
      assert.ok(made.edits.length <= 16);
      if (made.hunks[0] !== front) changes++;
      front = made.hunks[0];
    }
    assert.equal(made.edits.at(-1)!.added[0], 'edit 59');
    assert.ok(changes <= 7, `The front changed ${changes} times.`);
  });

  it('are given up in documents that are gone, or too large to compare', () => {
    const w = writer('a', 'b');
    w.change('a', 5, 1, 'five');
    w.change('b', 5, 1, 'five');
    assert.deepEqual(
      withoutEditsIn(w.edits, (uri) => uri === 'a').map(({ uri }) => uri),
      ['b'],
    );
    w.change('b', 20, 1, 'x'.repeat(600_000));
    assert.deepEqual(w.hunks, ['a5 -line 5 +five']);
  });

  it('do not mind how lines end, nor what is equal', () => {
    assert.deepEqual(withEdit([], { uri: 'a', before: 'a\nb', after: 'a\r\nb' }), []);
    const edits = withEdit([], { uri: 'a', before: 'a\r\nb\r\nc', after: 'a\r\nB\r\nc' });
    assert.deepEqual(edits[0]?.added, ['B']);
    assert.equal(withEdit(edits, { uri: 'a', before: 'x', after: 'x' }), edits);
  });

  it('are shown as the text that is there now, with a line on each side', () => {
    const w = writer('a');
    w.change('a', 10, 1, 'ten', 'and a half');
    w.change('a', 30, 1);
    w.change('a', 40, 1, '');
    w.change('a', 50, 1, 'x'.repeat(500));
    w.change('a', 0, 1, 'first');
    assert.deepEqual(
      editedChunks(w.edits).map(({ text, origin }) => [text, origin]),
      [
        ['line 9\nten\nand a half\nline 11\n', 'edited'],
        ['first\nline 1\n', 'edited'],
      ],
    );
  });

  const steps = (most: number) =>
    fc.record({
      uri: fc.constantFrom('a', 'b'),
      from: fc.nat(30),
      count: fc.nat(most),
      // Few different lines, so that much is alike.
      lines: fc.array(fc.constantFrom('', 'x', 'y', 'z'), { maxLength: most }),
    });

  it('always know what is there, whatever is done', () => {
    fc.assert(
      fc.property(fc.array(steps(20), { maxLength: 30 }), (changes) => {
        const w = writer('a', 'b');
        for (const { uri, from, count, lines } of changes) {
          w.change(uri, from, count, ...lines);
          assert.ok(w.edits.length <= 16);
          for (const { uri: open, line, added, removed } of w.edits) {
            assert.deepEqual(
              w
                .text(open)
                .split('\n')
                .slice(line, line + added.length),
              added,
            );
            assert.ok(Math.max(added.length, removed.length) <= 16);
          }
        }
      }),
    );
  });

  it('always know what was there before, where nothing got too large', () => {
    fc.assert(
      fc.property(fc.array(steps(2), { maxLength: 4 }), (changes) => {
        const w = writer('a', 'b');
        for (const { uri, from, count, lines } of changes) w.change(uri, from, count, ...lines);
        for (const open of ['a', 'b']) {
          const text = w.text(open).split('\n');
          const hunks = w.edits.filter(({ uri }) => uri === open).toSorted((a, b) => b.line - a.line);
          for (const { line, added, removed } of hunks) text.splice(line, added.length, ...removed);
          assert.deepEqual(text, numbered(60));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
