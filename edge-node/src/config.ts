import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { StartError, systemCode } from './error.ts';

/** What the defaults depend on. */
export interface Machine {
  readonly cores: number;
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
      description: 'Address to listen on; put a proxy with TLS before anything but loopback.',
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65535,
      default: 4717,
      description: 'Port to listen on; 0 takes a free one.',
    }),
    family: Type.String({
      minLength: 1,
      default: machine.family,
      description: 'Directory of the model family to serve.',
    }),
    state: Type.String({
      minLength: 1,
      default: `${machine.stateHome}/foretype-edge`,
      description: 'Directory for what the node remembers, such as its tokens.',
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
      default: 4,
      description: 'Prompts kept in memory for each adapter, and how many are evaluated at once.',
    }),
    logLevel: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description: 'Least severe level that is written to the log on standard error.',
    }),
  });
}

export type SettingsSchema = ReturnType<typeof settingsSchema>;
export type Config = Static<SettingsSchema>;

/** The part of a setting's JSON Schema that is shown to people. */
export interface Setting {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default: string | number;
  readonly description: string;
}

export interface ConfigSources {
  readonly schema: SettingsSchema;
  /** Text by setting name, as the command line gave it; `config` names the JSON file. */
  readonly flags: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

const PREFIX = 'FORETYPE_EDGE_';

/**
 * Defaults, JSON file, environment, flags: the later wins.
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

  const path = flags.get('config') ?? env[variableName('config')];
  if (path !== undefined) {
    for (const [key, value] of readJson(path, readFile, problems)) {
      const source = `Config file ${path}, key ${JSON.stringify(key)}`;
      if (settings.has(key)) take(key, value, source);
      else problems.push(`${source}: expected one of ${[...settings.keys()].join(', ')}.`);
    }
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
  return Value.Parse(schema, config);
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
  return 'a text that is not empty';
}

/** Only what is written like an integer becomes one: `Number` would also take "", "0x10" and "1e3". */
function fromText(text: string, setting: Setting): string | number {
  return setting.type === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function readJson(path: string, readFile: (path: string) => string, problems: string[]): [string, unknown][] {
  const expected = `Config file ${path}: expected a JSON object, got`;
  try {
    const value: unknown = JSON.parse(readFile(path));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
    problems.push(`${expected} ${Array.isArray(value) ? 'an array' : JSON.stringify(value)}.`);
  } catch (error) {
    const why =
      error instanceof SyntaxError ? 'text that is not JSON' : `no readable file (${systemCode(error)})`;
    problems.push(`${expected} ${why}.`);
  }
  return [];
}
