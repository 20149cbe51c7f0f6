/** Measures of use through the language server, as an editor sees them. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import { isUsageReport, type UsageRow } from '@foretype/edge-node/protocol';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import {
  createConnection,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExecuteCommandRequest,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type InlineCompletionItem,
  type InlineCompletionList,
} from 'vscode-languageserver/node';
import { serve } from '../../server/src/lsp.ts';
import { DismissedNotification, ForgetUsageRequest, UsageRequest } from '../../server/src/protocol.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';
import { FakeNode } from '../support/fake-node.ts';

const LIMIT = { timeout: 30_000 };
const TEXT = 'const a = 1;\nconst b = \n';
const uri = 'untitled:one.ts';

/** A family whose tokens are bytes. */
function familyIn(root: string): string {
  const directory = join(root, 'family');
  const manifest = JSON.parse(readFileSync(join(EMBEDDED_FAMILY, 'family.json'), 'utf8')) as object;
  const { prefix, suffix, middle, end, tokenizer } = FAKE;
  mkdirSync(directory);
  const fim = { prefix, suffix, middle, order: 'prefix-first' };
  const made = {
    ...manifest,
    id: 'fake',
    tokenizer: { fingerprint: tokenizer, end: [end] },
    fim,
    adapters: [],
  };
  writeFileSync(join(directory, 'family.json'), JSON.stringify(made));
  return directory;
}

/** An editor with one document, and a server that keeps its counts in a directory. */
async function editor(t: TestContext, settings: object = {}) {
  const root = mkdtempSync(join(tmpdir(), 'foretype-usage-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const usage = join(root, 'usage');
  const [up, down] = [new PassThrough(), new PassThrough()];
  const server = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
  serve(server, {
    family: familyIn(root),
    version: '0.0.0',
    engine: (_spec, onState) => {
      onState?.({ status: 'ready', reason: null });
      return new FakeEngine({ seed: 3 });
    },
  });
  server.listen();
  const client = createProtocolConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  client.listen();
  await client.sendRequest(InitializeRequest.type, {
    processId: null,
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field.
    rootUri: null,
    workspaceFolders: null,
    capabilities: { textDocument: { inlineCompletion: {} } },
    initializationOptions: { ...settings, usageDirectory: usage },
  });
  await client.sendNotification(InitializedNotification.type, {});
  const open = (of: string) =>
    client.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri: of, languageId: 'typescript', version: 1, text: TEXT },
    });
  await open(uri);
  let version = 1;
  const end = { line: 1, character: 10 };
  const items = async (
    of = uri,
    triggerKind: InlineCompletionTriggerKind = InlineCompletionTriggerKind.Invoked,
  ) => {
    const params = { textDocument: { uri: of }, position: end, context: { triggerKind } };
    const answer: InlineCompletionItem[] | InlineCompletionList | null = await client.sendRequest(
      InlineCompletionRequest.type,
      params,
    );
    return (Array.isArray(answer) ? answer : answer?.items) ?? [];
  };
  const ask = async (...of: Parameters<typeof items>) => (await items(...of))[0];
  const held = () => client.sendRequest(UsageRequest);
  return {
    usage,
    open,
    items,
    ask,
    held,
    /** The one row of the report. */
    row: async (): Promise<UsageRow> => {
      const { report } = await held();
      assert.ok(isUsageReport(report), JSON.stringify(report));
      const [row, ...others] = report.days.flatMap(({ rows }) => rows);
      assert.equal(others.length, 0);
      return row!;
    },
    accept: async ({ range, insertText, command }: InlineCompletionItem) => {
      const contentChanges = [{ range: range!, text: insertText as string }];
      const textDocument = { uri, version: ++version };
      await client.sendNotification(DidChangeTextDocumentNotification.type, { textDocument, contentChanges });
      const { command: name, arguments: args } = command!;
      await client.sendRequest(ExecuteCommandRequest.type, {
        command: name,
        ...(args && { arguments: args }),
      });
    },
    dismiss: () => client.sendNotification(DismissedNotification, { uri }),
    close: () => client.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } }),
    forget: () => client.sendRequest(ForgetUsageRequest),
    stop: async () => {
      await client.sendRequest(ShutdownRequest.type);
      client.dispose();
    },
  };
}

describe('measures of use through the language server', LIMIT, () => {
  it('count what was given, accepted and dismissed, and are written when the server ends', async (t) => {
    const { usage, ask, accept, dismiss, row, held, stop } = await editor(t);
    const first = (await ask())!;
    await dismiss();
    const again = (await ask())!;
    assert.equal(again.insertText, first.insertText);
    await accept(again);
    const { requests, shown, offered, outcomes, characters, latency } = await row();
    assert.deepEqual([requests, shown], [2, 2]);
    assert.deepEqual([offered.draft + offered.cache, outcomes.rejected, outcomes.accepted], [2, 1, 1]);
    const length = (first.insertText as string).length - 'const b = '.length;
    assert.deepEqual(characters, { shown: 2 * length, accepted: length, typed: 0 });
    assert.equal(Object.keys({ ...latency.draft, ...latency.cache }).length > 0, true);
    const { directory, wouldSend } = await held();
    assert.deepEqual([directory, wouldSend], [usage, false]);
    await stop();
    const files = readdirSync(usage);
    assert.equal(files.length, 1);
    const written = readFileSync(join(usage, files[0]!), 'utf8');
    assert.ok(isUsageReport(JSON.parse(written)));
    for (const word of ['const', 'untitled', 'one', (first.insertText as string).slice(10)])
      assert.ok(!written.includes(word), word);
  });

  it('have the text that was chosen of several', async (t) => {
    const node = await FakeNode.start(t);
    const { items, accept, row, stop } = await editor(t, { edgeUrl: node.url, edgeToken: 'ft_token' });
    const peer = await node.welcomed();
    const answer = items();
    peer.verdict((await peer.round()).id, 0, [...Buffer.from(' 42;\n')]);
    const [first, second] = await answer;
    assert.equal(first!.insertText, 'const b = 42;');
    assert.deepEqual(
      [first!.command!.arguments, second!.command!.arguments],
      [
        [uri, 0],
        [uri, 1],
      ],
    );
    await accept(second!);
    const { outcomes, characters } = await row();
    assert.deepEqual([outcomes.accepted, outcomes.rejected, outcomes.ignored], [1, 0, 0]);
    const length = (second!.insertText as string).length - 'const b = '.length;
    assert.notEqual(length, '42;'.length);
    assert.deepEqual(characters, { shown: length, accepted: length, typed: 0 });
    await stop();
  });

  it('tell why there was nothing', async (t) => {
    const { open, ask, row, stop } = await editor(t, { automatic: false });
    const secrets = 'untitled:/w/.env';
    await open(secrets);
    assert.equal(await ask(secrets), undefined);
    assert.equal(await ask(uri, InlineCompletionTriggerKind.Automatic), undefined);
    const { requests, unanswered } = await row();
    assert.equal(requests, 2);
    assert.deepEqual([unanswered.off, unanswered.excluded], [1, 1]);
    await stop();
  });

  it('are forgotten when asked', async (t) => {
    const { usage, ask, forget, held, close, stop } = await editor(t);
    await ask();
    await close();
    await forget();
    assert.deepEqual((await held()).report.days, []);
    await stop();
    assert.throws(() => readdirSync(usage), { code: 'ENOENT' });
  });

  it('are not taken where they are turned off, and would be sent only where a node is named', async (t) => {
    const off = await editor(t, { measureUsage: false, shareUsage: true });
    await off.ask();
    const { report, wouldSend } = await off.held();
    assert.deepEqual([report.days, wouldSend], [[], false]);
    await off.stop();
    const on = await editor(t, { shareUsage: true, edgeUrl: 'http://127.0.0.1:9' });
    assert.equal((await on.held()).wouldSend, true);
    await on.stop();
  });
});
