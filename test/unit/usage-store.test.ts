import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { UsageReport } from '@foretype/edge-node/protocol';
import { OpenDocument } from '../../server/src/open-document.ts';
import { runUsage } from '../../server/src/usage/command.ts';
import { usageDirectory } from '../../server/src/usage/directory.ts';
import { Measures } from '../../server/src/usage/measures.ts';
import { emptyRow, merged } from '../../server/src/usage/rows.ts';
import { KEPT, UsageStore } from '../../server/src/usage/store.ts';

let directory = '';
const said: string[] = [];
const log = (message: string) => void said.push(message);
const storeOf = (id: string, day = '2026-11-22', at = directory) =>
  new UsageStore({ directory: at, id, day: () => day, log });
const reportOf = (...days: (readonly [day: string, requests: number])[]): UsageReport => ({
  version: 1,
  days: days.map(([day, requests]) => ({
    day,
    rows: [{ ...emptyRow({ language: 'c', adapter: false }), requests }],
  })),
});
const requestsIn = ({ days }: UsageReport) =>
  Object.fromEntries(days.map(({ day, rows }) => [day, rows.reduce((sum, row) => sum + row.requests, 0)]));

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'foretype-usage-')), 'usage');
  said.length = 0;
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

describe('the store of counts', () => {
  it('has a file for each process and day, and adds them up', async () => {
    const [a, b] = [storeOf('a'), storeOf('b')];
    assert.ok(await a.save(reportOf(['2026-11-21', 1], ['2026-11-22', 2])));
    assert.ok(await b.save(reportOf(['2026-11-22', 40])));
    assert.ok(await a.save(reportOf(['2026-11-21', 1], ['2026-11-22', 3])));
    assert.deepEqual((await readdir(directory)).toSorted(), [
      'usage-2026-11-21-a.json',
      'usage-2026-11-22-a.json',
      'usage-2026-11-22-b.json',
    ]);
    const all = requestsIn(merged(await storeOf('c').load()));
    assert.deepEqual(all, { '2026-11-21': 1, '2026-11-22': 43 });
    // What a process has in memory is not counted again from its files.
    assert.deepEqual(requestsIn(merged(await a.load())), { '2026-11-22': 40 });
  });

  it('is for its user alone, and has nothing of a path or a name in it', async () => {
    await storeOf('a').save(reportOf(['2026-11-22', 2]));
    const file = join(directory, 'usage-2026-11-22-a.json');
    if (process.platform !== 'win32') {
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.equal((await stat(directory)).mode & 0o777, 0o700);
    }
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), reportOf(['2026-11-22', 2]));
  });

  it('leaves out what cannot be read, and says so in one sentence', async () => {
    await storeOf('a').save(reportOf(['2026-11-22', 2]));
    await writeFile(join(directory, 'usage-2026-11-22-b.json'), '{"version":1,"da');
    await writeFile(
      join(directory, 'usage-2026-11-22-c.json'),
      '{"version":1,"days":[{"day":"x","rows":[]}]}',
    );
    await writeFile(join(directory, 'usage-2026-11-22-d.json.part'), '{');
    await writeFile(join(directory, 'mine.json'), '{}');
    const store = storeOf('z');
    for (let times = 0; times < 2; times++)
      assert.deepEqual(requestsIn(merged(await store.load())), { '2026-11-22': 2 });
    assert.equal(said.length, 2);
    for (const sentence of said) assert.match(sentence, /usage-2026-11-22-[bc]\.json does not hold .*\.$/);
  });

  it('deletes what is old, and the oldest of too many', async () => {
    await mkdir(directory, { recursive: true });
    const file = (name: string) => writeFile(join(directory, name), '{}');
    await file('usage-2026-08-23-a.json');
    await file('usage-2026-08-24-a.json');
    await file('notes.txt');
    await storeOf('b').save(reportOf(['2026-11-22', 1]));
    assert.deepEqual((await readdir(directory)).toSorted(), [
      'notes.txt',
      'usage-2026-08-24-a.json',
      'usage-2026-11-22-b.json',
    ]);
    for (let count = 0; count < KEPT.files; count++) await file(`usage-2026-11-01-x${count}.json`);
    await storeOf('c').save(reportOf(['2026-11-22', 1]));
    const left = await readdir(directory);
    assert.equal(left.length, KEPT.files + 1);
    assert.ok(!left.includes('usage-2026-08-24-a.json') && left.includes('usage-2026-11-22-c.json'));
  });

  it('forgets everywhere: a process whose file was deleted drops its counts', async () => {
    const [a, b] = [storeOf('a'), storeOf('b')];
    await a.save(reportOf(['2026-11-22', 1]));
    await b.save(reportOf(['2026-11-22', 2]));
    await writeFile(join(directory, 'notes.txt'), '');
    await a.forget();
    assert.deepEqual(await readdir(directory), ['notes.txt']);
    assert.equal(await b.save(reportOf(['2026-11-22', 3])), false);
    assert.deepEqual(await readdir(directory), ['notes.txt']);
    assert.ok(await b.save(reportOf(['2026-11-22', 1])));
    assert.deepEqual(requestsIn(merged(await a.load())), { '2026-11-22': 1 });
  });

  it('costs counts and nothing else where it cannot write', async () => {
    await mkdir(join(directory, '..'), { recursive: true });
    await writeFile(directory, 'a file');
    const store = storeOf('a');
    assert.ok(await store.save(reportOf(['2026-11-22', 1])));
    assert.ok(await store.save(reportOf(['2026-11-22', 2])));
    assert.equal(said.length, 1);
    assert.match(said[0]!, /cannot be written to .* \(E[A-Z]+\)\.$/);
    assert.deepEqual(await store.load(), []);
  });
});

describe('windows that measure at once', () => {
  const windowOf = (id: string) => {
    let tick: () => void = () => assert.fail('nothing was begun');
    const measures = new Measures({
      ...{ id, log, day: () => '2026-11-22', now: () => 0, documentOf: () => undefined },
      every: (_, run) => {
        tick = run;
        return () => undefined;
      },
    });
    measures.open(directory, undefined);
    measures.configure({ measureUsage: true, shareUsage: false, edgeUrl: '' });
    const document = OpenDocument.of('a', 'c', 1, '');
    const ask = () => measures.request(document, 'c', 0).none('nothing');
    return { measures, ask, tick: () => tick() };
  };

  it('show the same sum', async () => {
    const [a, b] = [windowOf('a'), windowOf('b')];
    a.ask();
    b.ask();
    b.ask();
    a.tick();
    b.tick();
    await a.measures.report();
    await b.measures.report();
    for (const { measures } of [a, b])
      assert.deepEqual(requestsIn(await measures.report()), { '2026-11-22': 3 });
  });

  it('write what is left when they close, and nothing where nothing was counted', async () => {
    const [a, b] = [windowOf('a'), windowOf('b')];
    a.ask();
    await a.measures.close();
    await b.measures.close();
    assert.deepEqual(await readdir(directory), ['usage-2026-11-22-a.json']);
  });

  it('forget together', async () => {
    const [a, b] = [windowOf('a'), windowOf('b')];
    a.ask();
    b.ask();
    a.tick();
    b.tick();
    await Promise.all([a.measures.report(), b.measures.report()]);
    await a.measures.forget();
    assert.deepEqual((await a.measures.report()).days, []);
    b.ask();
    await b.measures.close();
    assert.deepEqual((await b.measures.report()).days, []);
    assert.deepEqual(await readdir(directory), []);
  });
});

describe('foretype usage', () => {
  const run = async (task: 'show' | 'forget', at = directory) => {
    const [printed, noted]: [string[], string[]] = [[], []];
    const io = {
      print: (line: string) => void printed.push(line),
      note: (line: string) => void noted.push(line),
    };
    await runUsage(task, { directory: at, ...io });
    return { printed, noted };
  };

  it('prints all that is held, and deletes it', async () => {
    await storeOf('a').save(reportOf(['2026-11-22', 2]));
    await storeOf('b').save(reportOf(['2026-11-22', 3]));
    const { printed, noted } = await run('show');
    assert.deepEqual(requestsIn(JSON.parse(printed.join('')) as UsageReport), { '2026-11-22': 5 });
    assert.ok(noted.join('').includes(directory));
    await run('forget');
    assert.deepEqual(await readdir(directory), []);
    assert.deepEqual((JSON.parse((await run('show')).printed.join('')) as UsageReport).days, []);
  });

  it('says so where there is no place for it', async () => {
    assert.deepEqual(await run('show', ''), {
      printed: [],
      noted: ['There are no measures of use: the system names no directory for them.'],
    });
  });
});

describe('where counts lie for editors that give no directory', () => {
  for (const [platform, home, env, expected] of [
    ['linux', '/home/me', {}, '/home/me/.local/state/foretype/usage'],
    ['linux', '/home/me', { XDG_STATE_HOME: '/state' }, '/state/foretype/usage'],
    ['linux', '/home/me', { XDG_STATE_HOME: 'state' }, '/home/me/.local/state/foretype/usage'],
    ['darwin', '/Users/me', {}, '/Users/me/Library/Application Support/Foretype/usage'],
    ['linux', '', {}, ''],
    ['win32', 'C:/Users/me', {}, ''],
  ] as const)
    it(`${platform} ${JSON.stringify(env)}`, () =>
      assert.equal(usageDirectory(platform, home, env), expected));
  it('win32', () => assert.match(usageDirectory('win32', '', { LOCALAPPDATA: 'L' }), /^L.Foretype.usage$/));
});
