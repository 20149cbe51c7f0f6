import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  createProtocolConnection,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { StatusNotification } from '@foretype/server/protocol';
import { attemptsOf, attemptsOfScript, cutOff } from './cut-off.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { Workbench } from './workbench.ts';

/** A machine without a network: what ships must work, and must not even try to reach somebody. */
describe('with the network cut', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();

  before(() => ensureCodeServer());
  after(() => resources.disposeAsync());

  test('the kernel tells of whatever is tried', async () => {
    const tries = (code: string) =>
      attemptsOfScript(
        `${code}; setTimeout(() => process.stdout.write('\\n'), 500); setTimeout(() => 0, 1e9)`,
      );
    const connect = (host: string) => `require('node:net').connect(9, '${host}').on('error', () => {})`;
    assert.deepEqual(await tries('0'), { away: 0, loopback: 0 });
    assert.ok((await tries(connect('192.0.2.1'))).away > 0);
    assert.ok((await tries(connect('2001:db8::1'))).away > 0);
    assert.ok((await tries(connect('foretype.example'))).away > 0);
    assert.ok((await tries(connect('127.0.0.1'))).loopback > 0);
  });

  test('the language server completes from a cold start, by no connection at all', async (t) => {
    const { directory } = await extensionUnderTest();
    const [command, ...args] = [
      ...cutOff(),
      process.execPath,
      join(directory, 'dist', 'server.mjs'),
      '--stdio',
    ];
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => server.kill('SIGKILL'));
    const connection = createProtocolConnection(
      new StreamMessageReader(server.stdout),
      new StreamMessageWriter(server.stdin),
    );
    const ready = Promise.withResolvers<undefined>();
    connection.onNotification(StatusNotification, ({ draft, reason }) => {
      if (draft === 'ready') ready.resolve(undefined);
      if (draft === 'failed') ready.reject(new Error(reason ?? 'The draft model failed.'));
    });
    connection.listen();
    await connection.sendRequest(InitializeRequest.type, {
      processId: null,
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field; null says: no folder.
      rootUri: null,
      capabilities: {},
    });
    await connection.sendNotification(InitializedNotification.type, {});
    const uri = pathToFileURL(join(directory, 'registry.ts')).href;
    const text = `${REGISTRY}  async load(name`;
    await connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: 'typescript', version: 1, text },
    });
    await ready.promise;
    const lines = text.split('\n');
    const answer = await connection.sendRequest(InlineCompletionRequest.type, {
      textDocument: { uri },
      position: { line: lines.length - 1, character: lines.at(-1)!.length },
      context: { triggerKind: InlineCompletionTriggerKind.Automatic },
    });
    const items = Array.isArray(answer) ? answer : (answer?.items ?? []);
    assert.ok(items.length > 0, 'It offers nothing.');
    assert.deepEqual(await attemptsOf(server.pid!), { away: 0, loopback: 0 });
    const exit = once(server, 'exit');
    await connection.sendRequest(ShutdownRequest.type);
    await connection.sendNotification(ExitNotification.type);
    assert.deepEqual((await exit)[0], 0);
  });

  test('VS Code shows ghost text from a cold start, and nobody tries to reach anybody', async () => {
    const { vsix } = await extensionUnderTest();
    const workbench = await Workbench.start({
      vsix,
      offline: true,
      files: { 'registry.ts': REGISTRY },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.typeAtEnd('  async load(name');
    const ghost = await workbench.ghostText();
    await workbench.page.keyboard.press('Tab');
    await workbench.saved('registry.ts', `${REGISTRY}  async load(name${ghost}`);
    assert.deepEqual(await workbench.messages(), []);
    assert.equal((await workbench.server.attempts()).away, 0);
    assert.deepEqual(await workbench.offHost(), []);
  });
});
