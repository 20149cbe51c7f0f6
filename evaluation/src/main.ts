/**
 * `npm run eval`: measures a model family on held-out code with the product's own engine.
 *
 *     npm run eval -- [--family DIR] [--only PART]... [--sample PER_CENT] [--json | --write]
 *
 * The table goes to standard output, or with --write between the markers in models/README.md; --json gives the counts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import { ProcessBench } from './bench.ts';
import { isPart, measure, PARTS } from './measure.ts';
import { reportOf, withReport } from './report.ts';

const README = join(import.meta.dirname, '..', '..', 'models', 'README.md');

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      family: { type: 'string', default: EMBEDDED_FAMILY },
      only: { type: 'string', multiple: true, default: [...PARTS] },
      sample: { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const parts = values.only.map((name) => {
    if (isPart(name)) return name;
    throw new Error(`There is no part "${name}"; the parts are ${PARTS.join(', ')}.`);
  });
  const percent = Number(values.sample);
  if (!(percent > 0 && percent <= 100))
    throw new Error('--sample is a number of per cent, above 0 and up to 100.');
  // Half a table would stand in the README as if it were the whole.
  if (values.write && (parts.length < PARTS.length || percent < 100))
    throw new Error('--write goes with all parts and the whole samples.');

  const bench = new ProcessBench(await loadFamily(values.family), { percent, pairs: 2, onProgress: show });
  try {
    const results = await measure(bench, parts);
    if (process.stderr.isTTY) process.stderr.write('\x1b[2K\r');
    if (values.write) await writeFile(README, withReport(await readFile(README, 'utf8'), reportOf(results)));
    else console.log(values.json ? JSON.stringify(results, null, 2) : reportOf(results));
  } finally {
    await bench.dispose();
  }
}

/** One line that is written over on a terminal; elsewhere a line at each tenth. */
function show(what: string, done: number, all: number): void {
  const line = `${what} ${done}/${all}`;
  if (process.stderr.isTTY) process.stderr.write(`\x1b[2K\r${line}`);
  else if (Math.floor((10 * done) / all) > Math.floor((10 * (done - 1)) / all)) console.error(line);
}
