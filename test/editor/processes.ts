import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupOf } from '../support/processes.ts';

/**
 * Starts Node in a process group of its own, so that everything it starts can be found again.
 * @param wrapper - a command that ends by becoming the one that follows it.
 */
export function startNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  wrapper: readonly string[] = [],
): ChildProcess {
  const [command, ...rest] = [...wrapper, process.execPath, ...args];
  return spawn(command!, rest, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Leads connections to a port of loopback on to a socket that is a file, which may be in another network. */
export async function forward(port: number, path: string): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(path);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Asks a process to end and waits for all of its group.
 * @throws Error naming what was still there after ten seconds and had to be killed.
 */
export async function stopGroup(leader: ChildProcess): Promise<void> {
  if (leader.pid === undefined) return;
  leader.kill('SIGTERM');
  const deadline = Date.now() + 10_000;
  let left = await groupOf(leader.pid);
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(50);
    left = await groupOf(leader.pid);
  }
  if (left.length === 0) return;
  process.kill(-leader.pid, 'SIGKILL');
  const names = left.map(({ pid, command }) => `${pid} ${command}`);
  throw new Error(`These processes did not end with the one that started them:\n${names.join('\n')}`);
}

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a child process answers HTTP requests at `url`. */
export async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 90_000;
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`The process for ${url} ended with code ${child.exitCode}.`);
    if (Date.now() > deadline) throw new Error(`Nothing answers at ${url}.`);
    await sleep(50);
  }
}
