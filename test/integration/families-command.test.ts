/** Families as a user of a terminal, or of any editor, has them. */
import { EMBEDDED_FAMILY, fingerprintOf, parseGguf } from '@foretype/models';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import {
  createProtocolConnection,
  ExitNotification,
  InitializeRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { FamiliesRequest, ImportFamilyRequest, type FamilyList } from '../../server/src/protocol.ts';
import { fileServer, modelFile, sha256, TOKENS } from '../support/edge-catalogue.ts';

const SOURCES = join(import.meta.dirname, '../../server/src');
const DRAFT = modelFile({ tokens: TOKENS, name: 'draft' });
const MANIFEST = JSON.stringify({
  format: 1,
  id: 'made-1.0',
  licence: 'MIT',
  context: 128,
  tokenizer: { fingerprint: fingerprintOf(parseGguf(DRAFT, DRAFT.length)), end: [0] },
  fim: { prefix: 1, suffix: 2, middle: 3, order: 'prefix-first' },
  backbone: { file: 'backbone.gguf', bytes: 1, sha256: '0'.repeat(64) },
  draft: { file: 'draft.gguf', bytes: DRAFT.length, sha256: sha256(DRAFT) },
  adapters: [],
});

/** A user without families, who has a folder with one. */
async function user(t: TestContext) {
  const home = await mkdtemp(join(tmpdir(), 'foretype-home-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const copy = join(home, 'copy');
  await mkdir(copy);
  await writeFile(join(copy, 'draft.gguf'), DRAFT);
  await writeFile(join(copy, 'family.json'), MANIFEST);
  const families = join(home, 'foretype', 'families');
  const started = (file: string, args: string[]) =>
    spawn(process.execPath, [join(SOURCES, file), ...args], {
      cwd: home,
      env: { ...process.env, FORETYPE_FAMILIES: families, FORETYPE_FAMILY: EMBEDDED_FAMILY },
    });
  const run = async (...args: string[]) => {
    const child = started('cli.ts', args);
    const exit = once(child, 'exit') as Promise<[number | null]>;
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { code, out: out.trim(), err: err.trim() };
  };
  return { run, started, families, copy };
}

describe('foretype families', () => {
  it('lists what is here and what could be had, with size, licence and fit', async (t) => {
    const { run } = await user(t);
    const { code, out } = await run('families');
    assert.equal(code, 0);
    assert.match(out, /^foretype-small · embedded · \d+(\.\d)? M · \d+(\.\d)? MB · MIT · good$/m);
    assert.match(out, /^qwen2\.5-coder-1\.5b · to be had · 0\.49 B · 531 MB · Apache-2\.0 · \w+$/m);
    assert.match(
      out,
      /^ {2}The licence of its backbone allows research and evaluation, no commercial use\.$/m,
    );
    const json = JSON.parse((await run('families', '--json')).out) as FamilyList;
    assert.deepEqual([json.families[0]!.id, json.problems], ['foretype-small', []]);
  });

  it('imports a folder, and says what to set', async (t) => {
    const { run, families } = await user(t);
    const { code, out, err } = await run('families', 'import', 'copy');
    assert.deepEqual([code, out], [0, `made-1.0 is installed in ${join(families, 'made-1.0')}.`]);
    assert.match(err, /^Draft with it by the setting "family": "made-1\.0"\.$/m);
    assert.match((await run('families')).out, /^made-1\.0 · installed · /m);
    assert.match((await run('families', 'import', 'copy')).out, /^made-1\.0 is installed already, /);
  });

  it('removes what was imported, once', async (t) => {
    const { run, families } = await user(t);
    await run('families', 'import', 'copy');
    const { code, out, err } = await run('families', 'remove', 'made-1.0');
    assert.deepEqual([code, out], [0, 'made-1.0 is removed.']);
    assert.match(err, /^An editor whose setting "family" names it needs another one now\.$/);
    assert.deepEqual(readdirSync(families), []);
    const again = await run('families', 'remove', 'made-1.0');
    assert.deepEqual(
      [again.code, again.out, again.err],
      [1, '', '"made-1.0" is not installed; look at its name.'],
    );
  });

  it('pulls from an address, and says how far it is', async (t) => {
    const { run } = await user(t);
    const server = await fileServer(t);
    server.files.set('draft.gguf', DRAFT).set('family.json', Buffer.from(MANIFEST));
    const { code, err } = await run('families', 'pull', server.url);
    assert.equal(code, 0);
    assert.match(err, /is read over plain HTTP: /);
    assert.match(err, /^draft\.gguf: .* \(100 %\)$/m);
    assert.deepEqual(server.asked, ['family.json', 'draft.gguf']);
  });

  it('is called off by a key, and goes on where it ended', async (t) => {
    const { started, run } = await user(t);
    const server = await fileServer(t);
    server.files.set('draft.gguf', DRAFT).set('family.json', Buffer.from(MANIFEST));
    const child = started('cli.ts', ['families', 'pull', server.url]);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    server.next.set('draft.gguf', [
      (_request, response, file) => {
        response.writeHead(200, { 'content-length': file.length });
        response.write(file.subarray(0, 1000), () => resolve(undefined));
      },
    ]);
    const exit = once(child, 'exit') as Promise<[number | null]>;
    await promise;
    child.kill('SIGINT');
    assert.match(await text(child.stderr), /^It was called off; what came is kept, .*\.$/m);
    assert.deepEqual(await exit, [1, null]);
    assert.equal((await run('families', 'pull', server.url)).code, 0);
  });

  const wrong: [args: string[], code: number, message: RegExp][] = [
    [
      ['frobnicate'],
      2,
      /^Expected nothing, pull NAME\|URL, import FOLDER or remove NAME; see foretype --help\.$/,
    ],
    [['pull'], 2, /^Expected nothing, pull/],
    [['import', 'a', 'b'], 2, /^Expected nothing, pull/],
    [['remove'], 2, /^Expected nothing, pull/],
    [['remove', 'foretype-small'], 1, /^foretype-small is built in and cannot be removed\.$/],
    [['pull', 'qwen'], 1, /^The catalogue has no family "qwen"; it has qwen2\.5-coder-1\.5b, .*\.$/],
    [['import', 'none'], 1, /^The family manifest .*none.family\.json cannot be read; .*\.$/],
  ];
  for (const [args, code, message] of wrong)
    it(`${args.join(' ')}: one sentence, exit ${code}`, async (t) => {
      const { run } = await user(t);
      const result = await run('families', ...args);
      assert.deepEqual([result.code, result.out], [code, '']);
      assert.match(result.err, message);
    });
});

describe('the language server', () => {
  it('tells any client of families, and installs one', async (t) => {
    const { started, families, copy } = await user(t);
    const child = started('main.ts', ['--stdio']);
    const client = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    client.listen();
    t.after(() => {
      client.dispose();
      child.kill();
    });
    await client.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field; null says: no folder.
      rootUri: null,
      workspaceFolders: null,
      capabilities: {},
    });
    const before = await client.sendRequest(FamiliesRequest, {});
    assert.ok(before.families[0]!.used);
    const answer = await client.sendRequest(ImportFamilyRequest, { from: copy });
    assert.deepEqual(answer, { outcome: 'installed', id: 'made-1.0', setting: 'made-1.0', already: false });
    const after = await client.sendRequest(FamiliesRequest, {});
    assert.ok(after.families.some(({ id, where }) => id === 'made-1.0' && where === 'installed'));
    // What a process leaves behind that is killed while it installs is no family.
    await cp(join(families, 'made-1.0'), join(families, '.made-2.0.part'), { recursive: true });
    assert.equal((await client.sendRequest(FamiliesRequest, {})).families.length, after.families.length);
    await client.sendRequest(ShutdownRequest.type);
    const exit = once(child, 'exit');
    await client.sendNotification(ExitNotification.type);
    await exit;
  });
});
