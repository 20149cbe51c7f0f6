/** Where a completion of several lines ends; `⟧` marks the end in what a model goes on to write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BLOCK_LINES, blockEnds } from '../../server/src/filters/block-end.ts';
import { placeAt } from '../../server/src/filters/place.ts';

const CASES: readonly [name: string, language: string, marked: string, text: string][] = [
  [
    'the brace that closes a header',
    'typescript',
    'function f(a: number)▮',
    ' {\n  if (a) {\n    b();\n  }\n}⟧\n\nfunction g() {}\n',
  ],
  ['a brace on a line of its own', 'c', 'int f(int a)▮', '\n{\n  return a;\n}⟧\n\nint g();\n'],
  ['a brace that was opened before', 'typescript', 'if (a) {▮', '\n  b();\n}⟧\nc();\n'],
  ['before a brace that is there', 'typescript', 'if (a) {\n  ▮\n}\n', 'b();\n  c();⟧\n}\n'],
  ['behind one that is not', 'typescript', 'if (a) {\n  ▮\n', 'b();\n}⟧\nc();\n'],
  ['an else goes on', 'typescript', 'if (a) {▮', '\n  b();\n} else {\n  c();\n}⟧\nd();\n'],
  [
    'a call that takes a function',
    'typescript',
    "it('reads', () => {▮",
    "\n  read();\n});⟧\n\nit('writes', () => {\n",
  ],
  ['a statement of one line', 'typescript', 'const a = ▮', 'compute();⟧\nconst b = 2;\n'],
  [
    'a definition at the left edge',
    'typescript',
    'const a = 1;\n\n▮',
    'function f() {\n  return 1;\n}⟧\nfunction g() {}\n',
  ],
  [
    'a blank line behind a statement',
    'typescript',
    'const a = 1;\n\n▮',
    'const b = 2;\nconst c = 3;⟧\n\nfunction f() {\n',
  ],
  [
    'no blank line in brackets',
    'typescript',
    'const a = 1;\n\n▮',
    'call(\n  first,\n\n  second,\n);⟧\n\nconst c = 3;\n',
  ],
  ['no brace in a string', 'typescript', 'function f()▮', ' {\n  return `\n}\n`;\n}⟧\nconst c = 3;\n'],
  [
    'a line further to the left',
    'python',
    'def f(a):▮',
    '\n    if a:\n        return 1\n\n    return 2⟧\n\n\ndef g():\n',
  ],
  ['an else of Python goes on', 'python', 'if a:▮', '\n    b()\nelse:\n    c()⟧\nd()\n'],
  ['but not where the document has it', 'python', 'if a:\n    ▮\nelse:\n    c()\n', 'b()⟧\nelse:\n    d()\n'],
  ['inside a body of Python', 'python', 'def f():\n    ▮', 'a = 1\n    return a⟧\n\ndef g():\n'],
  ['an end', 'ruby', 'def f▮', '\n  compute\nend⟧\n\ndef g\n'],
  ['an end that is there', 'ruby', 'def f\n  ▮\nend\n', 'compute⟧\nend\n'],
  ['a tag', 'html', '<ul>▮', '\n  <li>One</li>\n</ul>⟧\n<p>'],
  ['a comment is one line', 'typescript', '// Reads ▮', 'a file⟧\nfunction read() {\n'],
  [
    'documentation and what it is about',
    'python',
    '# Adds two numbers.\n▮',
    'def add(a, b):\n    return a + b⟧\nprint(add(1, 2))\n',
  ],
  ['tabs', 'go', 'func f() {▮', '\n\tif a {\n\t\treturn\n\t}\n}⟧\n\nfunc g() {\n'],
];

const at = (marked: string, language: string) => {
  const offset = marked.indexOf('▮');
  return placeAt(marked.replace('▮', ''), offset, language);
};

describe('a block ends', () => {
  for (const [name, language, marked, text] of CASES) {
    const end = text.indexOf('⟧');
    const written = text.replace('⟧', '');
    it(`at ${name}`, () => {
      assert.ok(end > 0);
      const found = blockEnds(written, at(marked, language));
      assert.equal(found === undefined ? found : `${written.slice(0, found)}⟧${written.slice(found)}`, text);
    });

    it(`nowhere else while it is written: ${name}`, () => {
      const place = at(marked, language);
      for (let length = 0; length <= written.length; length++) {
        const found = blockEnds(written.slice(0, length), place);
        if (found !== undefined) assert.equal(found, end, JSON.stringify(written.slice(0, length)));
      }
    });
  }

  it('nowhere while more may come', () => {
    assert.equal(blockEnds('', at('if (a) {▮', 'typescript')), undefined);
    assert.equal(blockEnds('\n  b();\n}', at('if (a) {▮', 'typescript')), undefined);
    assert.equal(blockEnds('\n  b();\n', at('if (a) {▮', 'typescript')), undefined);
  });

  it('after as many lines as are read at a glance', () => {
    const place = at('function f() {\n  ▮', 'typescript');
    const text = 'a();\n  '.repeat(3 * BLOCK_LINES);
    assert.equal(text.slice(0, blockEnds(text, place)).split('\n').length, BLOCK_LINES);
    assert.equal(text.slice(0, blockEnds(text, place, 3)).split('\n').length, 3);
  });
});
