/**
 * First steps on a new machine, for any Node from 20.0 on: installs what the lockfile says, then runs the script named
 * on the command line under the Node 24 that came with it. Plain JavaScript, since Node 20 cannot read types.
 *
 *     node tools/bootstrap.mjs tools/start.ts [arguments]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE = 24;
// Node 20.0 to 20.10 has no `import.meta.dirname`.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const [script, ...rest] = process.argv.slice(2);
if (!script) fail('Expected a script to run, such as tools/start.ts.');
if (!installed()) install();
const child = spawn(modernNode(), [script, ...rest], { stdio: 'inherit' });
// A terminal's Ctrl+C reaches the child by itself, which then ends in its own good time; other signals are passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));

/**
 * Whether npm has put there what the lockfile says, however it was called: its own record of that is what it writes
 * last, so an interrupted installation leaves none, or one that is older than the lockfile.
 */
function installed() {
  const record = statSync(join('node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  return record !== undefined && record.mtimeMs >= statSync('package-lock.json').mtimeMs;
}

function install() {
  console.error('Installing dependencies from the npm registry (about a minute, once) …');
  // The lockfile decides; flags of the user's own configuration must not leave parts out. Every install script is
  // denied in package.json, but npm 10, which comes with Node 20, does not read `allowScripts` and would run them all.
  const flags = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npm = spawnSync('npm', ['ci', ...flags, '--loglevel=error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) fail('The dependencies could not be installed; npm says why above.');
}

function modernNode() {
  // The binary itself: Windows does not start the `node.cmd` in `.bin` without a shell.
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const bundled = join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', name);
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= NODE) return process.execPath;
  return fail(
    `Foretype needs Node ${NODE} and npm has none for this platform; install Node ${NODE} and try again.`,
  );
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
