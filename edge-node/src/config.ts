import { parse, type ParseError } from 'jsonc-parser';
import { delimiter, join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { systemCode } from '@foretype/models/catalogue';
import { StartError } from './error.ts';

/** What the defaults depend on. */
export interface Machine {
  readonly cores: number;
  /** Bytes of memory that this process may have. */
  readonly memory: number;
  /** Directory for state that outlives a run, as the XDG base directory specification has it. */
  readonly stateHome: string;
  /** Directory of the family that is built in. */
  readonly family: string;
}

/** Every setting, once: its type, bounds, default and description. Flags, variables and help are made from it. */
export function settingsSchema(machine: Machine) {
  return Type.Object({
    host: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address to listen on; have TLS before anything but loopback.',
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 4717,
      description: 'Port to listen on; 0 takes a free one.',
    }),
    tlsCert: Type.String({
      default: '',
      description: 'PEM file with the certificate and those up to its root; none behind a proxy with TLS.',
    }),
    tlsKey: Type.String({ default: '', description: "PEM file with the certificate's private key." }),
    family: Type.String({
      minLength: 1,
      default: machine.family,
      description: `Directory of the model family to serve, or several with "${delimiter}" between them.`,
    }),
    state: Type.String({
      minLength: 1,
      default: `${machine.stateHome}/foretype-edge`,
      description: 'Directory for what the node remembers: tokens, adapters, projects, pulled families.',
    }),
    threads: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: Math.max(1, Math.floor(machine.cores / 2)),
      description: 'Threads to evaluate with; half of the cores unless told otherwise.',
    }),
    sequences: Type.Integer({
      minimum: 1,
      // As many as tokens in a batch, which may not be larger.
      maximum: 32,
      default: 8,
      description:
        'Prompts kept in memory, of all adapters of a family together, and how many are evaluated at once.',
    }),
    memory: Type.Integer({
      minimum: 0,
      maximum: 2 ** 30,
      default: Math.max(1, Math.floor(machine.memory / 2 / MIB)),
      description:
        'MiB for backbones, adapters and prompts together, half of the machine unless told otherwise; 0 for no bound.',
    }),
    placement: Type.Enum(['hits-per-byte', 'lru'], {
      default: 'hits-per-byte',
      description:
        'Which adapters stay in memory: those asked for most for each byte, or those asked for last.',
    }),
    waiting: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 64,
      description: 'Requests that may wait for the engine; one more is answered with "busy".',
    }),
    perUser: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 8,
      description: 'Requests of one user at once, those that wait included.',
    }),
    rate: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 1200,
      description: 'Requests of one user in a minute; 0 for no bound.',
    }),
    logLevel: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description: 'Least severe level that is written to the log on standard error.',
    }),
  });
}

const MIB = 1024 ** 2;

export type SettingsSchema = ReturnType<typeof settingsSchema>;
export type Config = Static<SettingsSchema>;

/** The part of a setting's JSON Schema that is shown to people. */
export interface Setting {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly default: string | number;
  readonly description: string;
}

export interface ConfigSources {
  readonly schema: SettingsSchema;
  /** Text by setting name, as the command line gave it; `config` names the file. */
  readonly flags: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

const PREFIX = 'FORETYPE_EDGE_';

/** The file that is read where none is named and it is there; in the state directory. */
export const CONFIG_FILE = 'config.jsonc';

/**
 * Defaults, file, environment, flags: the later wins. The file is JSON in which comments and commas at the end are taken.
 * @throws StartError `usage`, one sentence for each thing that is wrong, in the order of the sources.
 */
export function readConfig({ schema, flags, env, readFile }: ConfigSources): Config {
  const settings = settingsOf(schema);
  const variables = new Map([...settings.keys(), 'config'].map((key) => [variableName(key), key]));
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, setting] of settings) config[key] = setting.default;

  const take = (key: string, value: unknown, source: string) => {
    const setting = settings.get(key)!;
    if (Value.Check(setting, value)) config[key] = value;
    else problems.push(`${source}: expected ${expectation(setting)}, got ${JSON.stringify(value)}.`);
  };

  const named = flags.get('config') ?? env[variableName('config')];
  const state = flags.get('state') ?? env[variableName('state')] ?? String(settings.get('state')!.default);
  const path = named ?? join(state, CONFIG_FILE);
  for (const [key, value] of readJson(path, named === undefined, readFile, problems)) {
    const source = `Config file ${path}, key ${JSON.stringify(key)}`;
    if (settings.has(key)) take(key, value, source);
    else problems.push(`${source}: expected one of ${[...settings.keys()].join(', ')}.`);
  }
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const key = variables.get(name);
    if (key === undefined) {
      problems.push(`Environment variable ${name}: expected one of ${[...variables.keys()].join(', ')}.`);
    } else if (key !== 'config') {
      take(key, fromText(text, settings.get(key)!), `Environment variable ${name}`);
    }
  }
  for (const [key, text] of flags) {
    if (key !== 'config') take(key, fromText(text, settings.get(key)!), `Flag ${flagName(key)}`);
  }

  if (problems.length > 0) throw new StartError('usage', problems.join('\n'));
  const read = Value.Parse(schema, config);
  if ((read.tlsCert === '') !== (read.tlsKey === ''))
    throw new StartError('usage', 'Settings tlsCert and tlsKey: expected both or neither.');
  if (familiesOf(read).length === 0)
    throw new StartError(
      'usage',
      `Setting family: expected a directory, got ${JSON.stringify(read.family)}.`,
    );
  return read;
}

/** The directories of the families to serve, each once, in their order. */
export function familiesOf({ family }: Pick<Config, 'family'>): string[] {
  return [...new Set(family.split(delimiter).filter((directory) => directory !== ''))];
}

export function settingsOf(schema: SettingsSchema): ReadonlyMap<string, Setting> {
  // TypeBox keeps annotations such as `default` in the schema but not in its type; a unit test checks that all have them.
  return new Map(Object.entries(schema.properties as object as Record<string, Setting>));
}

/** `logLevel` → `--log-level`. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `logLevel` → `FORETYPE_EDGE_LOG_LEVEL`. */
export function variableName(key: string): string {
  return PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function expectation(setting: Setting): string {
  if (setting.enum) return `one of ${setting.enum.join(', ')}`;
  if (setting.type === 'integer') return `an integer from ${setting.minimum} to ${setting.maximum}`;
  return setting.minLength ? 'a text that is not empty' : 'a text';
}

/** Only what is written like an integer becomes one: `Number` would also take "", "0x10" and "1e3". */
function fromText(text: string, setting: Setting): string | number {
  return setting.type === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

/** @param mayMiss whether it is no problem that the file is not there. */
function readJson(
  path: string,
  mayMiss: boolean,
  readFile: ConfigSources['readFile'],
  problems: string[],
): [string, unknown][] {
  const expected = `Config file ${path}: expected a JSON object, got`;
  let text;
  try {
    text = readFile(path);
  } catch (error) {
    if (!mayMiss || systemCode(error) !== 'ENOENT')
      problems.push(`${expected} no readable file (${systemCode(error)}).`);
    return [];
  }
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors[0]) {
    const line = text.slice(0, errors[0].offset).split('\n').length;
    problems.push(`${expected} text that is not JSON at line ${line}.`);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value);
  } else {
    problems.push(`${expected} ${Array.isArray(value) ? 'an array' : JSON.stringify(value)}.`);
  }
  return [];
}
