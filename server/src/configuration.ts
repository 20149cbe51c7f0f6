/** What an editor has set, in whichever of LSP's ways it says so, until they are the server's settings. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { KEYS, readSettings, SETTING_NAMES, type ServerSettings } from './settings.ts';

export interface ConfigurationParts {
  readonly apply: (settings: ServerSettings) => void;
  /** Asks the editor for what it has under `foretype`. */
  readonly ask: () => Promise<unknown>;
  /** One sentence for the log. */
  readonly warn: (sentence: string) => void;
  /** The token from the environment, for editors that have no other place for a secret; empty for none. */
  readonly token: string;
  /** Reads a text file. */
  readonly read: (path: string) => Promise<string>;
}

/** Values by the server's names, whatever they are worth. */
type Given = Readonly<Partial<Record<(typeof NAMES)[number], unknown>>>;

const NAMES = [...SETTING_NAMES, 'edgeTokenFile'] as const;
/** What is nested in editors that nest, by the server's names; `edgeTokenFile` is no setting of the server's any more. */
const NESTED: Readonly<Record<string, string>> = { ...KEYS, edgeTokenFile: 'edge.tokenFile' };

/**
 * Keeps what was said at the start and what the configuration says now; the latter counts where it says anything. Whatever
 * was said last wins, also where a file has to be read for it first. A value that is not what it should be is told once.
 */
export class Configuration {
  readonly #parts: ConfigurationParts;
  readonly #told = new Set<string>();
  #initial: Given = {};
  /** The client sends all of its settings by itself. */
  #pushed = false;
  #turn = 0;

  constructor(parts: ConfigurationParts) {
    this.#parts = parts;
  }

  /** Takes `initializationOptions`: all there is until the editor says more. */
  async begin(options: unknown): Promise<void> {
    this.#initial = givenIn(options);
    await this.#enter({});
  }

  /** Takes `foretype/settings`, which are whole: a token that is not in them is not to be found elsewhere. */
  replace(settings: unknown): void {
    this.#pushed = true;
    this.#turn++;
    this.#apply(givenIn(settings));
  }

  /** Takes the settings of a `workspace/didChangeConfiguration`; where nothing of ours is in them, the editor is asked. */
  async change(settings: unknown, asks: boolean): Promise<void> {
    if (this.#pushed) return;
    const given = givenIn(settings);
    if (Object.keys(given).length > 0) await this.#enter(given);
    else if (asks) await this.ask();
  }

  /** Asks the editor what is set now. */
  async ask(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const answer = await this.#parts.ask();
      if (turn === this.#turn && !this.#pushed) await this.#enter(givenIn(answer));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell(`The editor did not say what its settings are (${why}); those of its start count.`);
    }
  }

  async #enter(configured: Given): Promise<void> {
    const turn = ++this.#turn;
    const given = { ...this.#initial, ...configured };
    const { edgeToken, edgeTokenFile: file } = given;
    if (edgeToken !== undefined && edgeToken !== '') {
      this.#apply(given);
      return;
    }
    let token = this.#parts.token.trim();
    if (file !== undefined && file !== '') token = await this.#tokenIn(file);
    if (turn === this.#turn) this.#apply({ ...given, edgeToken: token });
  }

  async #tokenIn(file: unknown): Promise<string> {
    const path = typeof file === 'string' ? file.replace(/^~(?=[\\/])/u, homedir()) : '';
    if (!isAbsolute(path)) {
      this.#tell(
        `Setting edgeTokenFile: expected a path from the root or from ~, got ${JSON.stringify(file)}.`,
      );
      return '';
    }
    try {
      return (await this.#parts.read(join(path))).trim();
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      this.#tell(`The file of the edge node's token, ${path}, cannot be read (${code}).`);
      return '';
    }
  }

  #apply(given: Given): void {
    const { settings, problems } = readSettings(given);
    problems.forEach((problem) => this.#tell(problem));
    this.#parts.apply(settings);
  }

  #tell(sentence: string): void {
    if (!this.#told.has(sentence)) this.#parts.warn(sentence);
    this.#told.add(sentence);
  }
}

/**
 * What of the settings is in what an editor sent, by the server's names. Each may stand under that name or under the one
 * that users of VS Code know, nested or with dots, with `foretype` around it or without; null is as if it were not there.
 */
export function givenIn(sent: unknown): Given {
  const entries = NAMES.flatMap((name) => {
    const keys = [name, NESTED[name] ?? name];
    const value = [...keys, ...keys.map((key) => `foretype.${key}`)]
      .map((key) => valueAt(sent, key))
      .find((found) => found !== undefined);
    // Texts are mostly pasted, and then with a blank at an end.
    return value === undefined ? [] : [[name, typeof value === 'string' ? value.trim() : value]];
  });
  return Object.fromEntries(entries) as Given;
}

/** `{ a: { b: 1 } }` and `{ 'a.b': 1 }` both have 1 at `a.b`. */
function valueAt(sent: unknown, key: string): unknown {
  if (typeof sent !== 'object' || sent === null) return undefined;
  const own = (name: string) =>
    Object.hasOwn(sent, name) ? (sent as Record<string, unknown>)[name] : undefined;
  const direct = own(key) ?? undefined;
  if (direct !== undefined) return direct;
  for (let dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
    const inner = valueAt(own(key.slice(0, dot)), key.slice(dot + 1));
    if (inner !== undefined) return inner;
  }
  return undefined;
}
