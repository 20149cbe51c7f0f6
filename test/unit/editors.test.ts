import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { languageOf, traitsOf, Triggers } from '../../server/src/editors.ts';
import { itemIn, type LineItem } from '../../server/src/items.ts';

describe('what is known of editors', () => {
  it('is nothing of those that nobody knows', () => {
    const standard = { items: 'line', notifications: true, pushesSettings: false, invokedKind: 1 };
    for (const clientInfo of [
      undefined,
      { name: 'Visual Studio Code', version: '1.106.0' },
      { name: 'Eglot' },
    ])
      assert.deepEqual(traitsOf({ clientInfo }), standard);
    assert.deepEqual(
      traitsOf({ initializationOptions: { items: 'all', invokedKind: 3, notifications: 'no' } }),
      standard,
    );
  });
  it('is told from their names, or by themselves', () => {
    assert.equal(traitsOf({ clientInfo: { name: 'Neovim' } }).items, 'cursor');
    assert.equal(
      traitsOf({ clientInfo: { name: 'Neovim' }, initializationOptions: { items: 'line' } }).items,
      'line',
    );
    for (const [name, version] of [
      ['IntelliJ IDEA 2025.2', '2025.2 (build IC-252.23892.409)'],
      ['PyCharm 2026.1.1', '2026.1.1 (build PY-261.1.2)'],
    ]) {
      const { items, notifications } = traitsOf({ clientInfo: { name: name!, version: version! } });
      assert.deepEqual([items, notifications], ['insert', false]);
    }
  });
});

describe('a trigger', () => {
  it('counts as now until somebody counts as before, and the other way round', () => {
    const triggers = new Triggers({ invokedKind: 1 });
    assert.deepEqual(
      [1, 2, 1, 0, 1, 0, 2, 1].map((kind) => triggers.explicit(kind)),
      [true, false, true, true, false, true, false, true],
    );
  });
  it('that is no number of any count is automatic', () => {
    for (const kind of [undefined, null, '1', 3, -1])
      assert.equal(new Triggers({ invokedKind: 1 }).explicit(kind), false);
  });
  it('of a client that says how it counts needs no first 0', () => {
    assert.equal(new Triggers({ invokedKind: 0 }).explicit(1), false);
  });
});

describe('a language', () => {
  it("is called as in LSP, whether by LSP's name or by Vim's", () => {
    assert.deepEqual(['sh', 'typescript.tsx', 'cs', 'text', 'javascript', 'x'].map(languageOf), [
      'shellscript',
      'typescriptreact',
      'csharp',
      'plaintext',
      'javascript',
      'x',
    ]);
  });
  it('that has no name is plain text', () =>
    assert.deepEqual(['', undefined, 7].map(languageOf), Array(3).fill('plaintext')));
});

/** A line with a cursor at `|`, and what is completed there, of which the part in `[]` stands behind the cursor. */
function lineItem(line: string, completion: string, replaced = ''): LineItem {
  const character = line.indexOf('|');
  return {
    text: line.slice(0, character) + completion,
    start: { line: 4, character: 0 },
    from: { line: 4, character },
    replaced,
    end: { line: 4, character: character + replaced.length },
  };
}

describe('an item', () => {
  const item = lineItem('  call(|)', 'a, b)', ')');
  it('replaces the line', () => {
    assert.deepEqual(itemIn('line', item), {
      insertText: '  call(a, b)',
      filterText: '  call(a, b)',
      range: { start: { line: 4, character: 0 }, end: { line: 4, character: 8 } },
    });
  });
  it('replaces from the cursor', () => {
    assert.deepEqual(itemIn('cursor', item), {
      insertText: 'a, b)',
      range: { start: { line: 4, character: 7 }, end: { line: 4, character: 8 } },
    });
  });
  it('is inserted, where it can be', () => {
    const range = { start: { line: 4, character: 7 }, end: { line: 4, character: 7 } };
    assert.deepEqual(itemIn('insert', item), { insertText: 'a, b', range });
    assert.equal(itemIn('insert', lineItem('  call(|)', 'a, b);', ')')), undefined);
    assert.equal(itemIn('insert', lineItem('  call(|)', ')', ')')), undefined);
  });
  it('does not begin with blanks where something stands before them', () => {
    assert.deepEqual(itemIn('cursor', lineItem('  x =|', ' 5;')), {
      insertText: '= 5;',
      range: { start: { line: 4, character: 4 }, end: { line: 4, character: 5 } },
    });
    for (const line of ['|', '  |', 'x = |'])
      assert.equal(itemIn('cursor', lineItem(line, '  y'))!.insertText, '  y', line);
  });

  const text = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '(', ')', '\u{1F600}'), maxLength: 6 });
  it('makes the same line in every form', () => {
    fc.assert(
      fc.property(text, text, text, text, (head, completion, replaced, tail) => {
        fc.pre(completion !== '');
        const made = lineItem(`${head}|`, completion + replaced, replaced);
        const document = head + replaced + tail;
        const applied = (form: 'line' | 'cursor' | 'insert') => {
          const { insertText, range } = itemIn(form, made)!;
          const { start, end } = range!;
          return document.slice(0, start.character) + (insertText as string) + document.slice(end.character);
        };
        for (const form of ['line', 'cursor', 'insert'] as const)
          assert.equal(applied(form), head + completion + replaced + tail);
      }),
    );
  });
});
