import type { ServerSettings, SettingKey } from '@foretype/server/protocol';

/**
 * One setting of the editor. Its sentence stands in `package.nls.json` under `setting.<key>`; all else of it in the
 * manifest and in the README's table is written from here, see `extension/manifest.ts`.
 */
interface Declared<Value> {
  /** What users call it, behind `foretype.`. */
  readonly key: string;
  readonly default: Value;
  /** The values there are, for a text of which not every one makes sense. */
  readonly values?: readonly Value[];
  /**
   * Who may set it: `window` a workspace too, `application` the user alone. Not `machine`: beside a remote window that is
   * the remote machine, while completions are made on the user's own.
   */
  readonly scope: 'window' | 'application';
  /** Whether it says something of this machine, which Settings Sync is not to tell another one. */
  readonly local?: true;
  /** Whether it says where code goes or what is written: no workspace may set it, trusted or not. */
  readonly guarded?: true;
  /** By which VS Code lists it with others of its kind. */
  readonly tags?: readonly string[];
}

/** The settings that users see, by the server's name of each, in the order of the settings page. */
export const SETTINGS = {
  enabled: { key: 'enabled', default: true, scope: 'window' },
  automatic: { key: 'automatic', default: true, scope: 'window' },
  languages: {
    key: 'languages',
    default: { '*': true, plaintext: false, markdown: false, scminput: false },
    scope: 'window',
  },
  multiline: {
    key: 'multiline',
    default: 'auto',
    values: ['auto', 'always', 'never'],
    scope: 'window',
  },
  edgeUrl: { key: 'edge.url', default: '', scope: 'application', guarded: true },
  certificates: {
    key: 'network.certificates',
    default: '',
    scope: 'application',
    local: true,
    guarded: true,
  },
  family: { key: 'model.family', default: '', scope: 'application', local: true, guarded: true },
  draft: { key: 'model.draft', default: true, scope: 'application', local: true, guarded: true },
  adapter: { key: 'edge.adapter', default: '', scope: 'window' },
  power: {
    key: 'power',
    default: 'auto',
    values: ['auto', 'mains', 'battery', 'saver'],
    scope: 'application',
    local: true,
  },
  pauseOn: {
    key: 'pauseOn',
    default: 'never',
    values: ['never', 'saver', 'battery'],
    scope: 'application',
    local: true,
  },
  idleMinutes: { key: 'model.idleMinutes', default: 10, scope: 'application', local: true },
  traceFile: { key: 'trace.file', default: '', scope: 'application', local: true, guarded: true },
  measureUsage: { key: 'usage.measure', default: true, scope: 'application' },
  shareUsage: {
    key: 'usage.share',
    default: false,
    scope: 'application',
    guarded: true,
    tags: ['telemetry', 'usesOnlineServices'],
  },
} as const satisfies {
  // The server knows the keys too, for editors that send their settings as they are.
  readonly [Name in keyof ServerSettings]?: Declared<ServerSettings[Name]> & {
    readonly key: SettingKey<Name>;
  };
};

export type SettingName = keyof typeof SETTINGS;
export type DeclaredSettings = Pick<ServerSettings, SettingName>;

/** The settings, given what the editor has under a key; what is of the wrong kind counts as not set. */
export function readDeclared(get: (key: string) => unknown): DeclaredSettings {
  const entries = Object.entries<Declared<unknown>>(SETTINGS).map(([name, declared]) => [
    name,
    valueOf(declared, get(declared.key)),
  ]);
  return Object.fromEntries(entries) as DeclaredSettings;
}

function valueOf({ default: standard, values }: Declared<unknown>, raw: unknown): unknown {
  if (typeof standard === 'object') return isObject(raw) ? switches(raw) : standard;
  if (typeof raw !== typeof standard) return standard;
  // Texts are mostly pasted, and then with a blank at an end.
  const value = typeof raw === 'string' ? raw.trim() : raw;
  return values && !values.includes(value) ? standard : value;
}

function switches(raw: object): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(raw).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'),
  );
}

function isObject(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}
