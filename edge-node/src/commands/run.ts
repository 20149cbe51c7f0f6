import { CatalogueError } from '@foretype/models/catalogue';
import type { Task } from '../command.ts';
import { readConfig, type Config } from '../config.ts';
import { StartError } from '../error.ts';
import * as adapter from './adapter.ts';
import { backup } from './backup.ts';
import { doctor } from './doctor.ts';
import { init } from './init.ts';
import type { CommandIo } from './io.ts';
import * as models from './models.ts';
import { CommandError, sentenceOf } from './problem.ts';
import type { TaskName } from './tasks.ts';
import * as token from './token.ts';

/** A command with the settings that hold for it. */
export interface Asked extends Omit<Task, 'flags'> {
  readonly config: Config;
}

/** Carries a command out, at once or as a promise. */
export type Handler = (asked: Asked, io: CommandIo) => unknown;

const HANDLERS: Readonly<Record<Exclude<TaskName, 'init'>, Handler>> = {
  'token create': token.create,
  'token list': token.list,
  'token revoke': token.revoke,
  'adapter add': adapter.add,
  'adapter list': adapter.list,
  'adapter show': adapter.show,
  'adapter assign': adapter.assign,
  'adapter unassign': adapter.unassign,
  'adapter pin': adapter.pin,
  'adapter unpin': adapter.unpin,
  'adapter remove': adapter.remove,
  'adapter export': adapter.exportVersion,
  'models list': models.list,
  'models pull': models.pull,
  backup,
  doctor,
};

/**
 * Carries out what was asked for, and says in a sentence why it cannot.
 * @returns the exit code: 0, 1 where something failed, 2 where the question was wrong.
 */
export async function runCommand(task: Task, io: CommandIo): Promise<number> {
  try {
    const { name, flags, ...rest } = task;
    if (name === 'init') {
      init(task, io);
    } else {
      const config = readConfig({ schema: io.schema, flags, env: io.env, readFile: io.readFile });
      await HANDLERS[name]({ ...rest, name, config }, io);
    }
    return 0;
  } catch (error) {
    const sentence = sentenceOf(error);
    if (sentence === undefined) throw error;
    io.err(sentence);
    const coded =
      error instanceof StartError || error instanceof CommandError || error instanceof CatalogueError;
    return coded && error.code === 'usage' ? 2 : 1;
  }
}
