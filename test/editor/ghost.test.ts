import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EdgeNode } from '../support/node.ts';
import { REGISTRY } from './registry.ts';
import { filesWith } from './search.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

/** How the status item tells of the last completion. */
const VERIFIED = /(?:verified|written) by the edge node\. Writing it took \d+ ms/;
const DRAFTED = /drafted here\. Writing it took \d+ ms\. It was not verified[.:]/;

describe('ghost text in VS Code', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  const edge = new EdgeNode();
  let workbench: Workbench;
  /** The file as it must be by now. */
  let expected = REGISTRY;

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    resources.defer(() => edge.dispose());
    await edge.start();
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY },
      settings: { 'foretype.edge.url': edge.url },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
  });

  after(() => resources.disposeAsync());

  /** Types, accepts what is offered, saves, and checks how it was made and that the file holds just that. */
  async function complete(typed: string, made: RegExp, picture?: string): Promise<void> {
    await workbench.typeAtEnd(typed);
    await workbench.ghostText();
    if (picture !== undefined) await workbench.screenshot(picture);
    // Who asks by a key waits for the edge node however slow this machine is; while typing, a draft would do.
    // Again, since a server that was started anew may not have met the node yet.
    await until(async () => {
      await workbench.page.keyboard.press('Alt+Backslash');
      return made.test(await workbench.tooltip());
    });
    const ghost = await workbench.ghostText();
    await workbench.page.keyboard.press('Tab');
    expected += typed + ghost;
    await workbench.saved('registry.ts', expected);
  }

  test('an edge node that wants a token is refused in one place, the status item', async () => {
    await workbench.status('Drafts only: the edge node cannot be used.');
    assert.match(await workbench.tooltip(), /asks for a token; set one/);
    assert.deepEqual(await workbench.messages(), []);
  });

  test('the token is taken from the input box and kept in no file', async () => {
    const { token } = edge;
    assert.match(token, /^ft_/);
    await workbench.runCommand('Foretype: Set Edge Token');
    await workbench.answer(token);
    await workbench.status('Connected to the edge node.');
    assert.deepEqual(await filesWith(token, [workbench.server.userData, workbench.server.workspace]), []);
  });

  test('ghost text is shown, verified, accepted with Tab and saved', async () => {
    await complete('  async load(name', VERIFIED, 'ghost-text.png');
  });

  test('with the edge node gone, drafts go on without a word', async () => {
    await edge.end('SIGKILL');
    await workbench.status('Drafts only: the edge node is away.');
    await complete('\n  }\n\n  async save(name', DRAFTED);
    assert.deepEqual(await workbench.messages(), []);
  });

  test('the edge node is used again when it is back', async () => {
    await edge.start();
    await workbench.status('Connected to the edge node.');
    await complete('\n  }\n\n  async send(name', VERIFIED);
    assert.deepEqual(await workbench.messages(), []);
  });

  for (const script of ['engine-child.mjs', 'server.mjs']) {
    test(`${script} is started again when it crashes`, async () => {
      await workbench.server.killAndAwaitNext(script);
      await workbench.status('Connected to the edge node.');
      await complete(`\n  }\n\n  async ${script === 'server.mjs' ? 'read' : 'write'}(name`, VERIFIED);
      assert.deepEqual(await workbench.messages(), []);
    });
  }

  test('an empty answer forgets the token', async () => {
    await workbench.runCommand('Foretype: Set Edge Token');
    await workbench.answer('');
    await workbench.status('Drafts only: the edge node cannot be used.');
  });

  test('nobody tried to reach another host', async () => {
    assert.deepEqual(await workbench.offHost(), []);
  });
});
