/** `npm start` as a user runs it, in a checkout of its own, so that the state of this one stays as it is. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { childrenOf, gone, groupOf } from '../support/processes.ts';

const root = join(import.meta.dirname, '../..');
const UP = 'Ctrl+C stops it.';

describe('npm start', () => {
  const checkout = mkdtempSync(join(tmpdir(), 'foretype-start-'));
  before(() => {
    for (const name of ['node_modules', 'models', 'edge-node', 'server', 'package.json', 'package-lock.json'])
      symlinkSync(join(root, name), join(checkout, name));
    cpSync(join(root, 'tools'), join(checkout, 'tools'), { recursive: true });
  });
  after(() => rmSync(checkout, { recursive: true }));

  it('--once: a completion with its numbers, exit 0, and nothing keeps running', async (t) => {
    const start = run(t, '--once');
    const pids = start.follow();
    assert.deepEqual(await start.ended, [0, null], start.stderr);
    assert.match(start.stdout, /if \(found !== weights\.sha256\) \{▏\s*\S/u);
    assert.match(start.stdout, /drafted here +\d+ tokens in \d+ rounds, of which the target accepted \d+/u);
    assert.match(start.stdout, /time to first text +\d+ ms/u);
    assert.match(start.stdout, /time to verified +\d+ ms/u);
    assert.match(start.stdout, /bytes +\d+ up, \d+ down/u);
    assert.equal(start.stderr, '');
    await gone(await pids);
  });

  it('Ctrl+C ends it with 0 and without a word, and nothing keeps running', async (t) => {
    const start = run(t, '--port', '0');
    await start.said(UP);
    const pids = await start.tree();
    assert.equal(pids.length, 4, 'bootstrap, start, the node and its engine');
    process.kill(-start.pid, 'SIGINT');
    assert.deepEqual([await start.ended, start.stderr], [[0, null], '']);
    await gone(pids);
  });

  for (const [when, processes] of [
    ['while its node loads', 3],
    ['in the middle of the completion', 6],
  ] as const) {
    it(`Ctrl+C ${when} ends it with 0 and without a word too`, async (t) => {
      const start = run(t, '--port', '0');
      while ((await start.tree()).length < processes) await new Promise((resolve) => setTimeout(resolve, 20));
      const pids = await start.tree();
      process.kill(-start.pid, 'SIGINT');
      assert.deepEqual([await start.ended, start.stderr], [[0, null], '']);
      assert.doesNotMatch(start.stdout, /keeps running/u);
      await gone(pids);
    });
  }

  it('one signal to start itself, and SIGTERM from npm and all above at once, end it the same way', async (t) => {
    for (const send of [
      (pids: number[]) => process.kill(pids[1]!, 'SIGINT'),
      (pids: number[]) => process.kill(-pids[0]!, 'SIGTERM'),
    ]) {
      const start = run(t, '--port', '0');
      await start.said(UP);
      const pids = await start.tree();
      send(pids);
      assert.deepEqual([await start.ended, start.stderr], [[0, null], '']);
      await gone(pids);
    }
  });

  it('killed, it leaves no node behind', async (t) => {
    const start = run(t, '--port', '0');
    await start.said(UP);
    const pids = await start.tree();
    process.kill(pids[1]!, 'SIGKILL');
    assert.deepEqual(await start.ended, [137, null]);
    await gone(pids);
  });

  it('a node that dies: one sentence, exit 1', async (t) => {
    const start = run(t, '--port', '0');
    await start.said(UP);
    const pids = await start.tree();
    process.kill(pids[2]!, 'SIGKILL');
    assert.deepEqual(await start.ended, [1, null]);
    assert.equal(start.stderr, 'The edge node ended with SIGKILL.\n');
    await gone(pids);
  });

  it('a port in use: one sentence, exit 1', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const start = run(t, '--port', String(port));
    assert.deepEqual(await start.ended, [1, null]);
    assert.match(start.stderr, /^[^\n]*\b\d+ is in use;[^\n]*\.\n$/u);
  });

  /** Starts it as npm does, in a process group as a terminal gives. */
  function run(t: TestContext, ...args: string[]) {
    const child = spawn(
      process.execPath,
      [join(checkout, 'tools/bootstrap.mjs'), 'tools/start.ts', ...args],
      { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const pid = child.pid!;
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    const start = {
      pid,
      stdout: '',
      stderr: '',
      ended: closed,
      /** Waits for words on standard output. */
      said: async (text: string) => {
        while (!start.stdout.includes(text)) {
          if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${start.stderr}`);
          await Promise.race([once(child.stdout, 'data'), closed]);
        }
      },
      /** It and all its descendants, parents before children. */
      tree: async () => {
        const found = [pid];
        for (const parent of found) found.push(...(await childrenOf(parent)));
        return found;
      },
      /** All that its descendants ever were, looked at often until it ends. */
      follow: async () => {
        const seen = new Set<number>();
        while (child.exitCode === null && child.signalCode === null) {
          (await start.tree()).forEach((each) => seen.add(each));
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return [...seen];
      },
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (start.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (start.stderr += text));
    t.after(async () => {
      for (const left of await groupOf(pid)) process.kill(left.pid, 'SIGKILL');
    });
    return start;
  }
});
