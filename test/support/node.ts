import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(import.meta.dirname, '../../edge-node/src/main.ts');

/** A real edge node in a process of its own, with a state directory of its own that outlives a restart. */
export class EdgeNode {
  readonly state = mkdtempSync(join(tmpdir(), 'foretype-edge-'));
  /** Known from the first start on. */
  token = '';
  url = '';
  #child: ChildProcess | undefined;

  /** Starts the node, on the port it had before where it had one. */
  async start(flags: readonly string[] = []): Promise<void> {
    const port = this.url ? new URL(this.url).port : '0';
    const args = [
      MAIN,
      'serve',
      '--port',
      port,
      '--state',
      this.state,
      '--threads',
      '1',
      '--log-level',
      'warn',
      ...flags,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const listening = Promise.withResolvers<undefined>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.token = /^Token \(shown once\): (\S+)$/u.exec(line)?.[1] ?? this.token;
      const url = /listens on (\S+)$/u.exec(line)?.[1];
      if (!url) return;
      this.url = url;
      listening.resolve(undefined);
    });
    child.once('exit', (code) =>
      listening.reject(new Error(`The edge node ended with code ${code ?? 'none'}.`)),
    );
    await listening.promise;
    await this.ready();
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Waits until the node's engine has loaded. */
  async ready(): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      const health = await fetch(`${this.url}/health`).then(
        (answer) => answer.json() as Promise<{ status: string }>,
      );
      if (health.status === 'ok') return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('The edge node did not become ready.');
  }

  /** Writes the token to a file and returns its path. */
  tokenFile(): string {
    const file = join(this.state, 'client-token');
    writeFileSync(file, this.token);
    return file;
  }

  /** @returns the exit code, null where a signal ended it. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.state, { recursive: true, force: true });
  }
}
