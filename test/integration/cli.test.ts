/** The `foretype` command as a user types it, where no model is needed to answer. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

const CLI = join(import.meta.dirname, '../../server/src/cli.ts');
const directory = mkdtempSync(join(tmpdir(), 'foretype-cli-'));

describe('foretype', () => {
  after(() => rmSync(directory, { recursive: true }));

  const source = file('a.ts', 'const a = 1;\n');
  const binary = file('b.ts', Buffer.from([0x66, 0xff, 0xfe, 0x00]));

  const wrong: [args: string[], status: number, message: string][] = [
    [['frobnicate'], 2, 'There is no command "frobnicate"; see foretype --help.'],
    [['complete'], 2, 'Expected one FILE:LINE:COL, got 0; see foretype --help.'],
    [['complete', source], 2, `Expected FILE:LINE:COL with line and column counted from 1, got "${source}".`],
    [['complete', `${source}:9:1`], 2, `${source} has 2 lines, so there is no line 9.`],
    [['complete', `${source}:1:99`], 2, `Line 1 of ${source} ends at column 13, so there is no column 99.`],
    [['complete', `${binary}:1:1`], 2, `${binary} is not UTF-8 text, so nothing can be completed in it.`],
    [['complete', `${directory}/none.ts:1:1`], 2, `There is no file ${directory}/none.ts.`],
    [['complete', `${directory}:1:1`], 2, `${directory} cannot be read (EISDIR).`],
    [
      ['complete', `${source}:1:1`, '--token-file', `${directory}/none`],
      2,
      `There is no file ${directory}/none.`,
    ],
  ];
  for (const [args, status, message] of wrong) {
    it(`${args.join(' ').replaceAll(directory, '…')}: one sentence, exit ${status}`, () => {
      const result = run(args);
      assert.deepEqual([result.status, result.stderr.trim(), result.stdout], [status, message, '']);
    });
  }

  it('an unknown flag: one sentence, exit 2', () => {
    const { status, stderr } = run(['complete', `${source}:1:1`, '--jsn']);
    assert.equal(status, 2);
    assert.match(stderr, /^Unknown option '--jsn'/u);
  });

  it('a family that is not there: the sentence says which file, exit 1', () => {
    const { status, stderr } = run(['complete', `${source}:1:1`], { FORETYPE_FAMILY: '/nowhere' });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /The family manifest \/nowhere\/family\.json cannot be read; install the model family again\.$/mu,
    );
  });

  it('explains itself', () => {
    for (const flag of [[], ['--help'], ['-h']])
      assert.match(run(flag).stdout, /foretype complete FILE:LINE:COL/u);
    assert.match(run(['--version']).stdout, /^\d+\.\d+\.\d+$/mu);
  });
});

function run(args: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}
