/** The language server's whole way from an editor's documents to the tokens that its model reads. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  createConnection,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DidSaveTextDocumentNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { serve } from '../../server/src/lsp.ts';
import { ExplainRequest } from '../../server/src/protocol.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const LIMIT = { timeout: 30_000 };
const SEPARATOR = 260;

const file = (name: string) =>
  Array.from({ length: 60 }, (_, at) => `const ${name}_${at} = ${at};`).join('\n');

/** A family whose tokens are bytes, and which was trained to read several files. */
function familyIn(directory: string): string {
  const manifest = JSON.parse(readFileSync(join(EMBEDDED_FAMILY, 'family.json'), 'utf8')) as object;
  mkdirSync(directory);
  const { prefix, suffix, middle, end, tokenizer } = FAKE;
  const made = {
    ...manifest,
    id: 'reads-files',
    context: 8192,
    tokenizer: { fingerprint: tokenizer, end: [end, SEPARATOR] },
    fim: { prefix, suffix, middle, order: 'prefix-first', files: { separator: SEPARATOR } },
    adapters: [],
  };
  writeFileSync(join(directory, 'family.json'), JSON.stringify(made));
  return directory;
}

/** A project on the disk, and an editor that has it open. */
async function editorIn(t: TestContext, files: Record<string, string>) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'foretype-context-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const project = join(root, 'app');
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  execFileSync('git', ['init', '--quiet', project]);

  const engine = new FakeEngine();
  const [up, down] = [new PassThrough(), new PassThrough()];
  const server = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
  serve(server, {
    family: familyIn(join(root, 'family')),
    version: '0.0.0',
    engine: (_spec, onState) => {
      onState?.({ status: 'ready', reason: null });
      return engine;
    },
  });
  server.listen();
  const client = createProtocolConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
  client.listen();
  t.after(async () => {
    await client.sendRequest(ShutdownRequest.type);
    client.dispose();
  });
  const uriOf = (name: string) => pathToFileURL(join(project, name)).href;
  await client.sendRequest(InitializeRequest.type, {
    processId: null,
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- LSP still demands the field.
    rootUri: null,
    workspaceFolders: [{ uri: pathToFileURL(project).href, name: 'app' }],
    capabilities: { textDocument: { inlineCompletion: {} } },
    initializationOptions: { languages: { '*': true } },
  });
  await client.sendNotification(InitializedNotification.type, {});
  let version = 1;
  const texts = new Map<string, string>();
  return {
    write,
    async open(name: string, text: string) {
      texts.set(name, text);
      const textDocument = { uri: uriOf(name), languageId: 'typescript', version: ++version, text };
      await client.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
    },
    async edit(name: string, from: string, to: string) {
      const text = texts.get(name)!.replace(from, to);
      texts.set(name, text);
      const textDocument = { uri: uriOf(name), version: ++version };
      await client.sendNotification(DidChangeTextDocumentNotification.type, {
        textDocument,
        contentChanges: [{ text }],
      });
    },
    async save(name: string) {
      write(name, texts.get(name)!);
      await client.sendNotification(DidSaveTextDocumentNotification.type, {
        textDocument: { uri: uriOf(name) },
      });
    },
    async close(name: string) {
      await client.sendNotification(DidCloseTextDocumentNotification.type, {
        textDocument: { uri: uriOf(name) },
      });
    },
    /** Has a place completed, and returns all that the model read for it. */
    async complete(name: string, line: number): Promise<string> {
      const known = engine.calls.length;
      await client.sendRequest(InlineCompletionRequest.type, {
        textDocument: { uri: uriOf(name) },
        position: { line, character: 999 },
        context: { triggerKind: InlineCompletionTriggerKind.Invoked },
      });
      const calls = engine.calls.slice(known);
      return calls.map(({ context, drafted }) => textOf([...context, ...drafted])).join('\n');
    },
    explain: (name: string) => client.sendRequest(ExplainRequest, { uri: uriOf(name) }),
    /** All that the model ever read. */
    read: () => engine.calls.map(({ context, drafted }) => textOf([...context, ...drafted])).join('\n'),
  };
}

/** Bytes as text, markers of files as a sign of their own. */
function textOf(tokens: readonly number[]): string {
  return Buffer.from(
    tokens.flatMap((token) => (token === SEPARATOR ? [...Buffer.from('¦')] : token < 256 ? [token] : [])),
  ).toString();
}

describe('a prompt', LIMIT, () => {
  it('has what stands beside its document, by paths in the project, and says so', async (t) => {
    const editor = await editorIn(t, { 'src/shapes.ts': 'export function area(): number;\n' });
    await editor.open('src/b.ts', file('beta'));
    await editor.open('src/a.ts', `import { area } from './shapes.ts';\n${file('alpha')}`);
    // The first completion waits for the family, so that nothing was known before it; with the second a cold disk may
    // take longer than anybody waits, and a file that is saved has all of it gathered anew.
    await editor.complete('src/a.ts', 20);
    await editor.complete('src/a.ts', 21);
    await editor.save('src/b.ts');
    const read = await editor.complete('src/a.ts', 22);
    assert.match(read, /¦src\/b\.ts\nconst beta_0/u);
    assert.match(read, /¦src\/shapes\.ts\nexport function area/u);
    assert.match(read, /¦src\/a\.ts\nimport/u);
    assert.doesNotMatch(editor.read(), /foretype-context-|\/app\//u);
    const explanation = await editor.explain('src/a.ts');
    assert.equal(explanation!.steps.at(-1), 'Read besides: 2 chunks of 2 files.');
  });

  it('never has what is ignored: secrets, what git ignores, what a .foretypeignore names', async (t) => {
    const ignored = {
      '.env': 'TOKEN_env_1=a\nTOKEN_env_2=b\nTOKEN_env_3=c\n',
      'dist/built.ts': file('built'),
      'private/plan.ts': file('plan'),
      'generated.ts': file('generated'),
    };
    const editor = await editorIn(t, {
      ...ignored,
      '.gitignore': 'dist/\n',
      '.foretypeignore': 'private/\n',
      'shown.ts': file('shown'),
    });
    await editor.open('main.ts', `import { a } from './dist/built.ts';\n${file('main')}`);
    await editor.complete('main.ts', 5);
    await editor.open('shown.ts', file('shown'));
    for (const [name, text] of Object.entries(ignored)) {
      await editor.open(name, text);
      await editor.edit(name, '1', '1_edited');
      // Some of them may be completed; what was read for that is their own.
      await editor.complete(name, 2);
      await editor.save(name);
    }
    const read = await editor.complete('main.ts', 50);
    assert.match(read, /shown_0/u);
    assert.match(read, /generated_0/u, 'it is not ignored yet');
    assert.doesNotMatch(read, /TOKEN|built_\d|plan_\d/u);
    assert.doesNotMatch(editor.read(), /TOKEN|plan_\d/u);

    editor.write('.foretypeignore', 'private/\ngenerated.ts\n');
    await editor.open('.foretypeignore', 'private/\ngenerated.ts\n');
    await editor.save('.foretypeignore');
    assert.doesNotMatch(await editor.complete('main.ts', 50), /generated_\d/u);
    for (const name of Object.keys(ignored)) await editor.close(name);
    const later = await editor.complete('main.ts', 3);
    assert.match(later, /shown_0/u);
    assert.doesNotMatch(later, /TOKEN|built_\d|plan_\d|generated_\d/u);
  });
});
