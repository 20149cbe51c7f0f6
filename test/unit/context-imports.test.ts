import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Imports, importsOf } from '../../server/src/context/imports.ts';
import { signaturesIn, type Language } from '../../server/src/context/signatures.ts';

const URI = 'file:///home/me/app/src/main';

describe('the imports of a document', () => {
  const cases: [name: string, ending: string, text: string, first: string[]][] = [
    ['a name', '.ts', "import { a } from './a';", ['src/a.ts']],
    ['the file that will be made of it', '.ts', "import { a } from '../lib/a.js';", ['lib/a.ts']],
    ['a module by its own ending', '.mts', "export * from './a.mjs';", ['src/a.mts']],
    ['the file itself', '.ts', 'import a from "./a.tsx";', ['src/a.tsx']],
    ['a name with a dot', '.ts', "import { A } from './a.service';", ['src/a.service.ts']],
    ['a folder', '.ts', "import { a } from './a/';", ['src/a/index.ts']],
    ['several lines', '.js', "import {\n  a,\n  b,\n} from './a';", ['src/a.ts']],
    ['a call', '.cjs', "const a = require('./a'), b = await import('./b');", ['src/a.ts', 'src/b.ts']],
    ['the same twice', '.ts', "import a from './a'; import type { A } from './a';", ['src/a.ts']],
    ['packages and what has no names', '.ts', "import fs from 'fs'; import './a.css'; import '../x';", []],
    ['an odd name', '.ts', "import a from './[id]/50%?#';", ['src/%5Bid%5D/50%25%3F%23.ts']],
    ['a relative module', '.py', 'from .a.b import c', ['src/a/b.py']],
    ['one further up', '.py', 'from ..a import (\n  b,\n)', ['a.py']],
    ['names in a package', '.py', 'from . import (\n  a,  # b\n  c as d)\n', ['src/a.py', 'src/c.py']],
    ['absolute modules', '.py', 'import os\nfrom sys import path', []],
    ['a header', '.c', '#include <stdio.h>\n#include "a.h"\n # include "../b.hpp"', ['src/a.h', 'b.hpp']],
    ['what is no code', '.c', '#include "/etc/passwd.h"\n#include "../../.ssh/id_rsa"', []],
    ['a language of which nothing is known', '.go', 'import "./a"', []],
  ];
  for (const [name, ending, text, first] of cases)
    it(`are found: ${name}`, () => {
      const found = importsOf({ uri: URI + ending, text }).map(([uri]) => uri);
      assert.deepEqual(
        found,
        first.map((path) => new URL(path, 'file:///home/me/app/').href),
      );
    });

  it('may be at several places, the likeliest first', () => {
    const [named, made] = importsOf({
      uri: `${URI}.ts`,
      text: "import './';import a from './a';import b from './b.js'",
    });
    assert.equal(named!.length, 13);
    assert.equal(named!.at(-1), 'file:///home/me/app/src/a/index.js');
    assert.deepEqual(
      made!.map((uri) => uri.slice(uri.lastIndexOf('/'))),
      ['/b.ts', '/b.tsx', '/b.d.ts', '/b.js'],
    );
  });

  it('are found beside documents on other machines, and not beside those that are nowhere', () => {
    const text = "import { a } from './a';";
    const remote = 'vscode-remote://ssh-remote%2Bhost/home/me/main.ts';
    assert.equal(importsOf({ uri: remote, text })[0]?.[0], 'vscode-remote://ssh-remote%2Bhost/home/me/a.ts');
    assert.deepEqual(importsOf({ uri: 'untitled:Untitled-1.ts', text }), []);
  });

  it('are bounded', () => {
    const text = Array.from({ length: 100 }, (_, at) => `import a from './a${at}';`).join('\n');
    assert.equal(importsOf({ uri: `${URI}.ts`, text }).length, 12);
    assert.deepEqual(importsOf({ uri: `${URI}.ts`, text: `${' '.repeat(16_000)}${text}` }), []);
  });
});

describe('the imports that are followed', () => {
  const files: Record<string, string> = {
    'a.ts': 'export function a(): void {\n}\n',
    'b/index.ts': 'export const b = 1;\n',
    'empty.ts': 'const c = 1;\n',
  };
  const text =
    "import { a } from './a.js';\nimport { b } from './b';\nimport './none'; import c from './empty';";
  const document = { uri: 'file:///main.ts', text };

  function reader() {
    const asked: [uri: string, bytes: number][] = [];
    const read = (uri: string, bytes: number) => {
      asked.push([uri, bytes]);
      // One that may not be read must not keep the others from being read.
      return uri.endsWith('/b.ts') ? Promise.reject(new Error('no')) : Promise.resolve(files[uri.slice(8)]);
    };
    return { imports: new Imports(read), asked };
  }

  it('give their declarations, in the order of the imports', async () => {
    const { imports, asked } = reader();
    const chunks = await imports.of(document);
    assert.deepEqual(
      chunks.map(({ uri, text, origin }) => [uri, text, origin]),
      [
        ['file:///a.ts', 'export function a(): void {\n', 'imported'],
        ['file:///b/index.ts', 'export const b = 1;\n', 'imported'],
      ],
    );
    assert.ok(asked.every(([, bytes]) => bytes === 64 * 1024));
  });

  it('are read again only if they or the imports change', async () => {
    const { imports, asked } = reader();
    const first = await imports.of(document);
    const count = asked.length;
    assert.equal(await imports.of({ ...document, text: `${text}\nmore();` }), first);
    assert.equal(asked.length, count);
    imports.changed('file:///b.tsx');
    assert.notEqual(await imports.of(document), first);
    await imports.of({ ...document, text: "import { a } from './a';" });
    assert.ok(asked.length > count * 2);
  });

  it('are forgotten for the documents that were left longest ago', async () => {
    const { imports, asked } = reader();
    for (let at = 0; at < 33; at++)
      await imports.of({ uri: `file:///${at}.ts`, text: "import a from './a'" });
    assert.equal(asked.length, 33);
    await imports.of({ uri: 'file:///32.ts', text: "import a from './a'" });
    assert.equal(asked.length, 33);
    await imports.of({ uri: 'file:///0.ts', text: "import a from './a'" });
    assert.equal(asked.length, 34);
  });
});

describe('the declarations in a file', () => {
  const cases: [name: string, language: Language, source: string, expected: string][] = [
    [
      'functions, with all their parameters',
      'script',
      `import x from 'y';
       |/** Says. */
       |export async function one(
       |  a: string,
       |  b = f(1),
       |): Promise<void> {
       |  const inner = 1;
       |}
       |function own() {}
       |export const two = (a: number) => a;
       |exports.three = 3;`,
      `export async function one(
       |  a: string,
       |  b = f(1),
       |): Promise<void> {
       |export const two = (a: number) => a;
       |exports.three = 3;`,
    ],
    [
      'types, whole',
      'script',
      `export interface A {
       |  readonly a: string;
       |
       |  b(): void;
       |}
       |export type B =
       |  | 'x'
       |  | 'y';
       |const c = 1;
       |export type D = 1;
       |  indented();`,
      `export interface A {
       |  readonly a: string;
       |  b(): void;
       |}
       |export type B =
       |  | 'x'
       |  | 'y';
       |export type D = 1;`,
    ],
    [
      'classes, with the members that others see',
      'script',
      `export class A extends B {
       |  readonly name = 'A';
       |  #own = 1;
       |  private secret = 2;
       |  constructor(a: string) {
       |    super(a);
       |  }
       |  get(key: string): number {
       |    if (key) return 1;
       |  }
       |}
       |export default class C {}`,
      `export class A extends B {
       |  readonly name = 'A';
       |  constructor(a: string) {
       |  get(key: string): number {
       |export default class C {}`,
    ],
    [
      'Python',
      'python',
      `import os
       |LIMIT: int = 3
       |def one(
       |    a,
       |    b=(1, 2),
       |) -> None:
       |    x = 1
       |class Color(Enum):
       |    RED = 1
       |
       |    BLUE = 2
       |class A:
       |    """Says."""
       |    name: str
       |    def __init__(self, a):
       |        self.a = a
       |    def _own(self):
       |        pass
       |    async def get(self, key):
       |        return 1
       |if True:
       |    pass`,
      `LIMIT: int = 3
       |def one(
       |    a,
       |    b=(1, 2),
       |) -> None:
       |class Color(Enum):
       |    RED = 1
       |    BLUE = 2
       |class A:
       |    name: str
       |    def __init__(self, a):
       |    async def get(self, key):`,
    ],
    [
      'C',
      'c',
      `#ifndef A_H
       |#define A_H
       |#define MAX(a, b) ((a) > (b) ? (a) : (b))
       |typedef struct point {
       |  int x;
       |} point_t;
       |int add(int a,
       |        int b);
       |static int own(void) {
       |  return add(1, 2);
       |}
       |class A {
       | public:
       |  void get(int key);
       |};
       |return add(1, 2);`,
      `#define MAX(a, b) ((a) > (b) ? (a) : (b))
       |typedef struct point {
       |  int x;
       |} point_t;
       |int add(int a,
       |        int b);
       |class A {`,
    ],
  ];
  for (const [name, language, source, expected] of cases)
    it(`are found: ${name}`, () => {
      const plain = (text: string) => text.replaceAll(/^ +\|/gmu, '').split('\n');
      assert.deepEqual(signaturesIn(plain(source), language), plain(expected));
    });

  it('are bounded, and no data', () => {
    const many = Array.from({ length: 200 }, (_, at) => `export const a${at} = ${at};`);
    assert.equal(signaturesIn(many, 'script').length, 48);
    const wide = 'a* '.repeat(20_000);
    assert.deepEqual(signaturesIn([wide, wide.replaceAll(' ', '')], 'c'), []);
    assert.deepEqual(signaturesIn([`export const a = '${'x'.repeat(300)}';`], 'script'), []);
    const open = ['export function a(', ...Array.from({ length: 100 }, () => '  b,')];
    assert.deepEqual(signaturesIn(open, 'script'), ['export function a(']);
  });
});
