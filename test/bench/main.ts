/**
 * `npm run bench`: what typing costs, against other ways and other products.
 *
 *     npm run bench -- [--family DIR] [--only PART]... [--sample PER_CENT] [--json | --write]
 *     npm run bench -- --build-peer
 *
 * Tables go to standard output, or with --write into README.md beside this file, with charts; --json gives all figures.
 */
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Outcome, Part } from './bench.ts';
import { activation } from './editor/activation.ts';
import { cached } from './editor/cached.ts';
import { typing, typingAway } from './editor/typing.ts';
import { channels } from './channels/part.ts';
import { crowd } from './crowd/part.ts';
import { CHARTS, withPart } from './document.ts';
import { keystrokes } from './keystrokes/part.ts';
import { load } from './load/part.ts';
import { memory } from './memory/part.ts';
import { buildPeer } from './peer/build.ts';
import { own } from './own/part.ts';
import { peer } from './peer/part.ts';
import { placement } from './placement/part.ts';
import { policy } from './policy-part.ts';

const PARTS: readonly Part[] = [
  keystrokes,
  policy,
  own,
  cached,
  typing,
  typingAway,
  activation,
  channels,
  peer,
  load,
  placement,
  memory,
  crowd,
];
const README = join(import.meta.dirname, 'README.md');

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      family: { type: 'string', default: EMBEDDED_FAMILY },
      only: { type: 'string', multiple: true, default: PARTS.map(({ name }) => name) },
      sample: { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'build-peer': { type: 'boolean', default: false },
    },
  });
  if (values['build-peer']) {
    buildPeer();
    return;
  }
  const parts = values.only.map((name) => {
    const part = PARTS.find((one) => one.name === name);
    if (part) return part;
    throw new Error(`There is no part "${name}"; the parts are ${PARTS.map((one) => one.name).join(', ')}.`);
  });
  const percent = Number(values.sample);
  if (!(percent > 0 && percent <= 100))
    throw new Error('--sample is a number of per cent, above 0 and up to 100.');
  // A part of a sample would stand in the README as if it were the whole.
  if (values.write && percent < 100) throw new Error('--write goes with the whole samples.');

  const directory = resolve(values.family);
  const bench: Bench = { family: await loadFamily(directory), directory, percent, progress: show };
  const results: Record<string, unknown> = {};
  for (const { name, run } of parts) {
    const outcome = await run(bench);
    if (process.stderr.isTTY) process.stderr.write('\x1b[2K\r');
    if (typeof outcome === 'string') console.error(outcome);
    else if (values.json) results[name] = outcome.results;
    else if (values.write) await store(name, outcome);
    else console.log(`${outcome.text}\n`);
  }
  if (values.json) console.log(JSON.stringify(results, null, 2));
}

/** Written as soon as it is there: the next part may take half an hour, or fail. */
async function store(name: string, outcome: Outcome): Promise<void> {
  const charts = join(import.meta.dirname, CHARTS);
  await mkdir(charts, { recursive: true });
  for (const chart of outcome.charts) await writeFile(join(charts, `${chart.name}.svg`), chart.svg);
  await writeFile(README, withPart(await readFile(README, 'utf8'), name, outcome));
}

/** One line that is written over on a terminal; elsewhere a line at each tenth. */
function show(what: string, done: number, all: number): void {
  const line = `${what} ${done}/${all}`;
  if (process.stderr.isTTY) process.stderr.write(`\x1b[2K\r${line}`);
  else if (Math.floor((10 * done) / all) > Math.floor((10 * (done - 1)) / all)) console.error(line);
}
