import type { UsagePath, UsageReport, UsageRow } from '@foretype/edge-node/protocol';
import type { InlineCompletionItem } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { ServerSettings } from '../settings.ts';
import { trimmed } from './change.ts';
import { merged } from './rows.ts';
import { UsageStore, type StoreOptions } from './store.ts';
import { Usage, type UsageParts } from './usage.ts';

export interface MeasuresOptions extends UsageParts, Pick<StoreOptions, 'id' | 'log'> {
  /** Calls back every so many milliseconds, until what it returns is called. */
  readonly every: (ms: number, run: () => void) => () => void;
}

export type UsageSettings = Pick<ServerSettings, 'measureUsage' | 'shareUsage' | 'edgeUrl'>;

/** Documents as they are made and changed; `TextDocument` of the library is one. */
interface Documents {
  create(uri: string, language: string, version: number, content: string): TextDocument;
  update(document: TextDocument, changes: TextChange[], version: number): TextDocument;
}
type TextChange = Parameters<typeof TextDocument.update>[1][number];

/** Is told how a request ended. */
export interface Asking {
  /** @param verified whether the text is the target's own, wherever it was kept. */
  given(
    item: Pick<InlineCompletionItem, 'insertText' | 'range'>,
    how: { readonly path: UsagePath; readonly verified: boolean; readonly adapter: boolean },
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
    this.#usage = new Usage(options);
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
  request(document: TextDocument, language: string, cursor: number): Asking {
    const { uri, version } = document;
    const began = this.#options.now();
    const none: Asking['none'] = (why) => {
      if (this.#on) this.#usage.unanswered({ uri, language, adapter: false }, why);
    };
    return {
      none,
      given: ({ insertText, range }, how) => {
        if (!this.#on) return;
        // What was asked for a text that is gone is not shown.
        if (document.version !== version || this.#options.textOf(uri) === undefined) {
          none('late');
          return;
        }
        const start = range ? document.offsetAt(range.start) : cursor;
        const end = range ? document.offsetAt(range.end) : cursor;
        const removed = document.getText().slice(start, end);
        const inserted = typeof insertText === 'string' ? insertText : insertText.value;
        const ms = this.#options.now() - began;
        this.#usage.answered({ uri, language, ...how, ms, cursor, start, removed, inserted });
      },
    };
  }

  accepted(uri: string): void {
    if (this.#on) this.#usage.accepted(uri);
  }

  dismissed(uri: string): void {
    if (this.#on) this.#usage.dismissed(uri);
  }

  closed(document: TextDocument): void {
    if (this.#on) this.#usage.closed(document.uri, document.getText());
  }

  /** The same documents, whose changes are seen; `TextDocuments` tells only that there was one. */
  watching(documents: Documents): Documents {
    return {
      create: (...args) => documents.create(...args),
      update: (document, changes, version) => {
        if (!this.#on || changes.length === 0) return documents.update(document, changes, version);
        const { uri } = document;
        this.#usage.changing(uri);
        let updated = document;
        for (const change of changes) {
          const { offset, end } = extentOf(updated, change);
          const removed = offset === end ? '' : updated.getText().slice(offset, end);
          updated = documents.update(updated, [change], version);
          this.#usage.changed(uri, trimmed({ offset, removed, inserted: change.text }));
        }
        return updated;
      },
    };
  }

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

/** Where a change begins and ends, in UTF-16 code units; one without a place replaces all. */
function extentOf(document: TextDocument, change: TextChange): { offset: number; end: number } {
  if (!('range' in change)) return { offset: 0, end: document.getText().length };
  const [a, b] = [document.offsetAt(change.range.start), document.offsetAt(change.range.end)];
  return { offset: Math.min(a, b), end: Math.max(a, b) };
}
