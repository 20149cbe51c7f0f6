import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { packageExtension } from '../../tools/package.ts';
import { OUT } from './code-server.ts';

/** The extension as it ships: its VSIX, and the directory with what is in there. */
export interface UnderTest {
  readonly vsix: string;
  readonly directory: string;
}

/** Packs the extension, once for all files of one run of the tests: each is a process of its own. */
export async function extensionUnderTest(): Promise<UnderTest> {
  await mkdir(OUT, { recursive: true });
  const mine = `foretype-of-${await runOfTests()}-`;
  const there = await readdir(OUT);
  let name = there.find((entry) => entry.startsWith(mine));
  if (name === undefined) {
    const old = there.filter((entry) => entry.startsWith('foretype-of-'));
    await Promise.all(old.map((entry) => rm(join(OUT, entry))));
    const made = await packageExtension();
    name = `${mine}${basename(made)}`;
    // Whoever finds it finds it whole.
    await copyFile(made, join(OUT, 'packing'));
    await rename(join(OUT, 'packing'), join(OUT, name));
  }
  const target = /foretype-([a-z0-9-]+)\.vsix$/u.exec(name)?.[1];
  return {
    vsix: join(OUT, name),
    directory: join(dirname(OUT), 'extension', target!),
  };
}

/** The process that runs all test files: its id, and when it began, since ids are used again. */
async function runOfTests(): Promise<string> {
  const stat = await readFile(`/proc/${process.ppid}/stat`, 'utf8').catch(() => '');
  // The fields after the name, which may itself contain blanks; the 22nd of all is the start.
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? String(Date.now());
  return `${process.ppid}.${began}`;
}
