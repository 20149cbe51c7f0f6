/** What the node and its engines take of the machine's memory. */
import { readFile } from 'node:fs/promises';

/** Bytes. */
export interface Memory {
  /** Resident in the node's own process. */
  readonly node: number;
  /** Resident in each engine's process, by family; absent where none runs, or the system does not tell. */
  readonly engines: ReadonlyMap<string, number>;
  /** What the node may place, `Infinity` where that is not bounded, and what it has placed. */
  readonly budget: number;
  readonly placed: number;
}

export interface MemorySources {
  readonly families: readonly string[];
  /** The process of a family's engine, where one runs. */
  readonly pid: (family: string) => number | undefined;
  readonly budget: number;
  readonly placed: () => number;
}

export async function memoryOf({ families, pid, budget, placed }: MemorySources): Promise<Memory> {
  const engines = new Map<string, number>();
  for (const family of families) {
    const running = pid(family);
    const bytes = running === undefined ? undefined : await residentBytes(running);
    if (bytes !== undefined) engines.set(family, bytes);
  }
  return { node: process.memoryUsage.rss(), engines, budget, placed: placed() };
}

/** Resident bytes of a process, as Linux tells them (proc_pid_status(5)); undefined elsewhere, and where it has ended. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
