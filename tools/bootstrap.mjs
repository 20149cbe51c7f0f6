/**
 * First steps on a new machine, for any Node from 20 on: installs what the lockfile says, then runs the script named on
 * the command line under the Node 24 that came with it. Plain JavaScript, since Node 20 cannot read types.
 *
 *     node tools/bootstrap.mjs tools/start.ts [arguments]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NODE = 24;
const root = join(import.meta.dirname, '..');
process.chdir(root);

installDependencies();
const [script, ...rest] = process.argv.slice(2);
if (!script) fail('Expected a script to run, such as tools/start.ts.');
const child = spawn(modernNode(), [script, ...rest], { stdio: 'inherit' });
// A terminal's Ctrl+C reaches the child by itself, which then ends in its own good time; other signals are passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));

function installDependencies() {
  const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  const stamp = join('node_modules', '.foretype-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing dependencies from the npm registry (about a minute, once) …');
  // The lockfile decides; flags of the user's own configuration must not leave parts out.
  const npm = spawnSync(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    },
  );
  if (npm.status !== 0) fail('The dependencies could not be installed; npm says why above.');
  writeFileSync(stamp, lock);
}

function modernNode() {
  const bundled = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
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
