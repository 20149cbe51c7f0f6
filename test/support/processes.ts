import { execFileSync } from 'node:child_process';

/** Ids of the processes now running whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return processes()
    .filter((process) => process.parent === pid)
    .map((process) => process.pid);
}

/** Whether the process still runs; one that ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  return processes().some((process) => process.pid === pid);
}

/** Waits until none of `pids` runs. */
export async function gone(pids: readonly number[], within = 5_000): Promise<void> {
  const deadline = Date.now() + within;
  while (pids.some(isRunning)) {
    if (Date.now() > deadline) throw new Error(`Still running: ${pids.filter(isRunning).join(', ')}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function processes(): { pid: number; parent: number }[] {
  return execFileSync('ps', ['-eo', 'pid=,ppid=,stat='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/u))
    .filter(([, , state]) => !state!.startsWith('Z'))
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
}
