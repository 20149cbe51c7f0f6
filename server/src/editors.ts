/** Pure: in what editors differ, so that each gets what it understands. */
import type { InitializeParams } from 'vscode-languageserver';

/**
 * How an item says where its text goes. `line`: it replaces the line up to the cursor and begins with what stands there,
 * for editors that match it against what is typed. `cursor`: it begins at the cursor. `insert`: the same, for editors that
 * only insert, whatever an item says it replaces.
 */
export type ItemForm = (typeof FORMS)[number];

/** What the server has to know of its client beyond the capabilities that LSP has names for. */
export interface Traits {
  readonly items: ItemForm;
  /** Whether notifications of our own are understood, or at least let pass without a warning. */
  readonly notifications: boolean;
  /** Whether the client sends `foretype/settings`, so that nobody asks it for its configuration. */
  readonly pushesSettings: boolean;
  /** The number by which it says that somebody asked for a completion: 1, or 0 in the drafts of LSP 3.18. */
  readonly invokedKind: 0 | 1;
}

const FORMS = ['line', 'cursor', 'insert'] as const;
const STANDARD: Traits = { items: 'line', notifications: true, pushesSettings: false, invokedKind: 1 };

/**
 * What is known of editors, by what they call themselves. Neovim draws an item that replaces something over the rest of the
 * line, lsp-mode paints all of its text grey, and coc.nvim indents its first line anew and counts in it as it was before.
 * LSP4IJ, in every product of JetBrains, inserts behind what an item replaces. Emacs and LSP4IJ log every message that they
 * do not know as a warning.
 */
function known({ name, version = '' }: NonNullable<InitializeParams['clientInfo']>): Partial<Traits> {
  if (name === 'Neovim' || name === 'coc.nvim') return { items: 'cursor' };
  if (name === 'emacs') return { items: 'cursor', notifications: false };
  if (/\(build [A-Z]+-\d/u.test(version)) return { items: 'insert', notifications: false };
  return {};
}

/** What the client says of itself in its `initializationOptions`, or what is known of it. */
export function traitsOf({
  clientInfo,
  initializationOptions,
}: {
  readonly clientInfo?: InitializeParams['clientInfo'] | undefined;
  readonly initializationOptions?: unknown;
}): Traits {
  const said = (
    typeof initializationOptions === 'object' && initializationOptions !== null ? initializationOptions : {}
  ) as Partial<Record<keyof Traits, unknown>>;
  const usual = { ...STANDARD, ...(clientInfo ? known(clientInfo) : {}) };
  const { items, notifications, pushesSettings, invokedKind } = said;
  return {
    items: FORMS.find((form) => form === items) ?? usual.items,
    notifications: typeof notifications === 'boolean' ? notifications : usual.notifications,
    pushesSettings: typeof pushesSettings === 'boolean' ? pushesSettings : usual.pushesSettings,
    invokedKind: invokedKind === 0 || invokedKind === 1 ? invokedKind : usual.invokedKind,
  };
}

/**
 * Tells requests by a key from those while typing. In the drafts of LSP 3.18 invoked was 0 and automatic 1, where now they
 * are 1 and 2: whoever sends a 0 counts as then, whoever sends a 2 as now, and a 1 that comes before either means what the
 * traits say. What is no such number is automatic, which the settings may turn off.
 */
export class Triggers {
  #invoked: 0 | 1;

  constructor({ invokedKind }: Pick<Traits, 'invokedKind'>) {
    this.#invoked = invokedKind;
  }

  explicit(kind: unknown): boolean {
    if (kind === 0) this.#invoked = 0;
    if (kind === 2) this.#invoked = 1;
    return kind === this.#invoked;
  }
}

/** LSP's identifiers of languages by what Vim calls them, which its clients send as it is. */
const LANGUAGES: ReadonlyMap<string, string> = new Map([
  ['text', 'plaintext'],
  ['gitcommit', 'git-commit'],
  ['gitrebase', 'git-rebase'],
  ['javascript.jsx', 'javascriptreact'],
  ['typescript.tsx', 'typescriptreact'],
  ['sh', 'shellscript'],
  ['bash', 'shellscript'],
  ['zsh', 'shellscript'],
  ['cs', 'csharp'],
  ['fs', 'fsharp'],
  ['objc', 'objective-c'],
  ['objcpp', 'objective-cpp'],
  ['make', 'makefile'],
  ['ps1', 'powershell'],
  ['dosbatch', 'bat'],
  ['tex', 'latex'],
]);

/** The identifier of a document's language as LSP has it; plain text where the editor names none. */
export function languageOf(id: unknown): string {
  if (typeof id !== 'string' || id === '') return 'plaintext';
  return LANGUAGES.get(id) ?? id;
}
