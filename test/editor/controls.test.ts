import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OUT } from './code-server.ts';
import { Frames } from './frames.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

const NOTES =
  '# Notes\n\nThe registry has items. The registry has names. The registry has items. The registry has ';

describe('what the user decides', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  const trace = join(OUT, `controls-trace-${process.pid}.jsonl`);
  let workbench: Workbench;
  let frames: Frames;
  let methods = 0;

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY, 'notes.md': NOTES },
      settings: { 'foretype.trace.file': trace },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Drafts only: no edge node is set.');
    frames = await Frames.watch(workbench.page);
  });

  after(() => resources.disposeAsync());

  const press = (key: string) => workbench.page.keyboard.press(key);
  const isDrawn = (real: string, ghost: string) =>
    until(async () => {
      const drawn = await frames.now();
      return drawn.real === real && drawn.ghost === ghost;
    });
  /** Completions that anybody worked on so far. */
  const made = async () => (await readFile(trace, 'utf8')).split('\n').length - 1;

  /** Begins another method at the end of the file; the line as it stands there. */
  async function begin(): Promise<string> {
    const line = `  async method${++methods}(name`;
    await workbench.typeAtEnd(methods === 1 ? line : `\n  }\n\n${line}`);
    return line;
  }

  /** Begins another method and waits for what is offered. */
  async function offered(): Promise<{ line: string; ghost: string }> {
    const line = await begin();
    const ghost = await workbench.ghostText();
    return { line, ghost };
  }

  /** Waits until the last request was answered with nothing, for this reason, and looks that nothing is drawn. */
  async function silent(why: RegExp): Promise<void> {
    await until(async () => why.test(await workbench.tooltip()));
    assert.equal((await frames.now()).ghost, '');
  }

  test('Ctrl+Right takes a word, Alt+End the rest of the line, and what is left stays', async () => {
    const { line, ghost } = await offered();
    await frames.drawn();
    await press('Control+ArrowRight');
    await until(async () => (await frames.now()).real !== line);
    const { real } = await frames.now();
    assert.ok(ghost.startsWith(real.slice(line.length)) && real.length < line.length + ghost.length, real);
    await isDrawn(real, ghost.slice(real.length - line.length));
    await press('Alt+End');
    await isDrawn(line + ghost, '');
    const drawn = await frames.drawn();
    assert.deepEqual(
      drawn.filter(({ real, ghost: left }) => real + left !== line + ghost),
      [],
    );
  });

  test('Escape sends a completion away, Alt+\\ asks for it again, Tab takes it', async () => {
    const { line, ghost } = await offered();
    await press('Escape');
    await isDrawn(line, '');
    await press('Alt+Backslash');
    await isDrawn(line, ghost);
    await press('Tab');
    await isDrawn(line + ghost, '');
  });

  test('where there is no other completion, Alt+] and Alt+[ leave the one that is there', async () => {
    const { line, ghost } = await offered();
    for (const key of ['Alt+BracketRight', 'Alt+BracketLeft']) {
      await press(key);
      assert.equal(await workbench.ghostText(), ghost);
    }
    await press('Tab');
    await isDrawn(line + ghost, '');
    assert.deepEqual(await workbench.messages(), []);
  });

  test('a snooze is silence until it ends', async () => {
    await workbench.runCommand('Foretype: Snooze');
    await workbench.choose('5 Minutes');
    await workbench.status('Completions are snoozed until ');
    await begin();
    await silent(/Last answer: nothing.*Completions are turned off\./);
    const before = await made();
    await begin();
    await silent(/Last answer: nothing.*Completions are turned off\./);
    await press('Alt+Backslash');
    await silent(/Completions are snoozed until \d+:\d+/);
    assert.equal(await made(), before);
    await workbench.openMenu();
    await workbench.choose('End Snooze');
    await workbench.status('Drafts only: no edge node is set.');
    await offered();
    assert.ok((await made()) > before);
  });

  test('a language that is off gets completions only when they are asked for', async () => {
    await workbench.open('notes.md');
    await workbench.status('Completions are turned off for markdown.');
    await workbench.typeAtEnd('ite');
    await silent(/Last answer: nothing.*Completions are off for markdown\./);
    await press('Alt+Backslash');
    await workbench.ghostText();
    await press('Escape');
    await until(async () => (await frames.now()).ghost === '');
  });

  test('a language is turned on, and off again, by a command', async () => {
    await workbench.runCommand('Foretype: Turn On/Off for This Language');
    await workbench.status('Drafts only: no edge node is set.');
    await workbench.typeAtEnd('ms. The regi');
    await workbench.ghostText();
    await workbench.openMenu();
    await workbench.choose('Turn Off for markdown');
    await workbench.status('Completions are turned off for markdown.');
    await workbench.typeAtEnd('stry has na');
    await silent(/Last answer: nothing.*Completions are off for markdown\./);
  });

  test('turned to manual, typing brings nothing and Alt+\\ does', async () => {
    await workbench.open('registry.ts');
    await workbench.configure({ 'foretype.automatic': false });
    await until(async () =>
      (await workbench.tooltip()).includes('Completions come only when they are asked for.'),
    );
    const line = await begin();
    await silent(/Last answer: nothing.*Completions come only when they are asked for\./);
    await press('Alt+Backslash');
    const ghost = await workbench.ghostText();
    await press('Tab');
    await isDrawn(line + ghost, '');
  });

  test('no box was in the way of any of this, and nobody was asked', async () => {
    assert.deepEqual(await workbench.messages(), []);
    assert.deepEqual(await workbench.offHost(), []);
  });
});
