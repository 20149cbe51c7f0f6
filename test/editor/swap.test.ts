import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { flickers, Frames } from './frames.ts';
import { ScriptedNode } from './scripted-node.ts';
import { REGISTRY } from './registry.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { until, Workbench } from './workbench.ts';

/** How the status item tells of a completion that was judged. */
const VERIFIED = /Last completion: (?:drafted here, verified|written) by the edge node\./;

describe('a draft that gives way to the verified text', { skip: SKIP, timeout: 600_000 }, () => {
  const resources = new AsyncDisposableStack();
  let node: ScriptedNode;
  let workbench: Workbench;
  let frames: Frames;
  /** The file as it must be by now. */
  let expected = REGISTRY;
  let methods = 0;

  before(async () => {
    await ensureCodeServer();
    const { vsix } = await extensionUnderTest();
    node = await ScriptedNode.start();
    resources.use(node);
    workbench = await Workbench.start({
      vsix,
      files: { 'registry.ts': REGISTRY },
      settings: { 'foretype.edge.url': node.url },
      payload: (server) => [['openFile', server.urlOf(join(server.workspace, 'registry.ts'))]],
    });
    resources.defer(() => workbench.stop());
    await workbench.status('Connected to the edge node.');
    frames = await Frames.watch(workbench.page);
    await workbench.page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await workbench.page.keyboard.press('Control+End');
  });

  after(() => resources.disposeAsync());

  /**
   * Begins a method, and has the target think until the draft of its line is on the screen.
   * @returns the line's start, the draft behind it, and the other text that the target will say when it is released.
   */
  async function drafted(): Promise<{ start: string; draft: string; verified: string }> {
    const { page } = workbench;
    const start = `  async method${++methods}(name`;
    node.hold();
    await frames.drawn();
    // At once: texts for a part of the line are none of this test's.
    await page.keyboard.insertText(start);
    expected += start;
    let draft = '';
    await until(async () => {
      const { real, ghost } = await frames.now();
      draft = ghost;
      return real === start && ghost !== '';
    });
    const verified = otherThan(draft);
    node.lines.push(start + verified);
    return { start, draft, verified };
  }

  /** Saves what is there and ends the method. */
  async function finish(rest: string): Promise<void> {
    expected += rest;
    await workbench.saved('registry.ts', expected);
    await workbench.page.keyboard.insertText('\n  }\n\n');
    expected += '\n  }\n\n';
  }

  /** Whether the line comes to be drawn as `whole`, for as long as the target's text may take. */
  async function becomes(whole: string): Promise<boolean> {
    const is = async () => {
      const { real, ghost } = await frames.now();
      return real + ghost === whole;
    };
    return until(is, 5000).then(
      () => true,
      () => false,
    );
  }

  /**
   * Does something with drafts until the target's text came often enough: on a machine that has other things to do, a
   * verdict may come when nobody waits for it any more.
   */
  async function often(times: number, once: (turn: number) => Promise<boolean>): Promise<void> {
    let done = 0;
    let turn = 0;
    while (turn < 2 * times && done < times) if (await once(turn++)) done++;
    assert.ok(done >= times, `Of ${turn} drafts, ${done} gave way to the target's text.`);
  }

  test('from one frame to the next, with nothing between, and Tab takes what is shown', async () => {
    await often(3, async () => {
      const { start, draft, verified } = await drafted();
      node.release();
      const swapped = await becomes(start + verified);
      assert.deepEqual(flickers(await frames.drawn(), { start, texts: [draft, verified] }), []);
      await workbench.page.keyboard.press('Tab');
      await finish(swapped ? verified : draft);
      return swapped;
    });
  });

  test('while the user types through it, the line only ever shows the one or the other', async () => {
    await often(3, async (turn) => {
      const { start, draft, verified } = await drafted();
      const typed = shared(draft, verified);
      assert.ok(typed.length >= 4, `“${draft}” is too short a draft to be typed through.`);
      // Somewhere on the way, each time elsewhere.
      const at = start + typed.slice(0, 1 + (turn % 3));
      frames.onChange = ({ real }) => {
        if (real.startsWith(at)) node.release();
      };
      await workbench.page.keyboard.type(typed, { delay: 60 });
      const swapped = await becomes(start + verified);
      assert.deepEqual(flickers(await frames.drawn(), { start, texts: [draft, verified] }), []);
      await workbench.page.keyboard.press('Tab');
      await finish(swapped ? verified : draft);
      return swapped;
    });
  });

  test('a draft that was sent away does not come back as the verified text', async () => {
    await often(1, async () => {
      const { start, draft, verified } = await drafted();
      await workbench.page.keyboard.press('Escape');
      node.release();
      const judged = await until(async () => VERIFIED.test(await workbench.tooltip()), 5000).then(
        () => true,
        () => false,
      );
      // This is also how the tests above would see a flicker.
      assert.deepEqual(flickers(await frames.drawn(), { start, texts: [draft, verified] }), [
        `“${start}” was drawn with “” behind it.`,
      ]);
      await finish('');
      return judged;
    });
  });
});

/** Another text that begins as `draft` does: its last word is another one. */
function otherThan(draft: string): string {
  const other = draft.replace(/\w+(?=\W*$)/, (word) => (word === 'Verified' ? 'Other' : 'Verified'));
  return other === draft ? `${draft} verified` : other;
}

function shared(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
