/** The whole path with real parts: language server, draft engine, channel, edge node, target engine. */
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource, InlineCompletionTriggerKind } from 'vscode-languageserver/node';
import { Client } from '../../server/src/client.ts';
import type { ServerSettings, ServerStatus } from '../../server/src/protocol.ts';
import { EdgeNode } from '../support/node.ts';
import { childrenOf, gone } from '../support/processes.ts';

const SOURCE = readFileSync(join(import.meta.dirname, '../../node_modules/fastify/lib/reply.js'), 'utf8');
const URI = 'file:///project/reply.js';
/** The end of a line in the middle of the file that models like to go on from. */
const PLACE = placeAfter('if (this[kReplySerializer] ');

const connected = ({ edge, draft }: ServerStatus) => edge === 'connected' && draft === 'ready';

describe('a language server with an edge node', () => {
  const node = new EdgeNode();
  let client: Client;

  before(async () => {
    await node.start();
    ({ client } = await Client.start(settings()));
    await client.until(connected);
    await client.open(URI, SOURCE);
  });
  after(async () => {
    await client.stop();
    await node.dispose();
  });

  it('drafts here, verifies there, and says how', async () => {
    const text = await client.complete(URI, PLACE);
    const report = client.status!.lastCompletion!;
    assert.ok(text.length > 0);
    assert.equal(report.path, 'speculated');
    assert.ok(report.firstTextMs! <= report.verifiedMs!);
    assert.ok(report.bytesUp > 0 && report.bytesDown > 0 && report.accepted <= report.drafted);
  });

  let copies = 0;
  /** The same document under another name, of which nothing is remembered. */
  async function another(): Promise<string> {
    const uri = `file:///project/reply-${++copies}.js`;
    await client.open(uri, SOURCE);
    return uri;
  }

  it('sends little once the node knows the prompt: 60 bytes for it and for each round, and 16 a token down', async () => {
    await client.complete(URI, PLACE);
    await client.complete(await another(), PLACE);
    const { bytesUp, bytesDown, rounds, committed } = client.status!.lastCompletion!;
    const seen = `${bytesUp} up, ${bytesDown} down in ${rounds} rounds for ${committed} tokens`;
    assert.ok(bytesUp <= 60 * (1 + rounds) && bytesDown <= 30 * (1 + rounds) + 16 * committed, seen);
  });

  it('knows what it has found: at the place itself and behind what is typed of it, without any work', async () => {
    const text = await client.complete(URI, PLACE);
    const before = client.status!.lastCompletion;
    assert.equal(await client.complete(URI, PLACE), text);
    const offset = SOURCE.split('\n').slice(0, PLACE.line).join('\n').length + 1 + PLACE.character;
    const typed = `${SOURCE.slice(0, offset)}${text.slice(0, 2)}${SOURCE.slice(offset)}`;
    await client.change(URI, typed);
    const there = { ...PLACE, character: PLACE.character + 2 };
    assert.equal(await client.complete(URI, there), text.slice(2));
    assert.equal(client.status!.lastCompletion, before);
    await client.change(URI, SOURCE);
  });

  it('gives an item that replaces from the line start and matches what stands there', async () => {
    const [item] = await client.items(URI, PLACE, InlineCompletionTriggerKind.Invoked);
    const before = SOURCE.split('\n')[PLACE.line]!.slice(0, PLACE.character);
    assert.deepEqual(item!.range, { start: { line: PLACE.line, character: 0 }, end: PLACE });
    assert.ok((item!.insertText as string).startsWith(before));
    assert.equal(item!.filterText, item!.insertText);
    assert.equal(item!.command!.command, 'foretype.accepted');
  });

  const documents: [name: string, text: string, line: number, character: number][] = [
    ['an empty file', '', 0, 0],
    ['CRLF', 'function a() {\r\n  return this.\r\n}\r\n', 1, 14],
    ['tabs', 'function a() {\n\treturn this.\n}\n', 1, 13],
    ['after an emoji (UTF-16)', 'const s = "\u{1F600}" + this.\n', 0, 22],
    ['between the halves of a surrogate pair', 'const s = "\u{1F600}" + this.\n', 0, 12],
    ['a column beyond the line end', 'const a = this.\n', 0, 99],
  ];
  for (const [name, text, line, character] of documents) {
    it(`completes in ${name}`, async () => {
      const uri = `file:///project/${encodeURIComponent(name)}.ts`;
      await client.open(uri, text);
      const completion = await client.complete(uri, { line, character });
      assert.equal(client.status!.lastCompletion!.path, 'speculated');
      if (text.includes('\r\n')) assert.doesNotMatch(completion, /[^\r]\n/u);
      assert.doesNotMatch(completion, /\uFFFD/u);
    });
  }

  it('never tears a character nor reaches beyond the line, wherever the editor says the cursor is', async () => {
    const text = 'const s = "\u{1F600}" + this.\n';
    const uri = 'file:///project/tear.ts';
    await client.open(uri, text);
    for (const character of [12, 99]) {
      const items = await client.items(uri, { line: 0, character }, InlineCompletionTriggerKind.Invoked);
      for (const { range, insertText } of items) {
        const rest = text.split('\n')[0]!.slice(range!.end.character);
        assert.ok(range!.end.character <= 22);
        assert.ok(`${insertText as string}${rest}`.isWellFormed());
        assert.ok((insertText as string).startsWith(text.slice(0, range!.end.character)));
      }
    }
  });

  it('completes a block where that is wanted, each line as if the ones before had been accepted', async () => {
    const head = `${SOURCE.slice(0, SOURCE.indexOf('Reply.prototype.send'))}Reply.prototype.getTrailer = function (key) {`;
    const complete = async (text: string) => {
      const uri = `file:///project/block-${++copies}.js`;
      await client.open(uri, text);
      const lines = text.split('\n');
      return client.complete(uri, { line: lines.length - 1, character: lines.at(-1)!.length });
    };
    await client.configure({ ...settings(), multiline: 'always' });
    const block = await complete(head);
    assert.equal(client.status!.lastCompletion!.path, 'speculated');
    await client.configure({ ...settings(), multiline: 'never' });
    const lines = block.split('\n').slice(1);
    assert.ok(lines.length > 1, block);
    let written = head;
    for (const line of lines.slice(0, 4)) {
      assert.equal(await complete(written), `\n${line}`);
      written += `\n${line}`;
    }
    await client.configure(settings());
    assert.equal((await complete(head)).split('\n').length, 2, 'a family of lines completes lines');
  });

  it('gives nothing for a line that the document does not have, nor for a document it does not know', async () => {
    assert.equal(await client.complete(URI, { line: 100_000, character: 0 }), '');
    assert.equal(await client.complete('file:///unknown.ts', { line: 0, character: 0 }), '');
  });

  it('cancelled requests do not hold up the next one', async () => {
    for (let round = 0; round < 20; round++) {
      const source = new CancellationTokenSource();
      const items = client.items(
        URI,
        { line: 10 + round * 3, character: 2 },
        InlineCompletionTriggerKind.Automatic,
        source.token,
      );
      setTimeout(() => source.cancel(), round * 4);
      await items.catch((error: unknown) => assert.equal((error as { code?: number }).code, -32800));
    }
    const started = performance.now();
    assert.ok((await client.complete(URI, PLACE)).length > 0);
    assert.ok(performance.now() - started < 5_000);
  });

  it('the node is killed in the middle of a completion: the draft is shown, and all comes back by itself', async () => {
    const expected = await client.complete(await another(), PLACE);
    const target = await childrenOf(node.pid);
    const running = client.complete(await another(), { ...PLACE, character: 2 });
    await node.end('SIGKILL');
    await running;
    await client.until(({ edge }) => edge === 'away');
    assert.match(client.status!.reason!, /^The edge node .*\.$/u);
    assert.ok((await client.complete(await another(), PLACE)).length > 0);
    assert.equal(client.status!.lastCompletion!.path, 'draft');
    await gone(target);
    await node.start();
    await client.until(connected);
    assert.equal(await client.complete(await another(), PLACE), expected);
    assert.deepEqual([client.status!.lastCompletion!.path, client.status!.reason], ['speculated', null]);
  });

  it('the node’s engine is killed in the middle of a completion: the next one is verified again', async () => {
    const expected = await client.complete(await another(), PLACE);
    const running = client.complete(await another(), { ...PLACE, character: 2 });
    (await childrenOf(node.pid)).forEach((pid) => process.kill(pid, 'SIGKILL'));
    await running;
    await node.ready();
    assert.equal(await client.complete(await another(), PLACE), expected);
    assert.equal(client.status!.lastCompletion!.path, 'speculated');
  });

  it('the draft engine is killed in the middle of a completion: the next one works', async (t) => {
    const expected = await client.complete(await another(), PLACE);
    const running = client.complete(await another(), { ...PLACE, character: 2 });
    (await childrenOf(client.pid)).forEach((pid) => process.kill(pid, 'SIGKILL'));
    await running;
    // The server may hear of the end later than its client gets the next word in.
    const again = async () => assert.equal(await client.complete(await another(), PLACE), expected);
    await t.waitFor(again, { interval: 100, timeout: 20_000 });
    await client.until(connected);
  });

  it('a server that is killed leaves no engine behind', async () => {
    const other = (await Client.start(settings())).client;
    await other.until(connected);
    const engines = await childrenOf(other.pid);
    assert.equal(engines.length, 1);
    process.kill(other.pid, 'SIGKILL');
    await gone([other.pid, ...engines]);
  });

  it('a wrong token, and then the right one', async () => {
    const other = (await Client.start({ ...settings(), edgeToken: 'ft_wrong' })).client;
    const { reason } = await other.until(({ edge }) => edge === 'refused');
    assert.equal(reason, `The edge node at ${node.url} refused the token; set a valid one.`);
    await other.open(URI, SOURCE);
    await other.until(({ draft }) => draft === 'ready');
    assert.ok((await other.complete(URI, PLACE)).length > 0);
    assert.equal(other.status!.lastCompletion!.path, 'draft');
    await other.configure(settings());
    assert.equal((await other.until(connected)).reason, null);
    await other.stop();
  });

  it('a family that the node does not serve: drafts only, and one sentence', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'foretype-family-'));
    cpSync(EMBEDDED_FAMILY, directory, { recursive: true });
    const family = JSON.parse(readFileSync(join(directory, 'family.json'), 'utf8')) as { id: string };
    writeFileSync(join(directory, 'family.json'), JSON.stringify({ ...family, id: 'another' }));
    const other = (await Client.start(settings(), { FORETYPE_FAMILY: directory })).client;
    const { reason } = await other.until(({ edge }) => edge === 'refused');
    const served = `The edge node serves the model family "${family.id}" and this editor drafts with "another"; `;
    assert.ok(reason!.startsWith(served) && reason!.endsWith('.'), reason!);
    await other.stop();
    rmSync(directory, { recursive: true });
  });

  it('an adapter that the node does not have: the draft is shown', async () => {
    const other = (await Client.start({ ...settings(), adapter: 'nobody' })).client;
    await other.until(connected);
    await other.open(URI, SOURCE);
    assert.ok((await other.complete(URI, PLACE)).length > 0);
    assert.equal(other.status!.lastCompletion!.path, 'draft');
    await other.stop();
  });

  it('the adapter that was asked for writes', async () => {
    const { name } = (await loadFamily(EMBEDDED_FAMILY)).adapters[0]!;
    const other = (await Client.start({ ...settings(), adapter: name })).client;
    await other.until(connected);
    await other.open(URI, SOURCE);
    await other.complete(URI, PLACE);
    assert.equal(other.status!.lastCompletion!.adapter, name);
    await other.stop();
  });

  function settings(): Partial<ServerSettings> {
    return { edgeUrl: node.url, edgeToken: node.token };
  }
});

describe('a language server by itself', () => {
  it('answers initialize with no model loaded, loads behind it, and completes from the draft', async () => {
    const { client, initialized } = await Client.start({});
    assert.equal(client.status, undefined);
    assert.equal(initialized.capabilities.inlineCompletionProvider, true);
    await client.open(URI, SOURCE);
    assert.ok(
      (await client.complete(URI, PLACE)).length > 0,
      'A request that came before the model waits for it.',
    );
    assert.deepEqual([client.status!.lastCompletion!.path, client.status!.edge], ['draft', 'off']);
    await client.stop();
  });

  it('switched off it gives nothing, switched on it completes', async () => {
    const { client } = await Client.start({ enabled: false });
    await client.open(URI, SOURCE);
    await client.until(({ draft }) => draft === 'ready');
    assert.equal(await client.complete(URI, PLACE), '');
    await client.configure({ enabled: true });
    assert.ok((await client.complete(URI, PLACE)).length > 0);
    await client.stop();
  });

  it('without a model file it says which, and the editor goes on', async () => {
    const { client } = await Client.start({}, { FORETYPE_FAMILY: '/nowhere' });
    const { reason } = await client.until(({ draft }) => draft === 'failed');
    assert.match(
      reason!,
      /^The family manifest \/nowhere\/family\.json cannot be read; install the model family again\.$/u,
    );
    await client.open(URI, SOURCE);
    assert.equal(await client.complete(URI, PLACE), '');
    await client.stop();
  });

  for (const edgeUrl of ['nonsense', 'ftp://host', 'http://']) {
    it(`refuses the edge URL ${edgeUrl} in one sentence`, async () => {
      const { client } = await Client.start({ edgeUrl });
      const { reason } = await client.until(({ edge }) => edge === 'refused');
      assert.equal(reason, `The edge node's URL "${edgeUrl}" is not an http:// or https:// URL.`);
      await client.stop();
    });
  }
});

function placeAfter(text: string): { line: number; character: number } {
  const lines = SOURCE.split('\n');
  const line = lines.findIndex((content) => content.includes(text));
  return { line, character: lines[line]!.indexOf(text) + text.length };
}
