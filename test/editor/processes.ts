import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupOf } from '../support/processes.ts';

/** Starts Node in a process group of its own, so that everything it starts can be found again. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [...args], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
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
  const deadline = Date.now() + 30_000;
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
