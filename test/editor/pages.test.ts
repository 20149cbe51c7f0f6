import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

interface Manifest {
  readonly contributes: {
    readonly configuration: { readonly properties: Readonly<Record<string, object>> };
    readonly walkthroughs: readonly [{ readonly steps: readonly { readonly id: string }[] }];
  };
}

/** As much of an element of the page as is looked at. */
interface Row {
  querySelector(selector: string): { readonly textContent: string } | null;
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
    const { vsix } = await extensionUnderTest();
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

  /** What a part of the page says; a sentence of ours that is missing would show as its key. */
  async function textOf(selector: string): Promise<string> {
    const text = await workbench.page.locator(selector).first().innerText();
    assert.doesNotMatch(text, /%[\w.]+%/);
    // The editor draws blanks as no-break spaces.
    return text.replaceAll('\u00a0', ' ');
  }

  /** Titles and sentences of the settings that are drawn now. */
  const settingsDrawn = () =>
    workbench.page
      .locator('.settings-editor .setting-item-contents')
      .evaluateAll((rows: readonly Row[]) =>
        rows.map((row): [title: string, sentence: string] => [
          row.querySelector('.setting-item-title')?.textContent ?? '',
          row.querySelector('.setting-item-description')?.textContent ?? '',
        ]),
      );

  test('the explanation says of the last completion where it was asked for and what became of it', async () => {
    await workbench.typeAtEnd('  async load(name');
    await workbench.ghostText();
    await workbench.runCommand('Foretype: Explain Last Completion');
    await workbench.page.locator('.tab.active').getByText('Last Completion').waitFor();
    await until(async () => (await workbench.pageText()).includes('registry.ts, line 8, column'));
    const text = await workbench.pageText();
    // Rendered, and without what nobody could have done.
    assert.doesNotMatch(text, /^# |\\|verif|edge node|0 of 0/m);
    await workbench.screenshot('explain.png', { x: 290, y: 36, width: 706, height: 290 });
  });

  test('and asked again, of the newest one, in the same tab', async () => {
    const { page } = workbench;
    await page.locator('.tab').getByText('registry.ts').click();
    await workbench.typeAtEnd('\n');
    // The editor asks a moment after the key, and not at all where the focus is elsewhere by then.
    await page.waitForTimeout(1000);
    await until(async () => {
      await workbench.runCommand('Foretype: Explain Last Completion');
      await page.waitForTimeout(1000);
      return (await workbench.pageText()).includes('registry.ts, line 9, column 1');
    });
    assert.equal(await page.locator('.tab').filter({ hasText: 'Last Completion' }).count(), 1);
    await workbench.closeEditor();
  });

  test('the menu has what can be done now', async () => {
    await workbench.openMenu();
    const menu = await textOf('.quick-input-widget');
    for (const entry of ['Ask for a Completion', 'Snooze…', 'Turn Off for typescript', 'Settings'])
      assert.ok(menu.includes(entry), entry);
    // It is faded in.
    await workbench.page.waitForTimeout(500);
    await workbench.screenshot('menu.png', { x: 190, y: 0, width: 620, height: 330 });
    await workbench.page.keyboard.press('Escape');
  });

  test('the status item says how things are when the pointer rests on it', async () => {
    assert.match(await workbench.tooltip(), /Last completion: drafted here/);
    await workbench.page.locator('.statusbar [id="foretype.foretype.status"]').hover();
    await workbench.page.locator('.workbench-hover-container').waitFor();
    await workbench.screenshot('status.png', { x: 540, y: 540, width: 460, height: 180 });
    await workbench.page.mouse.move(400, 300);
  });

  test('the settings page has all of them, each with a sentence', async () => {
    const { page } = workbench;
    await workbench.openMenu();
    await workbench.choose('Settings');
    // The page has no more of them than there is room for.
    await page.setViewportSize({ width: 1000, height: 4000 });
    // All are the user's own, also where the window shows another machine, as it does here.
    await page.locator('.settings-editor .settings-tabs-widget').getByText('User').click();
    const seen = new Map<string, string>();
    await until(async () => {
      const drawn = await settingsDrawn();
      for (const [title, sentence] of drawn) seen.set(title, sentence);
      const found = await page.locator('.settings-editor .settings-count-widget').first().innerText();
      return drawn.length > 0 && found === `${drawn.length} Settings Found`;
    });
    assert.equal(seen.size, shown.settings.length, [...seen.keys()].join('\n'));
    assert.ok(seen.size <= 25);
    for (const [title, sentence] of seen) assert.match(sentence, /^[A-Z].*\.$/s, title);
    await textOf('.settings-editor');
    await page.setViewportSize({ width: 1000, height: 720 });
    await page.waitForTimeout(500);
    await workbench.screenshot('settings.png', { x: 500, y: 155, width: 490, height: 540 });
    await workbench.closeEditor();
  });

  test('the walkthrough has our steps', async () => {
    const { page } = workbench;
    await page.setViewportSize({ width: 1500, height: 860 });
    await workbench.openMenu();
    await workbench.choose('Getting Started');
    const walkthrough = page.locator('.gettingStartedContainer');
    await walkthrough.getByText(shown.title).first().waitFor();
    for (const step of [...shown.steps, shown.steps[0]!]) {
      await walkthrough.locator('.getting-started-step').getByText(step).click();
      await walkthrough.locator('.getting-started-step.expanded').getByText(step).waitFor();
      await textOf('.gettingStartedContainer');
    }
    // Texts were offered before it was opened.
    const done = walkthrough.locator('.getting-started-step.expanded .codicon-getting-started-step-checked');
    await done.first().waitFor();
    await page.mouse.move(1400, 800);
    await page.waitForTimeout(500);
    await workbench.screenshot('walkthrough.png', { x: 460, y: 110, width: 880, height: 670 });
    assert.deepEqual(await workbench.messages(), []);
  });
});
