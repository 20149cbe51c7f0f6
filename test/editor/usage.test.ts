import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { UsageReport, UsageRow } from '@foretype/edge-node/protocol';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

describe('measures of use in VS Code', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  let workbench: Workbench;

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Drafts only: no edge node is set.');
  });

  after(() => resources.disposeAsync());

  const directory = () =>
    join(workbench.server.userData, 'User', 'globalStorage', 'foretype.foretype', 'usage');

  /** What the server wrote, which it does when it ends. */
  async function written(): Promise<UsageRow> {
    await workbench.runCommand('Foretype: Restart Language Server');
    let files: string[] = [];
    await until(async () => {
      files = await readdir(directory()).catch(() => []);
      return files.length > 0;
    });
    const { days } = JSON.parse(await readFile(join(directory(), files[0]!), 'utf8')) as UsageReport;
    return days.flatMap(({ rows }) => rows).find(({ language }) => language === 'typescript')!;
  }

  test('what was accepted, whole and by a word, typed and dismissed is counted as that', async () => {
    const { keyboard } = workbench.page;
    await workbench.typeAtEnd('  async load(name');
    await workbench.ghostText();
    await keyboard.press('Tab');
    await keyboard.type('\n  async save(name', { delay: 40 });
    const second = await workbench.ghostText();
    await keyboard.press('Control+ArrowRight');
    await workbench.page.waitForTimeout(500);
    await keyboard.press('Control+z');
    await workbench.page.waitForTimeout(500);
    await keyboard.press('Escape');
    await keyboard.type('\n  async send(name', { delay: 40 });
    await workbench.ghostText();
    await workbench.page.waitForTimeout(800);
    await keyboard.press('Escape');
    const row = await written();
    assert.ok(second.length > 1, second);
    assert.equal(row.outcomes.accepted, 1);
    assert.equal(row.parts.word, 1);
    assert.ok(row.outcomes.acceptedInPart >= 1 && row.outcomes.rejected >= 1, JSON.stringify(row.outcomes));
    assert.ok(row.shown >= 3 && row.requests >= row.shown, JSON.stringify(row));
    assert.deepEqual([row.offered.verified, row.latency.verified], [0, {}]);
    assert.doesNotMatch(JSON.stringify(row), /load|registry|workspace/);
  });

  test('the page shows it, and what would become of it', async () => {
    // The server that was started again is there.
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.page.setViewportSize({ width: 1000, height: 900 });
    await workbench.runCommand('Foretype: Show What Would Be Sent');
    await workbench.page.locator('.tab.active').getByText('What Would Be Sent').waitFor();
    await until(async () => (await workbench.pageText()).includes('"version": 1'));
    await workbench.screenshot('usage.png');
    const text = await workbench.pageText();
    assert.match(text, /This version of Foretype sends them nowhere/);
    assert.match(text, /you have not agreed/);
    assert.match(text, /"language": "typescript"/);
  });

  test('it is forgotten when the user says so', async () => {
    await workbench.runCommand('Foretype: Forget Measures of Use');
    await workbench.page.locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
    await until(async () => (await readdir(directory())).length === 0);
    await until(async () => (await workbench.pageText()).includes('"days": []'));
  });
});
