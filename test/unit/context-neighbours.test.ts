import { frontOf, promptFor, roomForOthers, type Family, type Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameIn } from '../../server/src/context/names.ts';
import { Neighbours, type NeighboursParts } from '../../server/src/context/neighbours.ts';
import { fronts, roomBeside } from '../../server/src/context/fronts.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const ROOM = 12_000;
const uriOf = (name: string) => `file:///w/${name}`;

const READING = {
  context: 16_384,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
  fim: {
    prefix: FAKE.prefix,
    suffix: FAKE.suffix,
    middle: FAKE.middle,
    order: 'prefix-first' as const,
    files: { separator: 260, repository: 261 },
  },
};

/** A file of so many lines that are like no other's. */
const file = (name: string, lines = 100) =>
  Array.from({ length: lines }, (_, at) => `const ${name.replaceAll(/\W/gu, '_')}_${at} = ${at};`).join('\n');

/** An editor with documents, and a clock that goes on when it is told to. */
function editor(change: Partial<NeighboursParts> = {}) {
  const documents = new Map<string, string>();
  const hidden = new Set<string>();
  const read: string[] = [];
  const disk = new Map<string, string>();
  let now = 0;
  let timers: { readonly at: number; readonly then: () => void }[] = [];
  const neighbours = new Neighbours({
    room: () => ROOM,
    open: () => [...documents.keys()],
    textOf: (uri) => documents.get(uri),
    allowed: (uri) => Promise.resolve(!hidden.has(uri)),
    read: (uri) => {
      read.push(uri);
      return Promise.resolve(disk.get(uri));
    },
    clock: {
      now: () => now,
      after: (ms, then) => {
        const timer = { at: now + ms, then };
        timers.push(timer);
        return () => (timers = timers.filter((other) => other !== timer));
      },
    },
    ...change,
  });
  neighbours.setFolders(['file:///w']);
  return {
    neighbours,
    documents,
    hidden,
    read,
    disk,
    open: (name: string, text = file(name)) => {
      documents.set(uriOf(name), text);
      neighbours.opened(uriOf(name));
    },
    write: (name: string, text: string) => void documents.set(uriOf(name), text),
    replace: (name: string, from: string, to: string) =>
      void documents.set(uriOf(name), documents.get(uriOf(name))!.replace(from, to)),
    at: async (name: string, line: number) => {
      neighbours.visited({ uri: uriOf(name), line });
      return neighbours.beside(uriOf(name));
    },
    close: (name: string) => {
      const text = documents.get(uriOf(name))!;
      documents.delete(uriOf(name));
      neighbours.closed(uriOf(name), text);
    },
    pass: (ms: number) => {
      now += ms;
      for (const { at, then } of [...timers]) if (at <= now) then();
    },
  };
}

const namesOf = (beside: { others: readonly { name: string }[] } | undefined) =>
  beside?.others.map(({ name }) => name);
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('what is beside a document', () => {
  it('are the documents that are open, what was left, and what was edited, and not what it shows itself', async () => {
    const { open, at, replace } = editor();
    open('a.ts');
    open('b.ts');
    open('c.ts');
    assert.deepEqual(namesOf(await at('a.ts', 5)), ['b.ts', 'c.ts']);
    await at('b.ts', 80);
    replace('b.ts', 'b_ts_80 = 80', 'edited = 80');
    const beside = await at('c.ts', 1);
    assert.equal(beside!.name, 'c.ts');
    const text = beside!.others.map((other) => other.text).join('');
    assert.match(text, /a_ts_5 /u);
    assert.match(text, /edited = 80/u);
    assert.doesNotMatch(text, /c_ts/u);
    assert.equal(beside!.others.at(-1)!.text.includes('edited'), true, 'what was edited last is last');
  });

  it('has the declarations of what it imports, from the disk or as it stands in the editor', async () => {
    const { open, at, disk, read } = editor();
    disk.set(uriOf('shapes.ts'), 'export interface Circle {\n  radius: number;\n}\n');
    open('area.ts', 'export function areaOf(): number {\n  return 1;\n}\n');
    open('main.ts', "import { Circle } from './shapes.ts';\nimport { areaOf } from './area.ts';\n\n");
    const beside = await at('main.ts', 2);
    const text = beside!.others.map((other) => `${other.name}: ${other.text}`).join('');
    assert.match(text, /shapes\.ts: export interface Circle/u);
    assert.match(text, /area\.ts: export function areaOf/u);
    assert.ok(!read.includes(uriOf('area.ts')));
  });

  it('stays the same, to the object, while somebody works in one place', async () => {
    const { open, at, replace } = editor();
    open('a.ts');
    open('b.ts');
    const first = await at('a.ts', 50);
    for (let key = 0; key < 30; key++) {
      replace('a.ts', 'const a_ts_50', `const x${key}; const a_ts_50`);
      assert.equal(await at('a.ts', 50 + (key % 20)), first);
    }
    assert.equal(await at('a.ts', 30), first, 'a few lines up');
  });

  it('is gathered anew where somebody has gone far, elsewhere, or saved', async () => {
    const { open, at, replace, neighbours } = editor();
    open('a.ts', file('a', 400));
    open('b.ts');
    const first = await at('a.ts', 350);
    replace('b.ts', 'b_ts_3 ', 'renamed ');
    assert.equal(await at('a.ts', 350), first);
    const far = await at('a.ts', 10);
    assert.match(far!.others.map(({ text }) => text).join(''), /a_350/u, 'what was left');
    assert.match(far!.others.map(({ text }) => text).join(''), /renamed/u);
    replace('b.ts', 'b_ts_7 ', 'again ');
    neighbours.saved(uriOf('b.ts'));
    const saved = await at('a.ts', 10);
    assert.match(saved!.others.map(({ text }) => text).join(''), /again/u);
    assert.notEqual((await at('b.ts', 1))!.name, saved!.name);
  });

  it('stays the same where nothing of it changed, though it was gathered anew', async () => {
    const { open, at, replace, neighbours } = editor();
    open('a.ts');
    open('b.ts');
    const first = await at('a.ts', 50);
    replace('a.ts', 'a_ts_50 ', 'written ');
    neighbours.saved(uriOf('a.ts'));
    assert.equal(await at('a.ts', 51), first, 'what was saved is in sight');
  });

  it('remembers what was worked on after it was closed, and forgets edits that are undone meanwhile', async () => {
    const { open, at, replace, close } = editor();
    open('a.ts');
    open('b.ts');
    await at('b.ts', 40);
    replace('b.ts', 'b_ts_90 ', 'edited_90 ');
    close('b.ts');
    assert.match((await at('a.ts', 1))!.others.map(({ text }) => text).join(''), /edited_90/u);
    open('b.ts');
    await at('b.ts', 1);
    assert.doesNotMatch((await at('a.ts', 90))!.others.map(({ text }) => text).join(''), /edited_90/u);
  });

  it('is nothing for documents outside the project, which are not shown either', async () => {
    const { neighbours, documents, open, at } = editor();
    open('a.ts');
    documents.set('file:///home/me/notes.ts', file('mine'));
    neighbours.opened('file:///home/me/notes.ts');
    neighbours.visited({ uri: 'file:///home/me/notes.ts', line: 5 });
    assert.equal(await neighbours.beside('file:///home/me/notes.ts'), undefined);
    assert.deepEqual(namesOf(await at('a.ts', 1)), []);
  });

  it('is no more than there is room for, however much was visited and edited, and nothing of what is data', async () => {
    const { open, at, replace, close } = editor();
    open('data.ts', file('data', 40_000));
    await at('data.ts', 3);
    for (let number = 0; number < 100; number++) {
      const name = `f${number}.ts`;
      open(name, file(name, 200));
      await at(name, 150);
      replace(name, 'const', 'let');
      if (number % 2 === 0) close(name);
    }
    open('last.ts');
    const { others } = (await at('last.ts', 1))!;
    const characters = others.reduce((sum, { text }) => sum + text.length, 0);
    assert.ok(characters > ROOM / 4 && characters <= ROOM, String(characters));
    assert.ok(!others.some(({ name }) => name === 'data.ts'));
  });

  it('costs nothing where the family reads no other files', async () => {
    const never = () => assert.fail('asked');
    const { open, at, close, neighbours } = editor({
      room: () => 0,
      textOf: never,
      allowed: never,
      open: never,
    });
    open('a.ts');
    assert.equal(await at('a.ts', 1), undefined);
    neighbours.saved(uriOf('a.ts'));
    close('a.ts');
  });

  it('begins with what is open when a family comes that reads them', async () => {
    let room = 0;
    const { open, at } = editor({ room: () => room });
    open('a.ts');
    open('b.ts');
    assert.equal(await at('a.ts', 1), undefined);
    room = ROOM;
    assert.deepEqual(namesOf(await at('a.ts', 1)), ['b.ts']);
    room = 0;
    assert.equal(await at('a.ts', 1), undefined);
  });
});

describe('documents that may not be shown', () => {
  it('are left out, and what was gathered of them before', async () => {
    const { open, at, hidden, neighbours, replace } = editor();
    open('a.ts');
    open('b.ts');
    open('c.ts');
    replace('b.ts', 'b_ts_70 ', 'edited ');
    assert.deepEqual([...new Set(namesOf(await at('a.ts', 1)))], ['b.ts', 'c.ts']);
    hidden.add(uriOf('b.ts'));
    neighbours.rulesChanged();
    assert.deepEqual(namesOf(await at('a.ts', 1)), ['c.ts']);
    await at('b.ts', 90);
    assert.deepEqual(namesOf(await at('a.ts', 1)), ['c.ts']);
  });

  it('are found out by itself where nobody tells that rules have changed', async () => {
    const { open, at, hidden, pass } = editor();
    open('a.ts');
    open('b.ts');
    assert.deepEqual(namesOf(await at('a.ts', 1)), ['b.ts']);
    hidden.add(uriOf('b.ts'));
    pass(5000);
    await at('a.ts', 2);
    await settle();
    assert.deepEqual(namesOf(await at('a.ts', 2)), []);
  });

  it('are not read to follow an import', async () => {
    const { open, at, hidden, read } = editor();
    hidden.add(uriOf('keys.ts'));
    open('main.ts', "import { key } from './keys.ts';\nconst a = 1;\nconst b = 2;\n");
    await at('main.ts', 2);
    assert.ok(!read.includes(uriOf('keys.ts')));
  });
});

describe('what is beside a document with a slow file system', { timeout: 10_000 }, () => {
  it('is there after 50 ms with what is known by then, and has the rest when that is known', async () => {
    const slow = Promise.withResolvers<boolean>();
    const world = editor({
      allowed: (uri) => (uri.endsWith('b.ts') ? slow.promise : Promise.resolve(true)),
      read: () => new Promise(() => undefined),
    });
    const { open, at, pass } = world;
    open('a.ts', `import { x } from './x.ts';\n${file('a')}`);
    open('b.ts');
    open('c.ts');
    const beside = at('a.ts', 1);
    await settle();
    pass(49);
    assert.equal(await Promise.race([beside, settle().then(() => 'waiting')]), 'waiting');
    pass(1);
    assert.deepEqual(namesOf(await beside), ['c.ts']);
    slow.resolve(true);
    await settle();
    const again = at('a.ts', 1);
    assert.deepEqual(namesOf(await again), ['c.ts'], 'not before a while has passed');
    pass(5000);
    await at('a.ts', 1);
    await settle();
    const later = at('a.ts', 1);
    await settle();
    pass(50);
    assert.deepEqual(namesOf(await later), ['b.ts', 'c.ts']);
  });
});

describe('the prompt with what is beside a document', () => {
  const family = READING;
  const parts = { family, tokenizer: new FakeEngine() };
  // A byte is a token here, so that a third of the room is what there is.
  const room = () => roomForOthers(family);
  const common = (one: readonly Token[], other: readonly Token[]) => {
    const at = one.findIndex((token, index) => token !== other[index]);
    return at === -1 ? one.length : at;
  };

  it('shares all but its end from key to key', async () => {
    const { open, at, write, documents } = editor({ room });
    for (const name of ['a.ts', 'b.ts', 'c.ts']) open(name);
    const front = fronts();
    const text = documents.get(uriOf('a.ts'))!;
    const anchor = text.indexOf('\n', 1500) + 1;
    const typed = 'const whatever = compute(first, second);';
    let last: readonly Token[] | undefined;
    for (let key = 1; key <= typed.length; key++) {
      const now = `${text.slice(0, anchor)}${typed.slice(0, key)}\n${text.slice(anchor)}`;
      write('a.ts', now);
      const line = now.slice(0, anchor).split('\n').length - 1;
      const { tokens } = (await front(parts, (await at('a.ts', line))!))!;
      assert.ok(tokens.length > 500);
      const { context } = await promptFor(parts, { text: now, offset: anchor + key, anchor, front: tokens });
      if (last) assert.ok(common(last, context) >= last.length - 16, `key ${key}`);
      last = context;
    }
  });

  it('changes its front seldom while somebody goes through many files: eviction in halves keeps it', async (t) => {
    const { open, at } = editor({ room });
    const files = 120;
    let last: readonly Token[] = [];
    let [read, whole, changes] = [0, 0, 0];
    for (let at_ = 0; at_ < files; at_++) {
      const name = `file${at_}.ts`;
      open(name, file(name, 30));
      const beside = await at(name, 3);
      const { tokens } = await frontOf(parts, beside!);
      const shared = common(last, tokens);
      if (at_ > 20) {
        read += tokens.length - shared;
        whole += tokens.length;
        // The project and the marker of the first file are always the same.
        if (shared < 20) changes++;
      }
      last = tokens;
    }
    t.diagnostic(`${read} of ${whole} tokens read again, ${changes} times from the start`);
    assert.ok(read < whole / 2, `${read} of ${whole}`);
    assert.ok(changes > 0 && changes <= (files - 20) / 2, `${changes} times`);
  });
});

describe('a key', () => {
  it('costs less than 0.3 ms in a document of 5,000 lines, and nothing piles up', async (t) => {
    const { open, neighbours, documents } = editor();
    const text = file('large', 5000);
    open('large.ts', text);
    for (let other = 0; other < 20; other++) open(`other${other}.ts`);
    const uri = uriOf('large.ts');
    const times: number[] = [];
    for (let key = 0; key < 500; key++) {
      documents.set(uri, `${text.slice(0, 50_000)}${'x'.repeat(key)}${text.slice(50_000)}`);
      const from = performance.now();
      neighbours.visited({ uri, line: 2500 + (key % 10) });
      await neighbours.beside(uri);
      times.push(performance.now() - from);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)]!;
    t.diagnostic(
      `median ${at(0.5).toFixed(4)} ms, p99 ${at(0.99).toFixed(4)} ms, most ${at(0.999).toFixed(2)} ms`,
    );
    assert.ok(at(0.5) < 0.3, `${at(0.5)} ms`);
  });
});

describe('the room beside a document', () => {
  it('is none for a family without markers of files, nor before there is one', () => {
    assert.equal(roomBeside(undefined), 0);
    const fim = { ...READING.fim, files: undefined };
    assert.equal(roomBeside({ ...READING, fim } as unknown as Family), 0);
    assert.ok(roomBeside(READING as unknown as Family) > roomForOthers(READING));
  });
});

describe('the name of a document', () => {
  const folders = ['file:///home/me/work/app', 'file:///home/me/work/app/packages/one/'];
  for (const [uri, name, why] of [
    ['file:///home/me/work/app/src/a.ts', 'src/a.ts', 'its path in the folder'],
    ['file:///home/me/work/app/packages/one/b.ts', 'b.ts', 'in the innermost folder'],
    ['file:///home/me/work/application/a.ts', undefined, 'a folder whose name begins the same holds nothing'],
    ['file:///home/me/notes.ts', undefined, 'nothing outside'],
    ['file:///home/me/work/app/a%20b/%C3%A4.ts', 'a b/ä.ts', 'as people write it'],
    ['file:///home/me/work/app/a%0Ab.ts', 'a b.ts', 'on one line'],
    ['untitled:Untitled-1', undefined, 'nothing that is not in a folder'],
    ['vscode-notebook-cell:/home/me/work/app/n.ipynb#W0', 'n.ipynb', 'a cell by its notebook'],
    ['vscode-remote://ssh-remote%2Bhost/home/me/work/app/a.ts', undefined, 'nothing of another machine'],
  ] as const) {
    it(`${uri}: ${why}`, () => assert.equal(nameIn(folders, uri), name));
  }

  it('is its own where no folder is open, and never a path', () => {
    assert.equal(nameIn([], 'file:///home/me/a.ts'), 'a.ts');
    assert.equal(nameIn([], 'untitled:Untitled-1'), 'Untitled-1');
  });

  it('is found on a drive however its letter is written, and in a folder of another machine', () => {
    assert.equal(nameIn(['file:///c%3A/w'], 'file:///C:/w/a.ts'), 'a.ts');
    const remote = 'vscode-remote://ssh-remote%2Bhost/w';
    assert.equal(nameIn([remote], `${remote}/a.ts`), 'a.ts');
  });
});
