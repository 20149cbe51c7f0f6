import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { packageExtension } from '../../tools/package.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { until, Workbench } from './workbench.ts';

interface Manifest {
  readonly contributes: {
    readonly configuration: { readonly properties: Readonly<Record<string, object>> };
    readonly walkthroughs: readonly [{ readonly steps: readonly { readonly id: string }[] }];
  };
}

/** What the pages are to show, from the sources. */
async function declared() {
  const read = (name: string) => readFile(join(import.meta.dirname, '..', '..', 'extension', name), 'utf8');
  const { contributes } = JSON.parse(await read('package.json')) as Manifest;
  const sentences = JSON.parse(await read('package.nls.json')) as Readonly<Record<string, string>>;
  return {
    settings: Object.keys(contributes.configuration.properties),
    steps: contributes.walkthroughs[0].steps.map(({ id }) => sentences[`walkthrough.${id}.title`]!),
    title: sentences['walkthrough.title']!,
  };
}

describe('the pages in VS Code', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  let workbench: Workbench;
  let shown: Awaited<ReturnType<typeof declared>>;

  before(async () => {
    await ensureCodeServer();
    const vsix = await packageExtension();
    shown = await declared();
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.page.setViewportSize({ width: 1000, height: 720 });
  });

  after(() => resources.disposeAsync());

  /** A sentence of ours that is missing shows as its key. */
  async function sentencesOf(selector: string): Promise<string> {
    const text = await workbench.page.locator(selector).first().innerText();
    assert.doesNotMatch(text, /%[\w.]+%/);
    return text;
  }

  test('the explanation says of the last completion where it was asked for and what became of it', async () => {
    await workbench.typeAtEnd('  async load(name');
    await workbench.ghostText();
    await workbench.runCommand('Foretype: Explain Last Completion');
    await workbench.page.locator('.tab.active').getByText('Last Completion').waitFor();
    await until(async () =>
      /registry\.ts, line 8, column/.test(await sentencesOf('.editor-instance .view-lines')),
    );
    await workbench.screenshot('explain.png', { x: 290, y: 36, width: 660, height: 330 });
    await workbench.page.keyboard.press('Control+F4');
  });

  test('the menu has what can be done now', async () => {
    await workbench.openMenu();
    const menu = await sentencesOf('.quick-input-widget');
    for (const entry of ['Ask for a Completion', 'Snooze…', 'Turn Off for typescript', 'Explain', 'Settings'])
      assert.ok(menu.includes(entry), entry);
    await workbench.screenshot('menu.png', { x: 200, y: 0, width: 600, height: 400 });
    await workbench.page.keyboard.press('Escape');
  });

  test('the status item says how things are when the pointer rests on it', async () => {
    await workbench.page.locator('.statusbar [id="foretype.foretype.status"]').hover();
    await workbench.page.locator('.workbench-hover-container').getByText('Last completion').first().waitFor();
    await workbench.screenshot('status.png', { x: 520, y: 440, width: 480, height: 280 });
    await workbench.page.mouse.move(400, 300);
  });

  test('the settings page has all of them, each with a sentence', async () => {
    await workbench.openMenu();
    await workbench.choose('Settings');
    const found = workbench.page.locator('.settings-editor .settings-count-widget');
    await found.getByText(`${shown.settings.length} Settings Found`).waitFor();
    const seen = new Map<string, string>();
    await workbench.page.locator('.settings-editor .settings-tree-container').first().hover();
    await until(async () => {
      const rows = workbench.page.locator('.settings-editor .setting-item-contents');
      for (const row of await rows.all()) {
        const title = await row
          .locator('.setting-item-title')
          .innerText()
          .catch(() => '');
        if (title === '') continue;
        seen.set(title, (await row.locator('.setting-item-description').innerText()).trim());
      }
      await workbench.page.mouse.wheel(0, 200);
      return seen.size >= shown.settings.length;
    });
    assert.equal(seen.size, shown.settings.length);
    assert.ok(seen.size <= 25);
    for (const [title, sentence] of seen) assert.match(sentence, /^[A-Z].*\./s, title);
    await sentencesOf('.settings-editor');
    await workbench.page.mouse.wheel(0, -10_000);
    await workbench.screenshot('settings.png', { x: 290, y: 36, width: 700, height: 660 });
    await workbench.page.keyboard.press('Control+F4');
  });

  test('the walkthrough has our steps', async () => {
    await workbench.openMenu();
    await workbench.choose('Getting Started');
    const page = workbench.page.locator('.gettingStartedContainer');
    await page.getByText(shown.title).first().waitFor();
    for (const step of shown.steps) await page.getByText(step).first().click();
    await page.getByText(shown.steps[0]!).first().click();
    await sentencesOf('.gettingStartedContainer');
    await workbench.screenshot('walkthrough.png', { x: 290, y: 36, width: 700, height: 660 });
    assert.deepEqual(await workbench.messages(), []);
  });
});
