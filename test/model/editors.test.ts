/** The server as other editors start it: `foretype lsp --stdio`, each kind of client with what it says and understands. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { childrenOf, gone } from '../support/processes.ts';
import { startEditor, type StdioEditorOptions } from '../support/stdio-editor.ts';

const SOURCE = readFileSync(join(import.meta.dirname, '../../node_modules/fastify/lib/reply.js'), 'utf8');
const URI = 'file:///project/reply.js';
const INVOKED = 1;
const AUTOMATIC = 2;

/** A place in the source where models like to go on, in front of a bracket that the text replaces, or not. */
const before = SOURCE.slice(
  0,
  SOURCE.indexOf('if (this[kReplySerializer] ') + 'if (this[kReplySerializer] '.length,
);
const PLACE = { line: before.split('\n').length - 1, character: before.split('\n').at(-1)!.length };

/** An editor with the source open. It is asked to leave at the end, and must have heard nothing but the protocol. */
async function editor(t: TestContext, options: StdioEditorOptions & { language?: string }) {
  const started = await startEditor(options);
  t.after(async () => {
    const left = await started.stop();
    assert.equal(started.strayed(), '');
    assert.equal(left, 0);
  });
  const language = options.language ?? 'javascript';
  started.open(URI, SOURCE, language);
  let copies = 0;
  /** Whether anything is, in a document that was not asked about before. */
  const offered = async (kind: unknown = AUTOMATIC) => {
    const uri = `file:///project/copy-${++copies}.js`;
    started.open(uri, SOURCE, language);
    return (await started.items(uri, PLACE, kind)).length > 0;
  };
  const logged = () =>
    started.heard
      .filter(({ method }) => method === 'window/logMessage')
      .map(({ params }) => (params as { message: string }).message);
  return { ...started, offered, logged };
}

const asks = { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } } };

describe('settings', () => {
  it('are asked for where the editor can be asked, at the start and after each change', async (t) => {
    let set: unknown = { languages: { '*': true, javascript: false } };
    const configuration = () => set;
    const client = await editor(t, { initialize: { capabilities: asks }, configuration });
    const asked = ({ method }: { method?: string }) => method === 'workspace/configuration';
    assert.deepEqual((await client.until(asked)).params, { items: [{ section: 'foretype' }] });
    assert.equal(await client.offered(), false);
    const { params } = await client.until(({ method }) => method === 'client/registerCapability');
    assert.match(JSON.stringify(params), /"workspace\/didChangeConfiguration".*"section":"foretype"/u);
    set = { languages: { '*': true } };
    const heard = client.heard.length;
    client.notify('workspace/didChangeConfiguration', { settings: null });
    await client.until(asked, heard);
    assert.equal(await client.offered(), true);
  });

  it('of the start count until the editor says more, and where it says nothing', async (t) => {
    const initializationOptions = { languages: { javascript: false } };
    const client = await editor(t, {
      initialize: { capabilities: asks, initializationOptions },
      configuration: () => ({ power: 'solar' }),
    });
    await client.until(({ method }) => method === 'workspace/configuration');
    assert.equal(await client.offered(), false);
    client.notify('workspace/didChangeConfiguration', { settings: {} });
    await client.until(
      ({ method }) => method === 'workspace/configuration',
      client.heard.findIndex(({ method }) => method === 'workspace/configuration') + 1,
    );
    assert.equal(await client.offered(), false);
    const about = client.logged().filter((line) => line.includes('power'));
    assert.deepEqual(about, ['Setting power: expected auto, mains, battery or saver, got "solar".']);
  });

  it('are taken from a change that has them, nested as in VS Code or by their own names', async (t) => {
    const client = await editor(t, {});
    assert.equal(await client.offered(), true);
    for (const [settings, offered] of [
      [{ foretype: { languages: { javascript: false } } }, false],
      [{ foretype: { enabled: true } }, true],
      [{ 'foretype.enabled': false }, false],
      [{ foretype: { edge: { url: '' } } }, true],
    ] as const) {
      client.notify('workspace/didChangeConfiguration', { settings });
      assert.equal(await client.offered(), offered, JSON.stringify(settings));
    }
    assert.ok(client.heard.every(({ method }) => method !== 'workspace/configuration'));
  });

  it('may be those of the start only', async (t) => {
    const initializationOptions = { foretype: { languages: { javascript: false } } };
    const client = await editor(t, { initialize: { initializationOptions } });
    assert.equal(await client.offered(), false);
    assert.equal(await client.offered(INVOKED), true);
  });

  it('that a client pushes by itself are not asked for, nor taken from anywhere else', async (t) => {
    const client = await editor(t, {
      initialize: { capabilities: asks, initializationOptions: { pushesSettings: true } },
      configuration: () => ({ enabled: true }),
      env: { FORETYPE_EDGE_TOKEN: 'ft_environment' },
    });
    client.notify('foretype/settings', { enabled: false, shareEngine: false });
    client.notify('workspace/didChangeConfiguration', { settings: null });
    client.notify('workspace/didChangeConfiguration', { settings: { foretype: { enabled: true } } });
    assert.equal(await client.offered(), false);
    assert.ok(client.heard.every(({ method }) => method !== 'workspace/configuration'));
  });

  for (const place of ['a file', 'the environment'] as const) {
    it(`have a token from ${place}`, async (t) => {
      const node = createServer((_request, response) => response.writeHead(503).end()).listen(0, '127.0.0.1');
      await once(node, 'listening');
      t.after(() => node.close());
      const folder = mkdtempSync(join(tmpdir(), 'foretype-token-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'token');
      writeFileSync(file, 'ft_secret\n');
      const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
      const seen = Promise.withResolvers<string | undefined>();
      const look = ({ headers }: { headers: { authorization?: string | undefined } }) =>
        seen.resolve(headers.authorization);
      node.on('request', look).on('upgrade', (request, socket) => {
        look(request);
        socket.destroy();
      });
      await editor(t, {
        initialize: { capabilities: asks },
        configuration: () => ({ edge: { url, ...(place === 'a file' && { tokenFile: file }) } }),
        ...(place === 'the environment' && { env: { FORETYPE_EDGE_TOKEN: 'ft_secret' } }),
      });
      assert.equal(await seen.promise, 'Bearer ft_secret');
    });
  }
});

describe('an editor', () => {
  it('that counts triggers as the drafts of LSP 3.18 did is understood from its first 0 on', async (t) => {
    const client = await editor(t, { initialize: { initializationOptions: { automatic: false } } });
    assert.equal(await client.offered(1), true);
    assert.equal(await client.offered(0), true);
    assert.equal(await client.offered(1), false);
    assert.equal(await client.offered('typed'), false);
    assert.equal(await client.offered(2), false);
    assert.equal(await client.offered(1), true);
  });

  it('that sends documents whole, in a language that it has no name for, is answered for what stands there', async (t) => {
    const client = await editor(t, { language: '' });
    assert.equal(await client.offered(AUTOMATIC), false);
    assert.equal(await client.offered(INVOKED), true);
    client.change(URI, `${SOURCE.slice(0, before.length)}\n`);
    const [item] = await client.items(URI, PLACE, INVOKED);
    assert.ok(item);
    client.change(URI, '');
    assert.deepEqual(await client.items(URI, PLACE, INVOKED), []);
  });

  const general = { positionEncodings: ['utf-8', 'utf-32', 'utf-16'] };
  const line = before.slice(before.lastIndexOf('\n') + 1);
  for (const [clientInfo, from, told] of [
    [{ name: 'Visual Studio Code', version: '1.106.0' }, 0, true],
    [{ name: 'Neovim', version: '0.12.0' }, PLACE.character, true],
    [{ name: 'emacs', version: 'GNU Emacs 30.1' }, PLACE.character, false],
    [{ name: 'WebStorm 2025.2.1', version: '2025.2.1 (build WS-252.25557.126)' }, PLACE.character, false],
  ] as const) {
    it(`called ${clientInfo.name} gets what it understands`, async (t) => {
      const client = await editor(t, { initialize: { clientInfo, capabilities: { general } } });
      assert.equal(client.capabilities['positionEncoding'], 'utf-16');
      const [item] = await client.items(URI, PLACE, AUTOMATIC);
      const { start, end } = item!.range!;
      assert.deepEqual([start, end], [{ line: PLACE.line, character: from }, PLACE]);
      assert.equal((item!.insertText as string).startsWith(line), from === 0);
      const ours = client.heard.filter(({ method }) => method?.startsWith('foretype/'));
      assert.equal(ours.length > 0, told);
      assert.deepEqual(client.logged(), []);
    });
  }

  it('says by its options what it wants where its name says something else', async (t) => {
    const initializationOptions = { items: 'cursor', notifications: false, invokedKind: 0, automatic: false };
    const client = await editor(t, { initialize: { initializationOptions } });
    assert.equal(await client.offered(1), false);
    const [item] = await client.items(URI, PLACE, 0);
    assert.deepEqual(item!.range!.start, PLACE);
    assert.ok(client.heard.every(({ method }) => !method?.startsWith('foretype/')));
  });
});

describe('the process', () => {
  it('ends when the process is gone that started it, though somebody else holds its pipes', async (t) => {
    const parent = spawn('sleep', ['100']);
    const client = await startEditor({ initialize: { processId: parent.pid } });
    t.after(() => client.kill());
    parent.kill();
    assert.equal(await client.exit, 1);
  });

  it('ends with 1 where the editor leaves without a word, and takes its model with it', async (t) => {
    for (const leave of ['exit', 'hang up'] as const) {
      const client = await startEditor({});
      t.after(() => client.kill());
      client.open(URI, SOURCE, 'javascript');
      assert.ok((await client.items(URI, PLACE, INVOKED)).length > 0);
      const engines = await childrenOf(client.pid);
      assert.equal(engines.length, 1);
      if (leave === 'exit') client.notify('exit');
      else client.hangUp();
      assert.equal(await client.exit, 1, leave);
      await gone(engines);
      assert.equal(client.strayed(), '');
    }
  });
});
