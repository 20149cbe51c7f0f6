import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../edge-node/src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `foretype-edge` as a process of its own; killed when the test ends, if it still runs. */
export class EdgeProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(t: TestContext, argv: readonly string[], env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [MAIN, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    t.after(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** The base URL, once the node is ready. Rejects where it ends before. */
  async ready(): Promise<string> {
    const pattern = /^foretype-edge listens on (http:\/\/\S+)$/m;
    for (;;) {
      const url = pattern.exec(this.stdout)?.[1];
      if (url) return url;
      const step = await Promise.race([once(this.child.stdout!, 'data').then(() => undefined), this.ended]);
      if (step && !pattern.test(step.stdout)) throw new Error(`The node ended: ${JSON.stringify(step)}`);
    }
  }

  /** The token that the first start prints. */
  get token(): string {
    const token = /^Token \(shown once\): (\S+)$/m.exec(this.stdout)?.[1];
    if (!token) throw new Error(`No token in ${JSON.stringify(this.stdout)}.`);
    return token;
  }
}

/** A home directory of its own, so that a test neither reads nor leaves anything of this user's. */
export async function home(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'edge-home-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function startProcess(t: TestContext, directory: string, argv: readonly string[] = []): EdgeProcess {
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    FORETYPE_EDGE_PORT: '0',
    FORETYPE_EDGE_THREADS: '1',
  };
  return new EdgeProcess(t, argv, env);
}
