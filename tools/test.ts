/**
 * `npm test`: every tier, or those named by `--tier`; the last line counts. Tests are sorted by what they need:
 * house (the checkout), unit (nothing), integration (sockets, processes), model (weights), recipe (Debian's PyTorch),
 * editor (chromium, VS Code).
 *
 *     npm test -- [--tier NAME]... [--only WORD] [--full] [--strict]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const TIERS = ['house', 'unit', 'integration', 'model', 'recipe', 'editor'] as const;

/** Why a tier cannot run on this machine. */
const MISSING: Partial<Record<(typeof TIERS)[number], () => string | undefined>> = {
  recipe: () =>
    spawnSync('/usr/bin/python3', ['-c', 'import torch, sentencepiece, yaml']).status === 0
      ? undefined
      : "it needs Debian's PyTorch (apt-get install python3-torch python3-sentencepiece python3-yaml)",
  editor: () =>
    existsSync('/usr/bin/chromium') ? undefined : "it needs Debian's chromium (apt-get install chromium)",
};

/** Milliseconds after which a tier is taken to hang, and ended; the longest takes a quarter of that. */
const HUNG_MS = 40 * 60_000;

const { values } = parseArgs({
  options: {
    tier: { type: 'string', multiple: true, default: [...TIERS] },
    /** Only files whose name contains this. */
    only: { type: 'string', default: '' },
    /** Tests that sample run on all they have. */
    full: { type: 'boolean', default: false },
    /** Whatever is skipped counts as failed. */
    strict: { type: 'boolean', default: false },
  },
});
if (values.full) process.env['FORETYPE_FULL'] = '1';

const total = { passed: 0, failed: 0, skipped: 0 };
for (const tier of TIERS.filter((name) => values.tier.includes(name))) {
  const files = globSync(`test/${tier}/*.test.ts`)
    .filter((file) => file.includes(values.only))
    .sort();
  if (files.length === 0) continue;
  const missing = MISSING[tier]?.();
  console.log(`\n── ${tier}${missing ? `: skipped, ${missing}` : ''}`);
  if (missing) total.skipped += files.length;
  else await runFiles(files);
}
if (values.strict) total.failed += total.skipped;
if (total.passed + total.failed === 0) console.error('No test matches.');
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runFiles(files: string[]): Promise<void> {
  // One file at a time: on a small machine two engines at once starve each other, and time-outs would lie.
  const stream = run({
    files,
    concurrency: false,
    ...(!values.full && { signal: AbortSignal.timeout(HUNG_MS) }),
  });
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    total.passed += counts.passed;
    total.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    total.skipped += counts.skipped + counts.todo;
  });
  await pipeline(stream, new spec(), process.stdout, { end: false });
}
