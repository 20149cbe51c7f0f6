/** Part `activation`: what the extension costs a real VS Code, in milliseconds and in memory. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageExtension } from '../../../tools/package.ts';
import { ensureCodeServer, SKIP } from '../../editor/setup.ts';
import { Workbench } from '../../editor/workbench.ts';
import { machine, sampled, type Bench, type Part } from '../bench.ts';
import { reportOf, type ActivationResults, type Measured, type Times } from './activation-report.ts';

/** Starts of VS Code with the extension as it ships, and with one that waits to be activated. */
const STARTS = 5;

export const activation: Part = {
  name: 'activation',
  run: async (bench) => {
    if (SKIP) return SKIP;
    await ensureCodeServer();
    const results = await measure(bench);
    return { results, ...reportOf(results, machine()) };
  },
};

async function measure(bench: Bench): Promise<ActivationResults> {
  const shippedAt = await stageExtension();
  const place = await mkdtemp(join(tmpdir(), 'foretype-activation-'));
  try {
    const waitingAt = join(place, 'extension');
    await cp(shippedAt, waitingAt, { recursive: true });
    const manifest = join(waitingAt, 'package.json');
    const shipped = JSON.parse(await readFile(manifest, 'utf8')) as object;
    await writeFile(manifest, JSON.stringify({ ...shipped, activationEvents: [] }));
    const starts = sampled(bench, STARTS);
    const results = { shipped: [] as Times[], waiting: [] as Measured[] };
    for (let start = 0; start < starts; start++) {
      results.shipped.push((await inHost(shippedAt, join(place, `shipped-${start}.json`))) as Times);
      bench.progress('activation', 2 * start + 1, 2 * starts);
      results.waiting.push((await inHost(waitingAt, join(place, `waiting-${start}.json`))) as Measured);
      bench.progress('activation', 2 * start + 2, 2 * starts);
    }
    return results;
  } finally {
    await rm(place, { recursive: true });
  }
}

/** Starts a VS Code of its own and has `host.cjs` measure in its extension host. */
async function inHost(directory: string, results: string): Promise<unknown> {
  const exit = Promise.withResolvers<number>();
  const workbench = await Workbench.start({
    env: { FORETYPE_MEASURED: results },
    flags: ['--vscode-option', 'enable-smoke-test-driver'],
    payload: (server) => [
      ['extensionDevelopmentPath', server.urlOf(directory)],
      ['extensionTestsPath', server.urlOf(join(import.meta.dirname, 'host.cjs'))],
    ],
    prepare: async (page) => {
      await page.exposeFunction('codeAutomationLog', () => undefined);
      await page.exposeFunction('codeAutomationExit', (code: number) => exit.resolve(code));
    },
  });
  try {
    const code = await exit.promise;
    if (code !== 0) throw new Error(`The extension host's measuring ended with code ${code}.`);
    return JSON.parse(await readFile(results, 'utf8')) as unknown;
  } finally {
    await workbench.stop();
  }
}
