import { EMBEDDED_FAMILY } from '@foretype/models';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cutAfter, fileServer, type FileServer } from '../support/edge-catalogue.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

/** The family that is built in, under another name: what a team might have on a server of its own. */
const ID = 'team-small';
const DRAFT = 'draft.q8_0.gguf';

describe('the choice of a family', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  let workbench: Workbench;
  let server: FileServer;

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    server = await fileServer({ after: (run) => resources.defer(run) });
    const read = (name: string) => readFile(join(EMBEDDED_FAMILY, name));
    const manifest = JSON.parse((await read('family.json')).toString()) as object;
    server.files.set('family.json', Buffer.from(JSON.stringify({ ...manifest, id: ID })));
    server.files.set(DRAFT, await read(DRAFT));
    server.files.set('NOTICE.md', await read('NOTICE.md'));
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY },
      payload: (code) => [['openFile', code.urlOf(join(code.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Drafts only: no edge node is set.');
  });

  after(() => resources.disposeAsync());

  const rows = () => workbench.page.locator('.quick-input-list .monaco-list-row');
  const toast = (text: string | RegExp) =>
    workbench.page.locator('.notifications-toasts .notification-toast').getByText(text).first();

  async function choose(): Promise<void> {
    await workbench.runCommand('Foretype: Choose Model Family');
    await rows().getByText('foretype-small').first().waitFor();
  }

  async function isUsed(id: string): Promise<boolean> {
    await choose();
    const text = await rows().filter({ hasText: id }).first().innerText();
    await workbench.page.keyboard.press('Escape');
    return text.includes('in use');
  }

  async function importFromAddress(): Promise<void> {
    await choose();
    const input = workbench.page.locator('.quick-input-widget input[type="text"]');
    // It is below what the list has room for.
    await input.fill('Address');
    await workbench.choose('Import from an Address…');
    // The list and the box are one widget, which would clear what comes too early.
    await workbench.page.getByText('The address of a family.json').waitFor();
    await input.fill('ftp://team');
    await workbench.page.getByText('Enter an address that begins with https://').waitFor();
    await input.fill(server.url);
    await workbench.page.getByText('whoever is on the way may change the family').waitFor();
    await workbench.page.keyboard.press('Enter');
  }

  test('shows size, licence and fit, and asks no network', async () => {
    await choose();
    const shown = await rows().allInnerTexts();
    assert.match(
      shown.join('\n'),
      /foretype-small[\s\S]*fits this machine[\s\S]*MB[\s\S]*MIT[\s\S]*built in/,
    );
    assert.match(shown.join('\n'), /qwen2\.5-coder-1\.5b[\s\S]*531 MB[\s\S]*Apache-2\.0/);
    await workbench.screenshot('families.png');
    await workbench.page.keyboard.press('Escape');
    assert.deepEqual(server.asked, []);
    assert.deepEqual(await workbench.offHost(), []);
  });

  test('downloads with progress, until it is called off', async () => {
    server.next.set(DRAFT, [
      (_request, response, file) => {
        response.writeHead(200, { 'content-length': file.length });
        response.write(file.subarray(0, 1_500_000));
      },
    ]);
    await importFromAddress();
    await toast(/MB \/ \d/).waitFor();
    await workbench.screenshot('families-download.png');
    await workbench.page.getByRole('button', { name: 'Cancel' }).first().click();
    await toast('What came so far is kept').waitFor();
  });

  test('goes on from there, and drafts with it at once', async () => {
    server.asked.length = 0;
    server.next.set(DRAFT, [cutAfter(500_000)]);
    await importFromAddress();
    await toast(`${ID} is installed`).waitFor();
    const starts = server.asked.flatMap((asked) => /^(\S+) from (\d+)$/u.exec(asked)?.slice(1) ?? []);
    assert.deepEqual([starts[0], starts[2], starts.length], [DRAFT, DRAFT, 4]);
    const [first, second] = [Number(starts[1]), Number(starts[3])];
    // What was on its way when the connection was cut may have been lost.
    assert.ok(first > 0 && second > first && second <= first + 500_000, `${first}, ${second}`);
    await until(() => isUsed(ID));
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.page.locator('.tab').getByText('registry.ts').click();
    await workbench.typeAtEnd('  async load(name');
    await workbench.ghostText();
  });

  test('and with the one that is built in again', async () => {
    await choose();
    await workbench.choose('foretype-small');
    await until(() => isUsed('foretype-small'));
    assert.deepEqual(await workbench.offHost(), []);
  });

  test('deletes the other one when the user confirms it', async () => {
    await choose();
    const row = rows().filter({ hasText: ID }).first();
    await row.hover();
    await row.getByRole('button', { name: 'Delete from This Machine' }).click();
    await workbench.page.locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
    await rows().getByText('foretype-small').first().waitFor();
    await until(async () => (await rows().filter({ hasText: ID }).count()) === 0);
    await workbench.page.keyboard.press('Escape');
  });
});
