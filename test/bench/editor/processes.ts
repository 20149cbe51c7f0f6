import { readFile } from 'node:fs/promises';
import { childrenOf } from '../../support/processes.ts';

/** Ticks of Linux's accounts in a second; the same on every architecture that Node runs on. */
const TICKS = 100;

/** Seconds that processes and all below them have computed so far, as Linux's process table has it. */
export async function computedBy(pids: readonly number[]): Promise<number> {
  const family = await descendantsOf(pids);
  const ticks = await Promise.all(
    family.map(async (pid) => ticksIn(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))),
  );
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS;
}

/** Ticks in user and system mode, in a line of `/proc/PID/stat`; the name in it may hold anything. */
export function ticksIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

async function descendantsOf(pids: readonly number[]): Promise<number[]> {
  const children = await Promise.all(pids.map(childrenOf));
  const below = children.flat();
  return below.length === 0 ? [...pids] : [...pids, ...(await descendantsOf(below))];
}
