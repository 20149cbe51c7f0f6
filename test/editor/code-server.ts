import { execFile, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { groupOf } from '../support/processes.ts';
import { type Attempts, attemptsOf, cutOff } from './cut-off.ts';
import { answering, forward, freePort, startNode, stopGroup } from './processes.ts';
import { CODE_SERVER } from './setup.ts';

type Files = Readonly<Record<string, string>>;
type Settings = Readonly<Record<string, unknown>>;

export interface CodeServerOptions {
  /** Extension to install, as a VSIX. */
  readonly vsix?: string;
  /** Content of the workspace folder by path. */
  readonly files?: Files;
  /** User settings beside those that keep the workbench quiet. */
  readonly settings?: Settings;
  /** Flags for code-server beside the usual ones. */
  readonly flags?: readonly string[];
  /** Variables for code-server and all that it starts. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether VS Code asks if it may trust the workspace; without, it trusts all. */
  readonly trust?: boolean;
  /** Whether the server runs where there is no network but loopback. */
  readonly offline?: boolean;
}

/** Where logs and screenshots of the editor tests go. */
export const OUT = join(import.meta.dirname, '..', '..', 'out', 'editor');

/** Nothing that moves, asks or suggests by itself, so that what a test sees comes from our extension. */
const QUIET = {
  'chat.disableAIFeatures': true,
  'editor.autoClosingBrackets': 'never',
  'editor.autoSurround': 'never',
  'editor.autoIndent': 'none',
  'editor.inlineSuggest.enabled': true,
  'editor.lightbulb.enabled': 'off',
  'editor.minimap.enabled': false,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.scrollbar.vertical': 'hidden',
  'editor.suggestOnTriggerCharacters': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'typescript.disableAutomaticTypeAcquisition': true,
  'typescript.validate.enable': false,
  'workbench.editor.useModal': 'off',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** Has workspaces be untrusted until the user says otherwise, without a dialog in the way. */
const TRUST = {
  'security.workspace.trust.enabled': true,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
};

/** A VS Code server on a loopback port with directories of its own. */
export class CodeServer {
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly #resources = new AsyncDisposableStack();
  /** The user's settings when it started. */
  readonly settings: Settings;

  private constructor(directory: string, process: ChildProcess, port: number, settings: Settings) {
    this.#directory = directory;
    this.#process = process;
    this.#port = port;
    this.settings = settings;
  }

  /** Resolves when the server answers. */
  static async start({ vsix, flags = [], ...options }: CodeServerOptions): Promise<CodeServer> {
    const { trust = false, offline = false } = options;
    const settings = { ...QUIET, ...(trust && TRUST), ...options.settings };
    const wrapper = offline ? cutOff() : [];
    const directory = await mkdtemp(join(tmpdir(), 'foretype-editor-'));
    await layOut(directory, { ...options, settings });
    const own = ['--config', join(directory, 'config.yaml'), '--user-data-dir', join(directory, 'user')];
    own.push('--extensions-dir', join(directory, 'extensions'));
    const env = environment(directory, options.env);
    if (vsix !== undefined) {
      const install = [process.execPath, CODE_SERVER, ...own, '--install-extension', vsix];
      const [command, ...args] = [...wrapper, ...install];
      await promisify(execFile)(command!, args, { env });
    }
    const port = await freePort();
    const socket = join(directory, 'socket');
    const listen = offline ? ['--socket', socket] : ['--bind-addr', `127.0.0.1:${port}`];
    const trusting = trust ? [] : ['--disable-workspace-trust'];
    const started = run([...own, ...listen, ...trusting, ...flags], env, wrapper);
    const server = new CodeServer(directory, started, port, settings);
    try {
      // The browser is outside: it tries all sorts of things by itself.
      if (offline) server.#resources.use(await forward(port, socket));
      await answering(`http://127.0.0.1:${port}/healthz`, server.#process);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get workspace(): string {
    return join(this.#directory, 'workspace');
  }

  /** VS Code's settings and state. */
  get userData(): string {
    return join(this.#directory, 'user');
  }

  /** The URL by which the workbench names a path of the server's. */
  urlOf(path: string): string {
    return `vscode-remote://127.0.0.1:${this.#port}${path}`;
  }

  /** The page with the workbench; `payload` is what the workbench is told beside its folder. */
  page(payload: readonly (readonly [string, string])[]): string {
    const query = new URLSearchParams({ folder: this.workspace, payload: JSON.stringify(payload) });
    return `http://127.0.0.1:${this.#port}/?${query.toString()}`;
  }

  /** Other hosts that the server, or a process below it, tried to reach. */
  async offHost(): Promise<Set<string>> {
    const log = await readFile(join(this.#directory, 'offhost.log'), 'utf8').catch(() => '');
    return new Set(log.split('\n').filter((line) => line !== ''));
  }

  /** The kernel's count of what the server, or a process below it, tried to reach since it started off-line. */
  attempts(): Promise<Attempts> {
    return attemptsOf(this.#process.pid!);
  }

  /** Kills the process below the server that runs `script` and waits until another one does. */
  async killAndAwaitNext(script: string): Promise<void> {
    const running = async () => {
      const group = await groupOf(this.#process.pid!);
      return group.find(({ command }) => command.includes(script))?.pid;
    };
    const first = await running();
    if (first === undefined) throw new Error(`No process runs ${script}.`);
    process.kill(first, 'SIGKILL');
    const deadline = Date.now() + 20_000;
    for (let next: number | undefined; next === undefined || next === first; next = await running()) {
      if (Date.now() > deadline) throw new Error(`Nothing started ${script} again.`);
      await sleep(50);
    }
  }

  /**
   * Ends the server with everything below it, and removes the directories.
   * @throws Error when a process had to be killed.
   */
  async stop(): Promise<void> {
    try {
      await this.#resources.disposeAsync();
      await stopGroup(this.#process);
    } finally {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }
}

async function layOut(directory: string, options: CodeServerOptions): Promise<void> {
  const { files = {}, settings } = options;
  const laid = {
    // Without a file of its own, code-server writes one into the home directory.
    'config.yaml': '',
    'user/User/settings.json': JSON.stringify(settings),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`workspace/${name}`, text])),
  };
  await mkdir(join(directory, 'workspace'));
  for (const [name, text] of Object.entries(laid)) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

function environment(directory: string, more: CodeServerOptions['env']): NodeJS.ProcessEnv {
  // When the tests run in a terminal of VS Code, its variables would make code-server talk to that window.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name),
  );
  return {
    ...Object.fromEntries(own),
    // Without a gallery nobody looks for extensions on the network.
    EXTENSIONS_GALLERY: '{}',
    FORETYPE_OFFHOST_LOG: join(directory, 'offhost.log'),
    ...more,
  };
}

function run(flags: readonly string[], env: NodeJS.ProcessEnv, wrapper: readonly string[]): ChildProcess {
  const preload = ['--import', new URL('offhost.ts', import.meta.url).href];
  const quiet = ['--auth', 'none', '--disable-telemetry', '--disable-update-check'];
  const fresh = ['--disable-getting-started-override', '--ignore-last-opened'];
  const server = startNode([...preload, CODE_SERVER, ...quiet, ...fresh, ...flags], env, wrapper);
  const log = createWriteStream(join(OUT, 'code-server.log'));
  server.stdout?.pipe(log);
  server.stderr?.pipe(log);
  return server;
}
