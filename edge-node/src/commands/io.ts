import { draftSpec, EMBEDDED_FAMILY, loadFamily, startEngine } from '@foretype/models';
import { freeBytes, machineMemory } from '@foretype/models/catalogue';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SettingsSchema } from '../config.ts';

/** What commands see of the world, and how they answer. */
export interface CommandIo {
  readonly schema: SettingsSchema;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly machine: {
    /** As Node names it: `x64`, `arm64`. */
    readonly architecture: string;
    readonly cores: number;
    /** Bytes that this process may have. */
    readonly memory: number;
  };
  /** A line of what was asked for. */
  readonly out: (line: string) => void;
  /** A line about what is going on, or went wrong. */
  readonly err: (line: string) => void;
  readonly now: () => Date;
  /** `size` bytes that nobody can guess. */
  readonly random: (size: number) => Uint8Array;
  readonly readFile: (path: string) => string;
  readonly fetch: typeof fetch;
  /** Rejects where the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** Bytes that this user may still write where `path` is, or would be. */
  readonly freeBytes: (path: string) => Promise<number>;
  /** Loads a model with the native library, whose process ends where the signal is aborted. @throws EngineError */
  readonly tryEngine: (signal: AbortSignal) => Promise<void>;
}

/** This process, its terminal and its machine. */
export function processIo(schema: SettingsSchema): CommandIo {
  return {
    schema,
    env: process.env,
    machine: { architecture: arch(), cores: availableParallelism(), memory: machineMemory() },
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    now: () => new Date(),
    random: randomBytes,
    readFile: (path) => readFileSync(path, 'utf8'),
    fetch,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    freeBytes,
    tryEngine,
  };
}

/** The smallest model there is says as much about the library as a large one. */
async function tryEngine(signal: AbortSignal): Promise<void> {
  const engine = startEngine(draftSpec(await loadFamily(EMBEDDED_FAMILY), { sequences: 1, threads: 1 }));
  // Its process would keep this one from its end.
  signal.addEventListener('abort', () => void engine.dispose(), { once: true });
  try {
    await engine.facts();
  } finally {
    await engine.dispose();
  }
}
