/** Somebody types in real files, through the real language server, with a real edge node. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../server/src/client.ts';
import type { ServerSettings } from '../../server/src/protocol.ts';
import { EdgeNode } from '../support/node.ts';
import { Typist } from '../support/typist.ts';

const modules = join(import.meta.dirname, '../../node_modules');
/** A file, and a line in it that is taken out and typed again. */
const FILES = [
  ['fastify/lib/reply.js', '  if (payload !== null) {'],
  ['undici/lib/core/util.js', '    const state = body._readableState'],
  ['vscode-jsonrpc/lib/common/cancellation.js', '    _isCancelled = false;'],
  ['typebox/build/value/check/check.mjs', 'export function Check(...args) {'],
] as const;

describe('a replay of typing', () => {
  const node = new EdgeNode();
  const directory = mkdtempSync(join(tmpdir(), 'foretype-replay-'));
  const traceFile = join(directory, 'trace.jsonl');
  let client: Client;

  before(async () => {
    await node.start();
    const settings = { edgeUrl: node.url, edgeToken: node.token, traceFile } as ServerSettings;
    ({ client } = await Client.start(settings));
    await client.until(({ edge, draft }) => edge === 'connected' && draft === 'ready');
  });
  after(async () => {
    await client.stop();
    await node.dispose();
    rmSync(directory, { recursive: true });
  });

  /** Completions that were begun so far. */
  const begun = () => {
    try {
      return readFileSync(traceFile, 'utf8').trimEnd().split('\n').length;
    } catch {
      return 0;
    }
  };
  const told = (t: TestContext, { tally }: Typist) => t.diagnostic(JSON.stringify(tally));
  const sound = ({ tally }: Typist) => {
    assert.deepEqual(tally.flickers, [], 'nothing changes under the cursor of whoever types what it says');
    assert.deepEqual(tally.duplicates, []);
  };

  for (const [name, line] of FILES)
    it(`${name}: a line typed, deleted, undone, pasted, and one somewhere else`, async (t) => {
      const text = readFileSync(join(modules, name), 'utf8').replaceAll('\r\n', '\n');
      const at = text.indexOf(line);
      assert.ok(at > 0, 'the line is there');
      const typist = await Typist.open(
        client,
        `file:///replay/${name}`,
        text.slice(0, at) + text.slice(at + line.length),
      );
      typist.offset = at;
      for (const key of line) {
        await typist.type(key);
        await sleep(15);
      }
      await typist.settled();
      for (let key = 0; key < 4; key++) await typist.replace(typist.offset - 1, typist.offset, '');
      await typist.settled();
      await typist.replace(typist.offset, typist.offset, line.slice(-4));
      await typist.replace(at, at + line.length, '');
      await typist.replace(at, at, `${line}\n${line}`);
      await typist.settled();
      typist.jump(typist.text.indexOf('\n', typist.text.length >> 1));
      await typist.type('\n  con', true);
      await typist.settled();
      told(t, typist);
      sound(typist);
      const { requests, cancelled, given } = typist.tally;
      assert.ok(cancelled > 0, 'keys come quicker than answers');
      assert.equal(requests, cancelled + Object.values(given).reduce((sum, count) => sum + count, 0));
    });

  it('what is shown and then typed costs nothing, and stays', async (t) => {
    const text = readFileSync(join(modules, FILES[0][0]), 'utf8');
    const at = text.indexOf('if (this[kReplySerializer] ');
    const typist = await Typist.open(client, 'file:///replay/through.js', text);
    typist.jump(text.indexOf('\n', at));
    await typist.type('\n', true);
    // The target's text takes the place of the draft before the typing begins, however long that takes here.
    for (let tries = 0; tries < 20 && !(typist.verified && typist.shown.length > 3); tries++) {
      await sleep(1200);
      await typist.replace(typist.offset, typist.offset, ' ');
      await typist.replace(typist.offset - 1, typist.offset, '');
      await typist.settled();
    }
    const { shown } = typist;
    assert.ok(typist.verified && shown.length > 3, JSON.stringify(shown));
    await sleep(1500);
    const before = begun();
    await typist.type(shown.slice(0, -1), true);
    await sleep(200);
    told(t, typist);
    sound(typist);
    assert.equal(typist.shown, shown.slice(-1));
    assert.equal(begun(), before, 'no completion was begun');
  });

  it('edits at several cursors are followed as any other', async (t) => {
    const text = 'const first = ;\nconst second = ;\n';
    const typist = await Typist.open(client, 'file:///replay/several.js', text);
    const after = 'const first = a;\nconst second = a;\n';
    await typist.replace(0, text.length, after);
    typist.jump(after.indexOf('a;') + 1);
    await typist.type('b', true);
    told(t, typist);
    sound(typist);
  });
});
