import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { indentGate, stopGate, type Gate } from '../../edge-node/src/facade/ending.ts';

/** What comes through a gate of a text that comes in these pieces, with all that was shown before the end was known. */
function through(gate: Gate, pieces: readonly string[]): { text: string; shown: string[]; ended: boolean } {
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, ended } = gate.push(piece);
    shown.push(text);
    if (ended) return { text: shown.join(''), shown, ended };
  }
  return { text: shown.join('') + gate.rest(), shown, ended: false };
}

/** A text in pieces, cut anywhere. */
const cut = (text: string) =>
  fc.array(fc.nat(text.length), { maxLength: 8 }).map((places) => {
    const at = [0, ...places.toSorted((one, other) => one - other), text.length];
    return at.slice(1).map((end, index) => text.slice(at[index], end));
  });

describe('stop texts', () => {
  const cases: [text: string, words: string[], expected: string, met: string][] = [
    ['one\n\ntwo', ['\n\n'], 'one', '\n\n'],
    ['one\ntwo', ['\n\n'], 'one\ntwo', ''],
    ['one two', ['two', 'one'], '', 'one'],
    ['ab', ['', 'b'], 'a', 'b'],
    // The one that is complete first, though the other begins before it.
    ['abc', ['abc', 'b'], 'a', 'b'],
    // Of two that are complete together the longer.
    ['a</code>', ['>', '</code>'], 'a', '</code>'],
    ['aab', ['ab'], 'a', 'ab'],
    ['aaab', ['aab'], 'a', 'aab'],
    ['text<|end', ['<|endoftext|>'], 'text<|end', ''],
    ['', ['x'], '', ''],
    ['x', [], 'x', ''],
  ];
  for (const [text, words, expected, met] of cases) {
    it(`${JSON.stringify(words)} leave ${JSON.stringify(expected)} of ${JSON.stringify(text)}`, () => {
      for (const pieces of [[text], Array.from(text)]) {
        const gate = stopGate(words);
        assert.deepEqual(
          { ...through(gate, pieces), shown: undefined, word: gate.word },
          { text: expected, shown: undefined, ended: met !== '', word: met },
        );
      }
    });
  }

  it('are shown in no part, however the text is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 24 });
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 4 }), {
      maxLength: 4,
    });
    const cases = fc
      .tuple(letters, words)
      .chain(([text, stops]) => fc.tuple(fc.constant(text), fc.constant(stops), cut(text)));
    fc.assert(
      fc.property(cases, ([text, stops, pieces]) => {
        const one = stopGate(stops);
        const whole = through(one, [text]);
        const many = stopGate(stops);
        const { text: passed, ended, shown } = through(many, pieces);
        assert.deepEqual(
          { passed, ended, word: many.word },
          { passed: whole.text, ended: whole.ended, word: one.word },
        );
        assert.ok(text.startsWith(passed));
        if (ended) assert.ok(text.startsWith(passed + many.word));
        assert.ok(whole.text.startsWith(shown.join('')));
        for (const word of stops) if (word !== '') assert.ok(!passed.includes(word));
      }),
      { numRuns: 2000 },
    );
  });

  it('hold back no more than what may become one of them', () => {
    const gate = stopGate(['\n\n', '<|endoftext|>']);
    assert.equal(gate.push('a\n').text, 'a');
    assert.equal(gate.push('b<').text, '\nb');
    assert.equal(gate.push('c').text, '<c');
  });
});

describe('the least indentation', () => {
  const cases: [least: number, text: string, expected: string, ended: boolean][] = [
    [4, 'a();\n    b();\n}\n', 'a();\n    b();\n', true],
    [4, 'a();\n    b();\n  c', 'a();\n    b();\n', true],
    [2, 'a();\n\tb();\n\t\tc();', 'a();\n', true],
    [1, 'a();\n\tb();\n\t\tc();', 'a();\n\tb();\n\t\tc();', false],
    // A blank line has none.
    [1, 'a();\n\n  b();', 'a();\n', true],
    [4, '  the rest of a line\n', '  the rest of a line\n', false],
    [4, 'a\n  ', 'a\n  ', false],
    [0, 'a\n\nb\n', 'a\n\nb\n', false],
  ];
  for (const [least, text, expected, ended] of cases) {
    it(`of ${least} leaves ${JSON.stringify(expected)} of ${JSON.stringify(text)}`, () => {
      for (const pieces of [[text], Array.from(text)]) {
        const passed = through(indentGate(least), pieces);
        assert.deepEqual([passed.text, passed.ended], [expected, ended]);
      }
    });
  }

  it('makes the same of a text however it is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\n'), maxLength: 24 });
    const cases = letters.chain((text) => fc.tuple(fc.constant(text), fc.nat(3), cut(text)));
    fc.assert(
      fc.property(cases, ([text, least, pieces]) => {
        const whole = through(indentGate(least), [text]);
        const parts = through(indentGate(least), pieces);
        assert.deepEqual([parts.text, parts.ended], [whole.text, whole.ended]);
        assert.ok(whole.text.startsWith(parts.shown.join('')));
      }),
      { numRuns: 2000 },
    );
  });
});
