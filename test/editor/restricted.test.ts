import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OUT } from './code-server.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

describe('a workspace that wants code sent elsewhere', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  let workbench: Workbench;
  let url: string;
  let connections = 0;
  const trace = join(OUT, 'restricted-trace.jsonl');

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    const listener = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    resources.defer(() => void listener.close());
    url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    await rm(trace, { force: true });
    const wanted = { 'foretype.edge.url': url, 'foretype.trace.file': trace };
    workbench = await Workbench.start({
      vsix,
      trust: true,
      files: { 'registry.ts': REGISTRY, '.vscode/settings.json': JSON.stringify(wanted) },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
  });

  after(() => resources.disposeAsync());

  const restricted = () => workbench.page.locator('.statusbar').getByText('Restricted Mode');

  /** Types, accepts what is offered, and looks whether anything of it went where the workspace wanted it. */
  async function completesHere(typed: string): Promise<void> {
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.typeAtEnd(typed);
    await workbench.ghostText();
    await workbench.page.keyboard.press('Tab');
    assert.equal(connections, 0, 'Somebody connected to the address that the workspace named.');
    assert.ok(!existsSync(trace), 'The file that the workspace named was written.');
    assert.deepEqual(await workbench.messages(), []);
  }

  test('is not obeyed while it is restricted, and has its completions all the same', async () => {
    await restricted().waitFor();
    await completesHere('  async load(name');
  });

  test('nor when it is trusted', async () => {
    await workbench.runCommand('Workspaces: Manage Workspace Trust');
    const page = workbench.page.locator('.workspace-trust-editor');
    await page.getByRole('button', { name: 'Trust', exact: true }).click();
    await restricted().waitFor({ state: 'hidden' });
    await workbench.open('registry.ts');
    await completesHere('\n  }\n\n  async save(name');
  });

  test('but the user is', async () => {
    await workbench.configure({ 'foretype.edge.url': url });
    await until(() => Promise.resolve(connections > 0));
  });
});
