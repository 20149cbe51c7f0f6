/** What can be asked of `foretype-edge` beside running a node: names, words, options and help of each command. */

/** Something that a command takes beside its words. */
export interface Option {
  /** What stands for its value in the help; absent where it has none. */
  readonly value?: string;
  readonly description: string;
}

export interface TaskUsage {
  /** What must follow its name, in this order. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** Settings that matter to it and can be given as flags; `all` are those of the node. */
  readonly settings: readonly string[] | 'all';
  /** One sentence. */
  readonly description: string;
}

const JSON_OPTION = { json: { description: 'Writes JSON for programs.' } };

export const TASKS = {
  init: {
    words: [],
    options: {},
    settings: ['state'],
    description:
      'Writes a configuration with every setting explained, to --config or into the state directory, and makes the first token of an admin.',
  },
  'token create': {
    words: ['NAME'],
    options: {
      admin: { description: 'The account may administer the node.' },
      expires: {
        value: 'WHEN',
        description: 'When the token ends, as 12h, 30d or 2027-01-31 (its end, UTC); never if absent.',
      },
    },
    settings: ['state'],
    description: 'Makes a token for an account and writes it to standard output, once.',
  },
  'token list': {
    words: [],
    options: JSON_OPTION,
    settings: ['state'],
    description: 'Lists the tokens by number, which are never shown themselves.',
  },
  'token revoke': {
    words: ['NUMBER'],
    options: {},
    settings: ['state'],
    description: 'Ends a token; open connections that came with it are closed.',
  },
  'adapter add': {
    words: ['NAME', 'FILE'],
    options: {
      family: {
        value: 'ID',
        description: 'Family of the backbone it was trained on; only where several are served.',
      },
    },
    settings: ['state'],
    description:
      'Checks a LoRA adapter (GGUF) against the backbone and stores it as the next version of NAME.',
  },
  'adapter list': {
    words: [],
    options: JSON_OPTION,
    settings: ['state', 'family'],
    description: 'Lists the adapters, those of the families included.',
  },
  'adapter show': {
    words: ['NAME'],
    options: JSON_OPTION,
    settings: ['state'],
    description: 'Shows the versions of an adapter and the projects that it answers.',
  },
  'adapter assign': {
    words: ['PROJECT', 'NAME'],
    options: {},
    settings: ['state', 'family'],
    description:
      'Answers a project with an adapter, added or of the family, from now on. PROJECT is the URL of its repository, or name:NAME as in its .foretype.json.',
  },
  'adapter unassign': {
    words: ['PROJECT'],
    options: {},
    settings: ['state'],
    description: 'Answers a project with the backbone alone again.',
  },
  'adapter pin': {
    words: ['NAME'],
    options: {},
    settings: ['state'],
    description: 'Keeps an adapter in memory before all others.',
  },
  'adapter unpin': {
    words: ['NAME'],
    options: {},
    settings: ['state'],
    description: 'Lets the node decide again whether an adapter stays in memory.',
  },
  'adapter remove': {
    words: ['NAME'],
    options: {},
    settings: ['state', 'family'],
    description: 'Removes an adapter that was added, with all its versions.',
  },
  'adapter export': {
    words: ['NAME[@VERSION]', 'FILE'],
    options: {},
    settings: ['state'],
    description: 'Writes the file of a version, the last one if none is named, byte for byte as it came.',
  },
  'models list': {
    words: [],
    options: JSON_OPTION,
    settings: ['state', 'family', 'memory', 'sequences'],
    description: 'Lists the families that are here and those of the catalogue, and what fits the memory.',
  },
  'models pull': {
    words: ['NAME|URL|FOLDER'],
    options: {},
    settings: ['state', 'memory', 'sequences'],
    description:
      'Installs a family into the state directory: one of the catalogue, one whose family.json has the URL, or one from a folder.',
  },
  backup: {
    words: ['FOLDER'],
    options: {},
    settings: ['state'],
    description: 'Copies database, adapters and configuration to a new folder, while the node runs.',
  },
  doctor: {
    words: [],
    options: JSON_OPTION,
    settings: 'all',
    description:
      'Checks the machine, the files and the settings, and says what to do; exit code 1 if something fails.',
  },
} as const satisfies Record<string, TaskUsage>;

export type TaskName = keyof typeof TASKS;

export function usageOf(name: TaskName): TaskUsage {
  return TASKS[name];
}

/** Names of all commands, or of those that begin with a word. */
export function taskNames(group?: string): TaskName[] {
  const names = Object.keys(TASKS) as TaskName[];
  return group === undefined ? names : names.filter((name) => name.split(' ', 1)[0] === group);
}
