import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pin } from '../rig/pin.ts';

export interface PeerOptions {
  readonly program: string;
  /** The GGUF file. */
  readonly model: string;
  /** Tokens of a sequence, and of a batch, which bounds a prompt. */
  readonly context: number;
  readonly batch: number;
  readonly cacheReuse: number;
  /** Lays a prompt out with the suffix first. */
  readonly suffixFirst: boolean;
  /** Prompts kept, and requests worked on, at once. */
  readonly parallel: number;
  readonly core: number;
}

/** A llama-server of one thread, with the options of `--fim-*-default` as far as the model's context allows. */
export class PeerServer {
  readonly url: string;
  readonly pinned: boolean;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, pinned: boolean) {
    this.#child = child;
    this.url = url;
    this.pinned = pinned;
  }

  /** Ready when it resolves. @throws Error where the server ends before, or is not ready within a minute. */
  static async start(options: PeerOptions): Promise<PeerServer> {
    const { program, model, context, batch, cacheReuse, suffixFirst, parallel, core } = options;
    const port = await freePort();
    const child = spawn(
      program,
      [
        ...['--model', model, '--host', '127.0.0.1', '--port', String(port)],
        ...['--ctx-size', String(context * parallel), '--parallel', String(parallel), '--no-kv-unified'],
        ...['--batch-size', String(batch), '--ubatch-size', String(batch)],
        ...['--cache-reuse', String(cacheReuse), '--threads', '1', '--threads-batch', '1'],
        ...(suffixFirst ? ['--spm-infill'] : []),
        ...['--offline', '--no-ui', '--log-disable'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const url = `http://127.0.0.1:${port}`;
    const over = new AbortController();
    try {
      await Promise.race([healthy(url, over.signal), ended(child)]);
      return new PeerServer(child, url, pin(child.pid, core));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      over.abort();
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await exit;
    clearTimeout(patience);
  }
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`llama-server ended with code ${code ?? 'none'} before it was ready.`);
}

async function healthy(url: string, over: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 600 && !over.aborted; tries++) {
    const status = await fetch(`${url}/health`).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status === 200) return;
    await sleep(100);
  }
  throw new Error('llama-server did not become ready within a minute.');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
