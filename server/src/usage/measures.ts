import type { UsagePath, UsageReport, UsageRow } from '@foretype/edge-node/protocol';
import type { InlineCompletionItem, TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { OpenDocument, withLineFeeds } from '../open-document.ts';
import type { ServerSettings } from '../settings.ts';
import { trimmed } from './change.ts';
import { merged } from './rows.ts';
import { UsageStore, type StoreOptions } from './store.ts';
import { Usage, type UsageParts } from './usage.ts';

export interface MeasuresOptions extends Omit<UsageParts, 'textOf'>, Pick<StoreOptions, 'id' | 'log'> {
  /** A document as it is now; undefined where it is not open. */
  readonly documentOf: (uri: string) => OpenDocument | undefined;
  /** Calls back every so many milliseconds, until what it returns is called. */
  readonly every: (ms: number, run: () => void) => () => void;
}

export type UsageSettings = Pick<ServerSettings, 'measureUsage' | 'shareUsage' | 'edgeUrl'>;

/** How documents are made and changed. */
interface Documents {
  create(uri: string, language: string, version: number, text: string): OpenDocument;
  update(
    document: OpenDocument,
    changes: readonly TextDocumentContentChangeEvent[],
    version: number,
  ): OpenDocument;
}

type GivenItem = Pick<InlineCompletionItem, 'insertText' | 'range'>;

/** Is told how a request ended. */
export interface Asking {
  /** @param verified whether the text is the target's own, wherever it was kept. */
  given(
    item: GivenItem,
    how: {
      readonly path: UsagePath;
      readonly verified: boolean;
      readonly adapter: boolean;
      /** What may be chosen in its place, in the order of the answer. */
      readonly others?: readonly GivenItem[];
    },
  ): void;
  none(why: keyof UsageRow['unanswered']): void;
}

/** Milliseconds between two writings: what is lost with a process that is killed. */
const WRITTEN_EVERY = 60_000;

/** Measures how completions are used, and keeps the counts in a directory; in memory only where there is none. */
export class Measures {
  readonly #options: MeasuresOptions;
  readonly #usage: Usage;
  #store: UsageStore | undefined;
  #stop: (() => void) | undefined;
  #on = false;
  #shares = false;
  /** Writing and forgetting come one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: MeasuresOptions) {
    this.#options = options;
    this.#usage = new Usage({ ...options, textOf: (uri) => options.documentOf(uri)?.text });
  }

  /**
   * @param directory where counts are kept; empty for nowhere.
   * @param client the editor's name: Neovim and coc.nvim send several keys as one change.
   */
  open(directory: string, client: string | undefined): void {
    const { id, day, log } = this.#options;
    this.#usage.gathersKeys = client === 'Neovim' || client === 'coc.nvim';
    this.#store = directory === '' ? undefined : new UsageStore({ directory, id, day, log });
  }

  /** Begins to measure, or stops; what was counted stays. */
  configure({ measureUsage, shareUsage, edgeUrl }: UsageSettings): void {
    this.#shares = shareUsage && edgeUrl !== '';
    if (measureUsage === this.#on) return;
    const on = (this.#on = measureUsage);
    this.#stop?.();
    this.#stop = on ? this.#options.every(WRITTEN_EVERY, () => void this.#save()) : undefined;
    if (!on) this.#usage.finish();
  }

  /** A request has come for a place in a document, in UTF-16 code units, of which it says how it ends. */
  request(document: OpenDocument, language: string, cursor: number): Asking {
    const { uri, version } = document;
    const began = this.#options.now();
    const none: Asking['none'] = (why) => {
      if (this.#on) this.#usage.unanswered({ uri, language, adapter: false }, why);
    };
    return {
      none,
      given: (item, { others = [], ...how }) => {
        if (!this.#on) return;
        // What was asked for a text that is gone is not shown.
        if (this.#options.documentOf(uri)?.version !== version) {
          none('late');
          return;
        }
        const ms = this.#options.now() - began;
        const itemOf = (one: GivenItem) => ({ cursor, ...replacementIn(document, one, cursor) });
        this.#usage.answered({ uri, language, ...how, ms, ...itemOf(item), others: others.map(itemOf) });
      },
    };
  }

  /** @param index 0 for the item that was given, 1 for the first of its others. */
  accepted(uri: string, index = 0): void {
    if (this.#on) this.#usage.accepted(uri, index);
  }

  dismissed(uri: string): void {
    if (this.#on) this.#usage.dismissed(uri);
  }

  closed(document: OpenDocument): void {
    if (this.#on) this.#usage.closed(document.uri, document.text);
  }

  /** Documents whose changes are seen; `TextDocuments` tells only that there was one. */
  readonly documents: Documents = {
    create: (...opened) => OpenDocument.of(...opened),
    update: (document, changes, version) => {
      const { uri } = document;
      if (this.#on && changes.length > 0) this.#usage.changing(uri);
      let updated = document;
      for (const change of changes) {
        const before = updated;
        updated = before.changed(change, version);
        if (!this.#on) continue;
        const { start, end } = before.replacedBy(change);
        const removed = before.slice(start, end);
        this.#usage.changed(uri, trimmed({ offset: start, removed, inserted: withLineFeeds(change.text) }));
      }
      return updated;
    },
  };

  /** All that is held on this machine, of this process and of others. */
  async report(): Promise<UsageReport> {
    if (this.#on) this.#usage.review();
    await this.#work;
    return merged([...((await this.#store?.load()) ?? []), this.#usage.report()]);
  }

  /** Where the counts lie; empty where they are in memory only. */
  get directory(): string {
    return this.#store?.directory ?? '';
  }

  /** Whether the user lets the counts go to an edge node, and has named one. */
  get shares(): boolean {
    return this.#shares;
  }

  /** Deletes all that is held, here and in the directory. */
  async forget(): Promise<void> {
    this.#work = this.#work.then(async () => {
      this.#usage.forget();
      await this.#store?.forget();
    });
    await this.#work;
  }

  /** Counts what can still be seen, and writes for the last time. */
  async close(): Promise<void> {
    this.#stop?.();
    this.#stop = undefined;
    if (this.#on) this.#usage.finish();
    await this.#save();
  }

  async #save(): Promise<void> {
    this.#usage.review();
    if (this.#store && this.#usage.takeChanged())
      this.#work = this.#work.then(async () => {
        if (!(await this.#store?.save(this.#usage.report()))) this.#usage.forget();
      });
    await this.#work;
  }
}

/** What an item puts where; at the cursor where it does not say. */
function replacementIn(document: OpenDocument, { insertText, range }: GivenItem, cursor: number) {
  const { start, end } = range ? document.extentOf(range) : { start: cursor, end: cursor };
  const inserted = withLineFeeds(typeof insertText === 'string' ? insertText : insertText.value);
  return { start, removed: document.slice(start, end), inserted };
}
