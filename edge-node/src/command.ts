import { parseArgs } from 'node:util';
import { taskNames, usageOf, type TaskName } from './commands/tasks.ts';
import { flagName, settingsOf, variableName, type SettingsSchema } from './config.ts';
import { StartError } from './error.ts';

export type Command =
  /** `topic` is the command, or the first word of several, that is to be explained; undefined for all. */
  | { readonly name: 'help'; readonly topic: string | undefined }
  | { readonly name: 'version' }
  /** Text by setting name, still unchecked; see `readConfig`. */
  | { readonly name: 'serve'; readonly flags: ReadonlyMap<string, string> }
  | Task;

/** Something to do beside the node. */
export interface Task {
  readonly name: TaskName;
  /** As many as it takes. */
  readonly words: readonly string[];
  /** Text by name, of what the command takes beside settings; empty for what has no value. */
  readonly options: ReadonlyMap<string, string>;
  /** As of `serve`. */
  readonly flags: ReadonlyMap<string, string>;
}

/**
 * What the command line asks for.
 * @throws StartError `usage`, one sentence.
 */
export function parseCommand(argv: readonly string[], schema: SettingsSchema): Command {
  const settings = new Map([...settingsOf(schema).keys(), 'config'].map((key) => [flagName(key), key]));
  const tokens = tokensOf(argv, settings);
  const given = tokens.filter((token) => token.kind === 'option');
  const words = tokens.filter((token) => token.kind === 'positional').map(({ value }) => value);
  const asked = given.find(({ name }) => name === 'help' || name === 'version');
  if (asked?.name === 'help') return { name: 'help', topic: topicOf(words) };
  if (asked) return { name: 'version' };

  const name = nameOf(words);
  const own = name === undefined || name === 'serve' ? {} : usageOf(name).options;
  const allowed = flagsOf(name ?? 'serve', settings);
  const flags = new Map<string, string>();
  const options = new Map<string, string>();
  for (const { rawName, value, inlineValue } of given) {
    if (!allowed.includes(rawName)) throw usage(`Flag ${rawName}: expected one of ${allowed.join(', ')}.`);
    const key = rawName.slice(2);
    if (own[key] && own[key].value === undefined) {
      if (value !== undefined)
        throw usage(`Flag ${rawName}: expected no value, got ${JSON.stringify(value)}.`);
      options.set(key, '');
      continue;
    }
    // A flag that follows is taken for the value by the parser; a value that starts so can be written `--flag=--value`.
    if (value === undefined || (!inlineValue && value.startsWith('--')))
      throw usage(`Flag ${rawName}: expected a value, got none.`);
    if (own[key]) options.set(key, value);
    else flags.set(settings.get(rawName)!, value);
  }

  if (name === undefined) throw unknownCommand(words);
  if (name === 'serve') {
    const extra = words[0] === 'serve' ? words[1] : words[0];
    if (extra !== undefined) throw usage(`Argument "${extra}": expected nothing after serve.`);
    return { name, flags };
  }
  const rest = words.slice(name.split(' ').length);
  const expected = usageOf(name).words;
  const [missing] = expected.slice(rest.length);
  if (missing !== undefined)
    throw usage(`Command ${name}: expected ${missing}, got nothing; see foretype-edge ${name} --help.`);
  const extra = rest[expected.length];
  if (extra !== undefined)
    throw usage(`Argument "${extra}": expected nothing after ${[name, ...expected].join(' ')}.`);
  return { name, words: rest, options, flags };
}

/** The text of `--help`, made from the settings and the commands. */
export function helpText(schema: SettingsSchema, topic?: string): string {
  if (topic !== undefined) return topicHelp(topic, schema);
  const commands = [
    ['serve', 'Runs the node; what is done where no command is given.'],
    ...taskNames().map((name) => [synopsis(name), usageOf(name).description]),
  ];
  const settings = [...settingsOf(schema).keys()].map((key) => settingHelp(key, schema));
  return `Foretype's edge node: holds the backbone and its adapters, and verifies what editors draft.

Usage: foretype-edge [COMMAND] [flags]

${commands.map(([line, description]) => `  ${line}\n      ${description}\n`).join('')}
foretype-edge COMMAND --help shows the flags of a command.

Settings come from flags, then environment variables, then a file of JSON with comments, then defaults.

${settings.join('')}  ${'--config'.padEnd(14)} ${variableName('config')}
      File with settings, such as { "port": 4717 }. Default: config.jsonc in the state directory, if it is there.
  --help, -h
      Shows this text, or that of a command.
  --version
      Shows the version.`;
}

/** Of one command, or of all that begin with a word. */
function topicHelp(topic: string, schema: SettingsSchema): string {
  const names = taskNames().filter((name) => name === topic || name.startsWith(`${topic} `));
  const tasks = names.map((name) => {
    const { description, options } = usageOf(name);
    const own = Object.entries(options).map(
      ([key, option]) => `  --${key}${option.value ? ` ${option.value}` : ''}\n      ${option.description}\n`,
    );
    return `Usage: foretype-edge ${synopsis(name)} [flags]\n\n${description}\n\n${own.join('')}`;
  });
  const all = names.some((name) => usageOf(name).settings === 'all');
  const some = new Set(names.flatMap((name) => usageOf(name).settings));
  const settings = all
    ? ['  All settings of the node; see foretype-edge --help.\n']
    : [...some].map((key) => settingHelp(key, schema));
  return `${tasks.join('\n')}${settings.join('')}  --config FILE\n      File with settings.`;
}

function settingHelp(key: string, schema: SettingsSchema): string {
  const { description, default: value, enum: choices } = settingsOf(schema).get(key)!;
  const among = choices ? ` One of ${choices.join(', ')}.` : '';
  return `  ${flagName(key).padEnd(14)} ${variableName(key)}\n      ${description}\n      Default: ${value === '' ? 'none' : value}.${among}\n`;
}

function synopsis(name: TaskName): string {
  return [name, ...usageOf(name).words].join(' ');
}

function tokensOf(argv: readonly string[], settings: ReadonlyMap<string, string>) {
  const own = taskNames().flatMap((name) => Object.entries(usageOf(name).options));
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(
        own.map(([key, { value }]) => [key, { type: value === undefined ? 'boolean' : 'string' } as const]),
      ),
      ...Object.fromEntries([...settings.keys()].map((name) => [name.slice(2), { type: 'string' as const }])),
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
    // Its own complaints do not say what would have been right, so that the tokens are judged here.
    strict: false,
    tokens: true,
  });
  return tokens;
}

/** The command that the words begin with; undefined where they begin with none. */
function nameOf(words: readonly string[]): TaskName | 'serve' | undefined {
  if (words.length === 0 || words[0] === 'serve') return 'serve';
  const starts = (name: string) => name.split(' ').every((word, at) => words[at] === word);
  return taskNames().find(starts);
}

function topicOf(words: readonly string[]): string | undefined {
  const name = nameOf(words);
  if (name === 'serve') return undefined;
  return name ?? (taskNames(words[0]).length > 0 ? words[0] : undefined);
}

/** The flags that a command takes, as they are written. */
function flagsOf(name: TaskName | 'serve', settings: ReadonlyMap<string, string>): string[] {
  if (name === 'serve') return [...settings.keys(), '--help', '--version'];
  const { options, settings: some } = usageOf(name);
  const flags = some === 'all' ? [...settings.keys()] : [...some.map(flagName), '--config'];
  return [...Object.keys(options).map((key) => `--${key}`), ...flags, '--help'];
}

function unknownCommand(words: readonly string[]): StartError {
  const [first = '', second] = words;
  const verbs = taskNames(first).map((name) => name.slice(first.length + 1));
  if (verbs.length > 0) {
    const got = second === undefined ? 'nothing' : JSON.stringify(second);
    return usage(
      `Command ${first}: expected one of ${verbs.join(', ')}, got ${got}; see foretype-edge ${first} --help.`,
    );
  }
  const all = ['serve', ...new Set(taskNames().map((name) => name.split(' ', 1)[0]!))];
  return usage(`Command "${first}": expected one of ${all.join(', ')}; see foretype-edge --help.`);
}

function usage(message: string): StartError {
  return new StartError('usage', message);
}
