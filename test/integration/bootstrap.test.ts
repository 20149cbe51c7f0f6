/** First steps on a new machine, in a project that stands in for this one, with an npm that only takes notes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

const BOOTSTRAP = join(import.meta.dirname, '../../tools/bootstrap.mjs');
/** What npm writes last of an installation. */
const RECORD = 'node_modules/.package-lock.json';

describe('bootstrap', () => {
  it('installs what the lockfile says, all of it and without install scripts, and runs the script', (t) => {
    const project = new Project(t);
    const { status, stdout } = project.run('script.mjs', 'one', 'two');
    assert.deepEqual([status, stdout.trim()], [0, `${project.directory} one two`]);
    const [call] = project.npmCalls;
    assert.equal(project.npmCalls.length, 1);
    for (const word of ['ci', '--ignore-scripts', '--include=dev', '--include=optional'])
      assert.ok(call!.split(' ').includes(word), call);
  });

  it('installs once', (t) => {
    const project = new Project(t);
    project.run('script.mjs');
    project.run('script.mjs');
    assert.equal(project.npmCalls.length, 1);
  });

  it('leaves alone what a plain npm ci has installed', (t) => {
    const project = new Project(t);
    project.write(RECORD, '{}');
    assert.equal(project.run('script.mjs').status, 0);
    assert.deepEqual(project.npmCalls, []);
  });

  it('installs again where the lockfile is newer, and where an installation was interrupted', (t) => {
    const project = new Project(t);
    project.write(RECORD, '{}');
    utimesSync(join(project.directory, RECORD), new Date(0), new Date(0));
    project.run('script.mjs');
    assert.equal(project.npmCalls.length, 1);
    rmSync(join(project.directory, RECORD));
    project.run('script.mjs');
    assert.equal(project.npmCalls.length, 2);
  });

  it('an npm that fails: one sentence, exit 1, and the script does not run', (t) => {
    const project = new Project(t, 'exit 7');
    const { status, stdout, stderr } = project.run('script.mjs');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /\nThe dependencies could not be installed; npm says why above\.\n$/u);
  });

  it('no script: one sentence, exit 1, and nothing is installed', (t) => {
    const project = new Project(t);
    const { status, stderr } = project.run();
    assert.deepEqual(
      [status, stderr, project.npmCalls],
      [1, 'Expected a script to run, such as tools/start.ts.\n', []],
    );
  });

  it('runs the script under the Node that was installed, by its binary', (t) => {
    const project = new Project(t);
    project.write(RECORD, '{}');
    const folder = `node_modules/node-${process.platform}-${process.arch}/bin`;
    mkdirSync(join(project.directory, folder), { recursive: true });
    symlinkSync(process.execPath, join(project.directory, folder, 'node'));
    project.write('argv0.mjs', 'console.log(process.argv0);');
    assert.equal(project.run('argv0.mjs').stdout.trim(), join(project.directory, folder, 'node'));
  });

  it("gives the script's exit code, and 128 and its number for a signal that ended it", (t) => {
    const project = new Project(t);
    project.write('code.mjs', 'process.exit(5);');
    project.write('signal.mjs', "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
    assert.equal(project.run('code.mjs').status, 5);
    assert.equal(project.run('signal.mjs').status, 137);
  });

  it('passes SIGTERM on to the script, and leaves SIGINT to the terminal', async (t) => {
    const project = new Project(t);
    project.write(
      'signals.mjs',
      `process.on('SIGINT', () => process.exit(9)).on('SIGTERM', () => process.exit(0));
       console.log('up'); setInterval(() => {}, 1000);`,
    );
    const child = spawn(process.execPath, [project.bootstrap, 'signals.mjs'], {
      env: project.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
  });
});

class Project {
  readonly directory = mkdtempSync(join(tmpdir(), 'foretype-bootstrap-'));
  readonly bootstrap = join(this.directory, 'tools/bootstrap.mjs');
  readonly env = { ...process.env, PATH: `${this.directory}/bin:${process.env['PATH'] ?? ''}` };

  constructor(t: TestContext, npm = `mkdir -p node_modules && echo '{}' > ${RECORD}`) {
    t.after(() => rmSync(this.directory, { recursive: true }));
    mkdirSync(join(this.directory, 'node_modules'));
    cpSync(BOOTSTRAP, this.bootstrap);
    this.write('package-lock.json', '{}');
    this.write('script.mjs', 'console.log(process.cwd(), ...process.argv.slice(2));');
    this.write('bin/npm', `#!/bin/sh\necho "$@" >> calls\n${npm}\n`);
    chmodSync(join(this.directory, 'bin/npm'), 0o755);
  }

  /** The arguments of every call of npm so far. */
  get npmCalls(): string[] {
    const calls = join(this.directory, 'calls');
    return existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  }

  write(name: string, content: string): void {
    mkdirSync(join(this.directory, name, '..'), { recursive: true });
    writeFileSync(join(this.directory, name), content);
  }

  run(...args: string[]) {
    return spawnSync(process.execPath, [this.bootstrap, ...args], { encoding: 'utf8', env: this.env });
  }
}
