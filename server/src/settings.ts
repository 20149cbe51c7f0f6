import { MAX_TEMPERATURE } from '@foretype/models';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

const SettingsSchema = Type.Object({
  enabled: Type.Boolean({ default: true }),
  /** Whether completions come while typing; otherwise only when they are asked for. */
  automatic: Type.Boolean({ default: true }),
  /** By language identifier whether completions are offered; `*` for all that are not named. */
  languages: Type.Record(Type.String(), Type.Boolean(), {
    default: { '*': true, plaintext: false, markdown: false, scminput: false },
  }),
  /** Whether several lines are completed where they fit: where the family's target writes them, never, or by drafts, too. */
  multiline: Type.Enum(['auto', 'always', 'never'], { default: 'auto' }),
  /** Base URL of the edge node, `http(s)://host:port`; empty for drafts only, and nothing leaves the machine. */
  edgeUrl: Type.String({ default: '' }),
  /** Bearer token for the edge node; empty for none. */
  edgeToken: Type.String({ default: '' }),
  /** URL of the proxy through which the network is reached; `off` for none; empty for what the environment says. */
  proxy: Type.String({ default: '' }),
  /** Hosts that are reached without a proxy, as in `NO_PROXY`; empty for what the environment says. */
  noProxy: Type.String({ default: '' }),
  /** PEM file with certificates that are trusted beside the system's; empty for none. */
  certificates: Type.String({ default: '' }),
  /** The model family to draft with: the name of one that is installed, or the path of its folder; empty for the one that is built in. */
  family: Type.String({ default: '' }),
  /** Whether drafts are written here. Off, no weights are loaded: completions come from the edge node alone. */
  draft: Type.Boolean({ default: true }),
  /** Name of the adapter to ask for; empty for the one that the node has for the project, or the backbone. */
  adapter: Type.String({ default: '' }),
  /** 0 for the most likely text; above it, texts by chance, the same for the same seed. */
  temperature: Type.Number({ default: 0, minimum: 0, maximum: MAX_TEMPERATURE }),
  seed: Type.Integer({ default: 0, minimum: 0, maximum: 2 ** 32 - 1 }),
  /** How much energy completions may take: as the power source allows, or as is said here. */
  power: Type.Enum(['auto', 'mains', 'battery', 'saver'], { default: 'auto' }),
  /** From when on no completions come while typing: when power is to be saved, or on battery already. */
  pauseOn: Type.Enum(['never', 'saver', 'battery'], { default: 'never' }),
  /** Minutes without a completion after which the draft model's memory is given back; 0 for never. */
  idleMinutes: Type.Number({ default: 10, minimum: 0, maximum: 1440 }),
  /** Whether the draft model's process may be the one that other servers of the same user have. */
  shareEngine: Type.Boolean({ default: true }),
  /** File that a line of JSON is appended to for each completion: times, counts and bytes, no text; empty for none. */
  traceFile: Type.String({ default: '' }),
  /** Whether it is counted how completions are used; the counts stay on this machine. */
  measureUsage: Type.Boolean({ default: true }),
  /** Whether the edge node may be told these counts; nothing is sent to anybody yet. */
  shareUsage: Type.Boolean({ default: false }),
});

/** Sent as `initializationOptions`, by `foretype/settings`, or as the section `foretype` of a changed configuration. */
export type ServerSettings = Static<typeof SettingsSchema>;

export const SETTING_NAMES = Object.keys(SettingsSchema.properties) as readonly (keyof ServerSettings)[];

/** What users of editors call a setting, behind `foretype.`, where that is not its name here. */
export const KEYS = {
  edgeUrl: 'edge.url',
  proxy: 'network.proxy',
  noProxy: 'network.noProxy',
  certificates: 'network.certificates',
  draft: 'model.draft',
  family: 'model.family',
  edgeToken: 'edge.token',
  adapter: 'edge.adapter',
  idleMinutes: 'model.idleMinutes',
  traceFile: 'trace.file',
  measureUsage: 'usage.measure',
  shareUsage: 'usage.share',
} as const satisfies { readonly [Name in keyof ServerSettings]?: string };

/** The key of each setting, see {@link KEYS}. */
export type SettingKey<Name extends keyof ServerSettings> = Name extends keyof typeof KEYS
  ? (typeof KEYS)[Name]
  : Name;

/**
 * Settings as a client sent them, missing ones by default; unknown ones are left out, since editors send more than ours.
 * @returns the settings, and one sentence for each value that is not what it should be (its default is used).
 */
export function readSettings(sent: unknown): { settings: ServerSettings; problems: string[] } {
  const settings: Record<string, unknown> = Value.Create(SettingsSchema);
  const given = typeof sent === 'object' && sent !== null ? (sent as Record<string, unknown>) : {};
  const problems: string[] = [];
  for (const [name, schema] of Object.entries(SettingsSchema.properties)) {
    const value = given[name];
    if (Value.Check(schema, value)) settings[name] = value;
    else if (value !== undefined) {
      // A token is a secret even where it is wrong.
      const got = name === 'edgeToken' ? typeof value : JSON.stringify(value);
      problems.push(`Setting ${name}: expected ${described(schema)}, got ${got}.`);
    }
  }
  return { settings: Value.Parse(SettingsSchema, settings), problems };
}

function described(schema: TSchema): string {
  const { type, enum: values, minimum, maximum } = schema as Described;
  if (values) return `${values.slice(0, -1).join(', ')} or ${values.at(-1)!}`;
  if (type === 'object') return 'true or false by name';
  return maximum === undefined ? `a ${type!}` : `a number from ${minimum ?? 0} to ${maximum}`;
}

interface Described {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}
