/** Commands of `foretype-edge` run as a person would, without a process of their own. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import { freeBytes } from '@foretype/models/catalogue';
import { parseCommand } from '../../edge-node/src/command.ts';
import type { CommandIo } from '../../edge-node/src/commands/io.ts';
import { runCommand } from '../../edge-node/src/commands/run.ts';
import { settingsSchema } from '../../edge-node/src/config.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const GIB = 1024 ** 3;

/**
 * @param home where the state is, unless a command says otherwise: `home/foretype-edge`.
 * @param changed what a test wants to be otherwise.
 */
export function terminal(home: string, changed: Partial<CommandIo> = {}) {
  const schema = settingsSchema({ cores: 2, memory: 8 * GIB, stateHome: home, family: EMBEDDED_FAMILY });
  let random = 0;
  const run = async (...argv: string[]): Promise<Ran> => {
    const [out, err]: [string[], string[]] = [[], []];
    const io: CommandIo = {
      schema,
      env: {},
      machine: { architecture: 'x64', cores: 2, memory: 8 * GIB },
      out: (line) => void out.push(line),
      err: (line) => void err.push(line),
      now: () => new Date('2026-06-01T12:00:00Z'),
      random: (size) => Buffer.alloc(size, ++random),
      readFile: (path) => readFileSync(path, 'utf8'),
      fetch,
      sleep: (_ms, signal) =>
        // A time-out that never comes, or a pause that nobody waits for.
        signal ? new Promise(() => undefined) : Promise.resolve(),
      freeBytes,
      tryEngine: () => Promise.resolve(),
      ...changed,
    };
    const task = parseCommand(argv, schema);
    if (task.name === 'help' || task.name === 'version' || task.name === 'serve')
      throw new Error(`${task.name} is no task.`);
    const code = await runCommand(task, io);
    return { code, out: out.join('\n'), err: err.join('\n') };
  };
  return { run, state: join(home, 'foretype-edge') };
}
