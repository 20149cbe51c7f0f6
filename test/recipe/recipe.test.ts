/**
 * The training recipe from a corpus to a family that the engine loads, at the size `tiny`: every stage's command as the
 * README has it, in seconds. What it makes is no good; that it is the same in PyTorch and in llama.cpp is what counts.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { agreements, type Reference } from '../support/fidelity.ts';

const root = join(import.meta.dirname, '../..');
const training = join(root, 'models/training');
/** Debian's own Python: its PyTorch is not installed for any other. */
const PYTHON = '/usr/bin/python3';
/** Packages of the made-up corpus; the second has the name of a project that the recipe makes an adapter for. */
const [TRAIN, HELD_OUT] = ['foretype', 'langium'];

const work = mkdtempSync(join(tmpdir(), 'foretype-recipe-'));
const at = (name: string) => join(work, name);

describe('the training recipe', () => {
  before(() => {
    writeFileSync(at('corpus.jsonl'), corpus());
    writeFileSync(at('NOTICE.md'), '# Notices\n');
    execFileSync('git', [
      'clone',
      '--quiet',
      '--depth=1',
      '--config=advice.detachedHead=false',
      join(root, 'node_modules/node-llama-cpp/llama/gitRelease.bundle'),
      at('llama.cpp'),
    ]);
    mkdirSync(at('tiny'));
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  it('passes its own tests', () => {
    const { status, stderr } = spawnSync(PYTHON, ['-m', 'unittest', 'discover', training], {
      cwd: training,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Ran [1-9]\d+ tests/m);
    assert.doesNotMatch(stderr, /skipped/);
  });

  it('makes a family, and resumes and grows on the way', () => {
    stage('tokenizer.py', '--corpus', at('corpus.jsonl'));
    stage('pack.py', '--corpus', at('corpus.jsonl'));
    stage('train.py', '--minutes', '0.03', '--layers', '2');
    assert.match(stage('train.py', '--minutes', '0.03'), /2 layers stacked up to 4/);
    stage('train.py', '--minutes', '0.03', '--decay');
    stage('draft.py', '--minutes', '0.03');
    assert.match(stage('adapters.py', '--minutes', '0.05'), /langium .*"perplexity_after"/);
    const log = readFileSync(at('tiny/train.jsonl'), 'utf8').trim().split('\n');
    const steps = log.map((line) => JSON.parse(line) as { stage: string; step: number; loss: number });
    const steady = steps.filter((entry) => entry.stage === 'steady');
    assert.equal(steady.length, 2);
    assert.ok(steady[1]!.step > steady[0]!.step, 'the second run goes on where the first ended');
  });

  it('keeps what it has learnt when it is asked to stop', async () => {
    const out = at('stopped');
    mkdirSync(out);
    copyFileSync(at('tiny/packed.npz'), join(out, 'packed.npz'));
    const script = join(training, 'train.py');
    const child = spawn(PYTHON, [script, '--size', 'tiny', '--minutes', '5', '--out', out]);
    const exit = once(child, 'exit') as Promise<[number]>;
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    assert.match(line.toString(), /parameters on CPU/);
    // Asked before its first step, it makes that step and stops.
    await setTimeout(500);
    child.kill('SIGTERM');
    const [code] = await exit;
    assert.equal(code, 143);
    const { step } = JSON.parse(readFileSync(join(out, 'train.jsonl'), 'utf8')) as { step: number };
    assert.ok(step > 0);
  });

  for (const [kind, least, tie, ...flags] of [
    // What 16 bits may turn is a tie; a model trained for seconds has some, and 8 bits turn more of them.
    ['f16', 0.98, 0.02, '--half'],
    ['q8_0', 0.95, 0.5],
  ] as const) {
    it(`exports ${kind} weights that choose as PyTorch does`, async (t) => {
      stage('export.py', '--to', at(kind), '--notice', at('NOTICE.md'), '--llama', at('llama.cpp'), ...flags);
      stage('reference.py', '--corpus', at('corpus.jsonl'), '--to', at('reference.json'));
      const reference = JSON.parse(readFileSync(at('reference.json'), 'utf8')) as Reference;
      const found = await agreements(at(kind), reference);
      assert.deepEqual(
        found.map(({ model }) => model),
        ['backbone', HELD_OUT, 'draft'],
      );
      for (const { model, positions, equal, widest } of found) {
        const line = `${model}: ${equal} of ${positions}, the others within ${widest}`;
        t.diagnostic(line);
        assert.ok(equal >= least * positions && widest <= tie, line);
      }
    });
  }

  it('says in one sentence which stage is missing', () => {
    const { status, stderr } = spawnSync(
      PYTHON,
      [join(training, 'draft.py'), '--size', 'tiny', '--minutes', '1', '--out', at('nothing')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 1);
    assert.match(stderr, /^There is no .*backbone\.pt; run train\.py with --decay first\.\n$/);
  });
});

function stage(script: string, ...flags: string[]): string {
  const all = ['--size', 'tiny', '--out', at('tiny'), ...flags];
  return execFileSync(PYTHON, [join(training, script), ...all], { encoding: 'utf8', stdio: 'pipe' });
}

/** The project's own sources, some of them held out. */
function corpus(): string {
  const files = globSync('{models,server,edge-node}/src/**/*.ts', { cwd: root }).sort();
  const lines = files.map((path) => {
    const held = path.startsWith('server/');
    const text = readFileSync(join(root, path), 'utf8');
    const split = held ? 'heldout' : 'train';
    return JSON.stringify({ package: held ? HELD_OUT : TRAIN, path, split, text });
  });
  return `${lines.join('\n')}\n`;
}
