import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import { CodeServer, OUT, type CodeServerOptions } from './code-server.ts';
import { CHROMIUM } from './setup.ts';

/** The pictures of the documentation are replaced on demand only, since no two runs draw exactly the same ones. */
const IMAGES =
  process.env['FORETYPE_UPDATE_IMAGES'] === '1'
    ? join(import.meta.dirname, '..', '..', 'docs', 'images')
    : OUT;

/** A part of the page in CSS pixels. */
type Clip = NonNullable<NonNullable<Parameters<Page['screenshot']>[0]>['clip']>;

export interface WorkbenchOptions extends CodeServerOptions {
  /** What the workbench is told to do when it starts, such as `openFile`. */
  readonly payload?: (server: CodeServer) => readonly (readonly [string, string])[];
  /** Called with the page before the workbench loads into it. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A VS Code workbench as a user sees it: code-server, shown by chromium. */
export class Workbench {
  readonly server: CodeServer;
  readonly page: Page;
  readonly #resources: AsyncDisposableStack;
  readonly #offHost = new Set<string>();

  private constructor(server: CodeServer, page: Page, resources: AsyncDisposableStack) {
    this.server = server;
    this.page = page;
    this.#resources = resources;
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(http|ws)s?:$/.test(protocol) && hostname !== '127.0.0.1') this.#offHost.add(hostname);
    });
  }

  /** Resolves when the workbench shows its status bar. */
  static async start({ payload, prepare, ...options }: WorkbenchOptions): Promise<Workbench> {
    await using resources = new AsyncDisposableStack();
    await mkdir(OUT, { recursive: true });
    const server = await CodeServer.start(options);
    resources.defer(() => server.stop());
    const browser = await launch();
    resources.defer(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 960, height: 460 } });
    await prepare?.(page);
    const workbench = new Workbench(server, page, resources.move());
    try {
      await page.goto(server.page(payload?.(server) ?? []));
      await page.locator('.monaco-workbench .statusbar').waitFor({ timeout: 120_000 });
      return workbench;
    } catch (error) {
      await workbench.stop();
      throw error;
    }
  }

  /** Hosts other than this machine that the page, or a process below code-server, tried to reach. */
  async offHost(): Promise<string[]> {
    return [...new Set([...this.#offHost, ...(await this.server.offHost())])];
  }

  /** Runs a command as a user would, by its title. */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.#search(`>${title}`, title);
  }

  /** Opens a file of the workspace as a user would, by its name. */
  async open(name: string): Promise<void> {
    await this.page.keyboard.press('Control+p');
    await this.#search(name, name);
    await this.#tab(name).waitFor();
  }

  /** Sets what the user sets beside the settings of the start, in the file that VS Code opens for it. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await this.runCommand('Preferences: Open User Settings (JSON)');
    await this.#tab('settings.json').waitFor();
    // The tab is there before its text is.
    await this.page
      .locator('.editor-instance .view-line')
      .filter({ hasText: 'chat.disableAIFeatures' })
      .waitFor();
    await this.page.keyboard.press('Control+a');
    const text = JSON.stringify({ ...this.server.settings, ...settings });
    await this.page.keyboard.insertText(text);
    await this.page.keyboard.press('Control+s');
    const path = join(this.server.userData, 'User', 'settings.json');
    await until(async () => (await readFile(path, 'utf8')) === text);
    await this.closeEditor();
    await this.#tab('settings.json').waitFor({ state: 'detached' });
  }

  async closeEditor(): Promise<void> {
    await this.page.locator('.tab.active .tab-actions .action-label').click();
  }

  /** Opens the menu of our status item. */
  async openMenu(): Promise<void> {
    await this.page.locator('.statusbar [id="foretype.foretype.status"]').click();
    await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  }

  /** Chooses an entry of the list that is open, or opens next. */
  async choose(label: string): Promise<void> {
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    await rows.getByText(label, { exact: true }).first().click();
  }

  /** Answers the input box that is open, or opens next. */
  async answer(text: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type="password"]');
    await input.fill(text);
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
  }

  /** Waits until our status item says `sentence`. */
  async status(sentence: string): Promise<void> {
    await this.page.locator(`.statusbar [aria-label*="${sentence}"]`).first().waitFor({ timeout: 120_000 });
  }

  /** What our status item shows when the pointer rests on it. */
  async tooltip(): Promise<string> {
    await this.page.locator('.statusbar [id="foretype.foretype.status"]').hover();
    const hover = this.page.locator('.workbench-hover-container').filter({ hasText: /^Foretype/ });
    const text = await hover.innerText();
    await this.page.mouse.move(400, 300);
    await hover.waitFor({ state: 'hidden' });
    return text;
  }

  /** What the rendered page says that is open; empty while it is being drawn. VS Code keeps it in two frames. */
  async pageText(): Promise<string> {
    const page = this.page.frameLocator('iframe.webview.ready >> nth=0').frameLocator('#active-frame');
    return page
      .locator('body')
      .innerText({ timeout: 5000 })
      .catch(() => '');
  }

  /** Puts the cursor at the end of the open file and types as a person does. */
  async typeAtEnd(text: string): Promise<void> {
    await this.page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await this.page.keyboard.press('Control+End');
    await this.page.keyboard.type(text, { delay: 40 });
  }

  /** Waits for ghost text that stays as it is and returns it; fails after `timeout` milliseconds without any. */
  async ghostText(timeout = 60_000): Promise<string> {
    const ghost = this.page.locator('.view-lines .ghost-text-decoration');
    await ghost.first().waitFor({ timeout });
    // The editor draws blanks as no-break spaces.
    const read = async () => (await ghost.allTextContents()).join('').replaceAll('\u00a0', ' ');
    for (let before = await read(); ;) {
      // Longer than the server lets a draft wait for its verification.
      await this.page.waitForTimeout(600);
      const now = await read();
      if (now === before && now !== '') return now;
      before = now;
    }
  }

  /** Saves the open file and waits until it holds just that. */
  async saved(name: string, content: string): Promise<void> {
    await this.page.keyboard.press('Control+s');
    const read = () => readFile(join(this.server.workspace, name), 'utf8');
    await until(async () => (await read()) === content).catch(async () => {
      assert.equal(await read(), content);
    });
  }

  /** Messages and dialogs on the screen. */
  async messages(): Promise<string[]> {
    return this.page.locator('.notifications-toasts .notification-toast, .monaco-dialog-box').allInnerTexts();
  }

  /** Keeps a picture of the page, or of a part of it. */
  async screenshot(name: string, clip?: Clip): Promise<void> {
    const path = join(IMAGES, name);
    await mkdir(dirname(path), { recursive: true });
    await this.page.screenshot({ path, ...(clip && { clip }) });
  }

  async #search(text: string, label: string): Promise<void> {
    await this.page.locator('.quick-input-widget input[type="text"]').fill(text);
    await this.choose(label);
  }

  #tab(name: string) {
    return this.page.locator('.tab.active').filter({ hasText: name });
  }

  /** Ends the browser and code-server; see {@link CodeServer.stop}. */
  stop(): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** Waits until something is so, however slow the machine is. */
export async function until(condition: () => Promise<boolean>, within = 60_000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await condition())) {
    assert.ok(
      Date.now() < deadline,
      `This did not happen within ${within / 1000} s: ${condition.toString()}`,
    );
    await sleep(50);
  }
}

function launch(): Promise<Browser> {
  const offline = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...offline];
  return chromium.launch({ executablePath: CHROMIUM!, args });
}
