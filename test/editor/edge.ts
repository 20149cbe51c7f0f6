import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startNode, stopGroup } from './processes.ts';

const main = join(import.meta.dirname, '..', '..', 'edge-node', 'src', 'main.ts');

/** A real edge node with the embedded family, in a process of its own. */
export class EdgeNode {
  readonly #process: ChildProcess;
  readonly url: string;
  /** What the node printed where it made its state, hence `undefined` at later starts. */
  readonly token: string | undefined;

  private constructor(process: ChildProcess, url: string, token: string | undefined) {
    this.#process = process;
    this.url = url;
    this.token = token;
  }

  /** Resolves when the node listens and its model is loaded. */
  static async start(state: string, port = 0): Promise<EdgeNode> {
    const flags = ['--port', String(port), '--state', state, '--threads', '1', '--log-level', 'error'];
    const child = startNode([main, 'serve', ...flags], process.env);
    child.stderr?.pipe(process.stderr);
    let token: string | undefined;
    for await (const line of createInterface({ input: child.stdout! })) {
      token ??= /^Token \(shown once\): (\S+)$/.exec(line)?.[1];
      const url = /^foretype-edge listens on (\S+)$/.exec(line)?.[1];
      if (url === undefined) continue;
      // Leaving the loop stopped the reading; a full pipe would block the node.
      child.stdout?.resume();
      return new EdgeNode(child, url, token);
    }
    throw new Error(`The edge node ended before it listened; what it said is above.`);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends the node and its engine as a power failure would. */
  async kill(): Promise<void> {
    process.kill(-this.#process.pid!, 'SIGKILL');
    await once(this.#process, 'exit');
  }

  async stop(): Promise<void> {
    await stopGroup(this.#process);
  }
}
