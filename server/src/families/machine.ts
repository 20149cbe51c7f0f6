import { freeBytes, machineMemory } from '@foretype/models/catalogue';
import { availableParallelism } from 'node:os';
import type { MachineFacts } from './fit.ts';

/** What this machine has. @param families the directory of families, which need not be there. */
export async function machineFacts(families: string): Promise<MachineFacts> {
  return {
    memory: machineMemory(),
    free: freeMemory(),
    cores: availableParallelism(),
    disk: await freeBytes(families),
  };
}

/** Bytes; null where the system counts what it could take back at any time as used. */
function freeMemory(): number | null {
  if (process.platform === 'darwin') return null;
  return process.availableMemory();
}
