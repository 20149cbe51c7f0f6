import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { format } from 'node:util';
import { OUT } from './code-server.ts';
import { ensureCodeServer, SKIP } from './setup.ts';
import { extensionUnderTest } from './under-test.ts';
import { Workbench } from './workbench.ts';

interface Result {
  readonly title: string;
  /** The error's stack; absent for a test that passed. */
  readonly error?: string;
}

test("the suite inside VS Code's extension host", { skip: SKIP, timeout: 240_000 }, async (t) => {
  await ensureCodeServer();
  const { directory } = await extensionUnderTest();
  const results = join(OUT, 'suite.json');
  const output: string[] = [];
  const exit = Promise.withResolvers<number>();
  const workbench = await Workbench.start({
    env: { FORETYPE_SUITE_RESULTS: results },
    // Without it a released VS Code ignores the two paths below.
    flags: ['--vscode-option', 'enable-smoke-test-driver'],
    payload: (server) => [
      ['extensionDevelopmentPath', server.urlOf(directory)],
      ['extensionTestsPath', server.urlOf(join(import.meta.dirname, 'suite', 'index.cjs'))],
    ],
    prepare: async (page) => {
      await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) =>
        output.push(format(...args)),
      );
      await page.exposeFunction('codeAutomationExit', (code: number) => exit.resolve(code));
    },
  });
  try {
    const code = await exit.promise;
    const found = JSON.parse(await readFile(results, 'utf8').catch(() => '[]')) as readonly Result[];
    for (const { title, error } of found) {
      await t.test(title, () => assert.ok(error === undefined, error));
    }
    assert.ok(found.length > 0 && code === 0, output.join('\n'));
  } finally {
    await workbench.stop();
  }
});
