import { spawnSync } from 'node:child_process';
import { childrenOf } from '../../support/processes.ts';

/**
 * Binds a process with all its threads to one core, where the machine has `taskset`, so that two engines on a small
 * machine do not take turns on the same one.
 * @returns whether it is bound.
 */
export function pin(pid: number | undefined, core: number): boolean {
  if (pid === undefined) return false;
  const bind = () => spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
  // It fails where a thread has ended since they were listed.
  return [1, 2, 3].some(() => bind().status === 0);
}

/** The same for the processes that `pid` started. */
export async function pinChildren(pid: number, core: number): Promise<boolean> {
  const children = process.platform === 'linux' ? await childrenOf(pid) : [];
  return children.length > 0 && children.every((child) => pin(child, core));
}
