/** One line, several or none: by position and syntax. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extentAt, type Extent } from '../../server/src/filters/extent.ts';
import { placeAt, siteOf } from '../../server/src/filters/place.ts';

/** A document with the cursor at `▮`. */
function at(marked: string, language: string) {
  const offset = marked.indexOf('▮');
  return placeAt(marked.slice(0, offset) + marked.slice(offset + 1), offset, language);
}

const CASES: readonly [extent: Extent, language: string, marked: string][] = [
  // Within a line.
  ['none', 'typescript', 'const na▮me = 1;'],
  ['none', 'python', 'имя▮ника = 1'],
  ['line', 'typescript', 'const name = ▮value;'],
  ['line', 'typescript', 'const ▮ = compute();'],
  ['line', 'typescript', 'call(▮);'],
  ['line', 'typescript', 'const a = ▮'],
  ['line', 'typescript', 'const a = ▮;'],
  ['line', 'typescript', 'items.▮'],
  ['line', 'typescript', 'import {▮} from "a";'],
  ['line', 'typescript', 'const xs = [▮];'],
  ['line', 'python', 'x = ▮'],
  // Strings and comments.
  ['line', 'typescript', 'const a = "one {▮'],
  ['line', 'typescript', 'const a = `one {\n▮\n`;'],
  ['line', 'typescript', '// for each of them {▮'],
  ['line', 'typescript', '/**\n * Reads {▮\n */'],
  ['line', 'python', 'def f():\n    """Does:▮'],
  ['line', 'python', '# if a:▮'],
  ['line', 'html', '<!-- <ul>▮ -->'],
  // A block that was just opened.
  ['block', 'typescript', 'function f() {▮}'],
  ['block', 'typescript', 'const f = () => {▮};'],
  ['block', 'typescript', 'if (a) {▮'],
  ['block', 'typescript', 'if (a) {\n  ▮\n}'],
  ['block', 'typescript', 'if (a) { // why\n  ▮\n}'],
  ['block', 'typescript', 'const xs = [\n  ▮\n];'],
  ['block', 'typescript', 'call(\n  ▮\n);'],
  ['block', 'go', 'func main() {\n\t▮\n}'],
  ['block', 'css', '.box {\n  ▮\n}'],
  ['block', 'json', '{\n  ▮\n}'],
  ['block', 'rust', 'match a {\n    ▮\n}'],
  ['block', 'python', 'def f():\n    ▮'],
  ['block', 'python', 'if a:\n    ▮\nelse:\n    b()'],
  ['block', 'python', 'for x in xs:  # all of them\n    ▮\n'],
  ['block', 'ruby', 'items.each do |item|\n  ▮\nend'],
  ['block', 'lua', 'if a then\n  ▮\nend'],
  ['block', 'shellscript', 'for f in *; do\n  ▮\ndone'],
  ['block', 'elixir', 'def f(a) do\n  ▮\nend'],
  ['block', 'html', '<ul>\n  ▮\n</ul>'],
  ['block', 'typescriptreact', 'return (\n  <div className="a">\n    ▮\n  </div>\n);'],
  ['block', 'haskell', 'main = do\n  ▮'],
  // One that has something in it already.
  ['line', 'typescript', 'if (a) {\n  ▮\n  b();\n}'],
  ['line', 'python', 'def f():\n    ▮\n    return 1'],
  ['line', 'html', '<ul>\n  ▮\n  <li>One</li>\n</ul>'],
  ['line', 'typescript', 'if (a) {▮\n  b();\n}'],
  // A header, whose block is announced and not opened.
  ['block', 'typescript', 'function add(a: number, b: number): number▮'],
  ['block', 'typescript', 'class Point extends Shape▮'],
  ['block', 'typescript', 'if (a > b)▮'],
  ['block', 'typescript', 'class A {\n  name(a: string): void▮\n}'],
  ['block', 'java', 'class A {\n    public int size()▮\n}'],
  ['block', 'c', 'static int add(int a, int b)▮'],
  ['block', 'go', 'if err != nil▮'],
  ['block', 'rust', 'pub fn name(&self) -> &str▮'],
  ['block', 'python', 'def add(a, b)▮'],
  ['block', 'python', 'class Point:▮'],
  ['block', 'lua', 'local function f(a)▮'],
  ['line', 'typescript', 'if (a) b();▮'],
  ['line', 'typescript', 'if (a) b()▮'],
  ['line', 'typescript', 'add(a, b)▮'],
  ['line', 'python', 'if a: return b▮'],
  ['line', 'python', 'add(a, b)▮'],
  ['line', 'ruby', 'return 1 if a▮'],
  ['line', 'c', 'int add(int a, int b);▮'],
  ['line', 'c', 'static int add(int a, int b)▮\n{\n  return a + b;\n}'],
  ['line', 'python', 'values = { "a":▮'],
  ['line', 'yaml', 'a:\n  - b: ▮\n  - c: 2'],
  ['block', 'yaml', 'a:\n  ▮'],
  // Documentation, with what it is about still to come.
  ['block', 'typescript', '/** Adds two numbers. */\n▮'],
  ['block', 'typescript', '// Adds two numbers.\n▮\n'],
  ['block', 'python', '# Adds two numbers.\n▮'],
  ['block', 'python', '@app.route("/")\n▮'],
  ['block', 'rust', '#[derive(Debug)]\n▮'],
  ['block', 'java', 'class A {\n    @Override\n    ▮\n}'],
  ['line', 'typescript', '/** Adds two numbers. */\n▮\nfunction add(a, b) {}'],
  // A line of its own, and one between others.
  ['block', 'typescript', 'const a = 1;\n\n▮'],
  ['block', 'typescript', 'const a = 1;\n\n▮\n\nconst b = 2;'],
  ['block', 'python', 'import os\n\n\n▮\n'],
  ['block', 'typescript', '▮'],
  ['line', 'typescript', 'const a = 1;\n▮\nconst b = 2;'],
  ['line', 'typescript', 'const a = 1;\n▮'],
  ['line', 'python', 'def f():\n    a = 1\n    ▮\n    return a'],
  // Prose, and what is not known.
  ['line', 'markdown', '# Title\n\n▮'],
  ['line', 'plaintext', 'Dear all,\n▮'],
  ['line', 'a-language-of-tomorrow', 'if (a) {\n  ▮\n}'],
];

describe('the extent of a completion', () => {
  for (const [extent, language, marked] of CASES) {
    it(`is ${extent} in ${language}: ${marked.replaceAll('\n', '⏎')}`, () =>
      assert.equal(extentAt(at(marked, language)), extent));
  }

  it('is one of each, so that the table says something', () => {
    const extents = new Set(CASES.map(([extent]) => extent));
    assert.deepEqual([...extents].sort(), ['block', 'line', 'none']);
  });

  it('is the same with carriage returns', () => {
    for (const [extent, language, marked] of CASES)
      assert.equal(extentAt(at(marked.replaceAll('\n', '\r\n'), language)), extent);
  });

  it('is the same behind a megabyte of the same language', () => {
    const filler = 'function f(a) {\n  if (a) {\n    return `${a}`;\n  }\n}\n\n'.repeat(20_000);
    for (const [extent, language, marked] of CASES) {
      if (language === 'typescript')
        assert.equal(extentAt(at(`${filler}${marked}\n\n${filler}`, language)), extent, marked);
    }
  });

  it('looks at some hundreds of lines, whatever stands beyond', () => {
    const large = at(`${'x = 1;\n'.repeat(150_000)}▮${'\ny = 2;'.repeat(150_000)}`, 'typescript');
    const { near, next, cut } = siteOf(large);
    assert.ok(cut && near.length <= 6000 && next.length <= 3000);
    assert.ok(large.before.length < 20_000 && large.after.length < 20_000);
  });
});
