import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Task } from '../command.ts';
import { CONFIG_FILE, flagName, readConfig, settingsOf, variableName, type Setting } from '../config.ts';
import { systemCode } from '@foretype/models/catalogue';
import type { CommandIo } from './io.ts';
import { CommandError } from './problem.ts';
import { openState } from '../state/state.ts';

/** Account of the token that the first start makes. */
const FIRST = 'admin';

/** Writes a configuration that says what could be set, and makes the first token. */
export function init({ flags }: Task, io: CommandIo): void {
  const named = flags.get('config') ?? io.env[variableName('config')];
  // The file that is to be written need not be there, and one that is there is not overwritten.
  const rest = new Map([...flags].filter(([key]) => key !== 'config'));
  const env = { ...io.env, [variableName('config')]: undefined };
  const config = readConfig({ schema: io.schema, flags: rest, env, readFile: notThere });
  const state = resolve(config.state);
  const path = named === undefined ? join(state, CONFIG_FILE) : resolve(named);

  mkdirSync(state, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const chosen = flags.has('state') || io.env[variableName('state')] !== undefined;
  const text = configText(settingsOf(io.schema), chosen && named !== undefined ? { state } : {});
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    const message = `The file ${path} exists already and stays as it is; change it, or name another with --config.`;
    throw new CommandError('exists', message, { cause });
  }
  io.err(`The configuration is in ${path}.`);

  using opened = openState(state, io);
  if (opened.tokens.isEmpty) {
    io.out(opened.tokens.create({ name: FIRST, role: 'admin' }));
    io.err(`The token of ${FIRST} (admin) is shown once; the node keeps only a hash of it.`);
  } else {
    io.err('There are tokens already; make another with foretype-edge token create NAME.');
  }
  const flag = named !== undefined ? ` --config ${path}` : chosen ? ` --state ${state}` : '';
  io.err(`Start the node with foretype-edge${flag}.`);
}

/**
 * Pure: a file with all settings and what they mean, each as it is if nothing is said, and so behind a comment.
 * @param given settings that are not as they are by themselves.
 */
export function configText(
  settings: ReadonlyMap<string, Setting>,
  given: Readonly<Record<string, string | number>> = {},
): string {
  const entries = [...settings].map(([key, { description, default: value, enum: choices }]) => {
    const among = choices ? ` One of ${choices.join(', ')}.` : '';
    const set = Object.hasOwn(given, key);
    const line = `${JSON.stringify(key)}: ${JSON.stringify(set ? given[key] : value)},`;
    return `  // ${description}${among}\n  ${set ? '' : '// '}${line}\n`;
  });
  return `// Settings of foretype-edge: JSON, in which comments and a comma at the end are taken.
// Variables (${variableName('logLevel')}) and flags (${flagName('logLevel')}) go before what stands here.
{
${entries.join('\n')}}
`;
}

function notThere(): never {
  throw Object.assign(new Error('It is not to be read.'), { code: 'ENOENT' });
}
