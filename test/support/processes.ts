import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The command line, with blanks between the arguments. */
  readonly command: string;
}

/** Ids of the processes now running whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<number[]> {
  return (await running()).filter(({ parent }) => parent === pid).map((child) => child.pid);
}

/** The processes now running in a group. */
export async function groupOf(group: number): Promise<Process[]> {
  return (await running()).filter((process) => process.group === group);
}

/** The processes now running whose command line has `text` in it. */
export async function commandsWith(text: string): Promise<Process[]> {
  return (await running()).filter(({ command }) => command.includes(text));
}

/** Bytes of a process in memory now, what it has in common with others among them. */
export async function memoryOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Rss:\s+(\d+) kB/mu.exec(rollup)![1]) * 1024;
}

/** Waits until none of `pids` runs; one that ended and was not reaped counts as gone. */
export async function gone(pids: readonly number[], within = 5_000): Promise<void> {
  const deadline = Date.now() + within;
  for (;;) {
    const left = (await running()).map(({ pid }) => pid).filter((pid) => pids.includes(pid));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Still running: ${left.join(', ')}.`);
    await sleep(20);
  }
}

/** What runs now, from Linux's process table. */
async function running(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/u.test(entry));
  const found = await Promise.all(pids.map(processOf));
  return found.filter((process) => process !== undefined);
}

async function processOf(pid: string): Promise<Process | undefined> {
  // A process may end while its files are read.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The fields after the name, which may itself contain blanks: state, parent, group.
  const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (!state || state === 'Z') return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    command: command.replaceAll('\0', ' ').trim(),
  };
}
