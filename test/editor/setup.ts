import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const home = join(import.meta.dirname, 'code-server');
const vscode = join(home, 'node_modules', 'code-server', 'lib', 'vscode');
const marker = join(home, 'node_modules', '.foretype-setup');

/** code-server's main module; there after {@link ensureCodeServer}. */
export const CODE_SERVER = join(home, 'node_modules', 'code-server', 'out', 'node', 'entry.js');

/** Path of the browser, if one is installed. */
export const CHROMIUM = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((directory) =>
    ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(directory, name)),
  )
  .find((path) => existsSync(path));

/** Why the editor tests cannot run here, or `false`: what `node:test` takes as `skip`. */
export const SKIP =
  CHROMIUM === undefined &&
  'The editor tests need chromium, which is not on the PATH; install the package chromium.';

/** Installs code-server, a VS Code workbench for the browser, if this lockfile's version of it is not there yet. */
export async function ensureCodeServer(): Promise<void> {
  const lock = await readFile(join(home, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return;
  // Its own install script wants a compiler and installs these two trees by itself; without their scripts the only
  // thing missing is Kerberos and faster logging.
  await npm('ci', '--prefix', home);
  await npm('install', '--omit=dev', '--prefix', vscode);
  await npm('install', '--omit=dev', '--prefix', join(vscode, 'extensions'));
  await restoreProposedApiCheck(
    join(vscode, 'out', 'vs', 'workbench', 'api', 'node', 'extensionHostProcess.js'),
  );
  await writeFile(marker, wanted);
}

/**
 * code-server lets every extension use every proposed API, VS Code does not. Puts VS Code's rule back, so that a test
 * fails where the extension relies on one.
 */
async function restoreProposedApiCheck(path: string): Promise<void> {
  const source = await readFile(path, 'utf8');
  const asked = new Set(
    [...source.matchAll(/([\w$]+)\([^()]*,"inlineCompletionsAdditions"\)/g)].map(([, name]) => name),
  );
  const grants = [...source.matchAll(/function ([\w$]+)\(([\w$]+),([\w$]+)\)\{return ?!0\}/g)];
  const grant = grants.find(([, name]) => asked.has(name));
  if (grant === undefined) {
    throw new Error(
      `${path} has no function that grants all proposed APIs; see what this code-server version does instead.`,
    );
  }
  const [text, name, extension, proposal] = grant;
  const rule = `function ${name}(${extension},${proposal}){return!!${extension}.enabledApiProposals?.includes(${proposal})}`;
  await writeFile(
    path,
    source.replace(text, () => rule),
  );
}

async function npm(...args: readonly string[]): Promise<void> {
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn('npm', [...args, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
  if (child.exitCode !== 0) {
    throw new Error(`"npm ${args[0]}" for code-server failed; its errors are above.`);
  }
}
