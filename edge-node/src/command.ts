import { parseArgs } from 'node:util';
import { flagName, settingsOf, variableName, type SettingsSchema } from './config.ts';
import { StartError } from './error.ts';

export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  /** Text by setting name, still unchecked; see `readConfig`. */
  | { readonly name: 'serve'; readonly flags: ReadonlyMap<string, string> };

const COMMANDS = ['serve'];

/**
 * What the command line asks for.
 * @throws StartError `usage`, one sentence.
 */
export function parseCommand(argv: readonly string[], schema: SettingsSchema): Command {
  const keys = new Map([...settingsOf(schema).keys(), 'config'].map((key) => [flagName(key), key]));
  const names = [...keys.keys(), '--help', '--version'];
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries([...keys.keys()].map((name) => [name.slice(2), { type: 'string' as const }])),
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
    // Its own complaints do not say what would have been right, so that the tokens are judged here.
    strict: false,
    tokens: true,
  });
  const flags = new Map<string, string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help' || token.name === 'version') return { name: token.name };
    const key = keys.get(token.rawName);
    if (key === undefined) throw usage(`Flag ${token.rawName}: expected one of ${names.join(', ')}.`);
    // A flag that follows is taken for the value by the parser; a value that starts so can be written `--flag=--value`.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw usage(`Flag ${token.rawName}: expected a value, got none.`);
    }
    flags.set(key, token.value);
  }
  const [command = 'serve', extra] = words;
  if (!COMMANDS.includes(command)) {
    throw usage(`Command "${command}": expected ${COMMANDS.join(' or ')}; see foretype-edge --help.`);
  }
  if (extra !== undefined) throw usage(`Argument "${extra}": expected nothing after ${command}.`);
  return { name: 'serve', flags };
}

/** The text of `--help`, made from the settings. */
export function helpText(schema: SettingsSchema): string {
  const settings = [...settingsOf(schema)].map(
    ([key, { description, default: value, enum: choices }]) =>
      `  ${flagName(key).padEnd(14)} ${variableName(key)}\n` +
      `      ${description}\n` +
      `      Default: ${value}.${choices ? ` One of ${choices.join(', ')}.` : ''}\n`,
  );
  return `Foretype's edge node: holds the backbone and its adapters, and verifies what editors draft.

Usage: foretype-edge [serve] [flags]

Settings come from flags, then environment variables, then the JSON file, then defaults.

${settings.join('')}  ${'--config'.padEnd(14)} ${variableName('config')}
      JSON file with settings, such as { "port": 4717 }.
  --help, -h
      Shows this text.
  --version
      Shows the version.`;
}

function usage(message: string): StartError {
  return new StartError('usage', message);
}
