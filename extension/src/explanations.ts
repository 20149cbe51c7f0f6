import { type Disposable, l10n, Uri, window, workspace } from 'vscode';
import type { Explanation } from '@foretype/server/protocol';
import { PAGE_SCHEME } from './documents.ts';
import { explanationPage } from './explain.ts';
import { Page } from './page.ts';

/** Milliseconds from an answer to the question how it came about, so that typing does not ask at every key. */
const PAUSE_MS = 500;

export interface ExplanationsOptions {
  /** What the server says of the last request; null before the first, undefined where it cannot say. */
  readonly ask: () => Promise<Explanation | null | undefined>;
  /** Whether an edge node is set, without which nobody expects a verification. */
  readonly hasNode: () => boolean;
  readonly onChange: () => void;
}

/** What the server says of its last answer: for the status item after each, and as a page on demand. */
export class Explanations implements Disposable {
  readonly #options: ExplanationsOptions;
  readonly #page = new Page(PAGE_SCHEME, l10n.t('Last Completion'));
  #last: Explanation | null = null;
  #timer: NodeJS.Timeout | undefined;
  #able = true;

  constructor(options: ExplanationsOptions) {
    this.#options = options;
  }

  get last(): Explanation | null {
    return this.#last;
  }

  /** A request was answered. */
  answered(): void {
    if (!this.#able) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#ask();
    }, PAUSE_MS);
  }

  /** Another server process starts, which knows nothing of the last one's answers. */
  forget(): void {
    this.#able = true;
    this.#last = null;
  }

  async show(): Promise<void> {
    const explanation = await this.#ask();
    if (explanation) await this.#showPage(explanation);
    else
      await window.showInformationMessage(
        explanation === null
          ? l10n.t('No completion was asked for yet; type something in a file, then ask again.')
          : l10n.t('The language server cannot explain completions at the moment; its log may say why.'),
      );
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#page.dispose();
  }

  async #ask(): Promise<Explanation | null | undefined> {
    const explanation = await this.#options.ask();
    this.#able = explanation !== undefined;
    this.#last = explanation ?? null;
    this.#options.onChange();
    return explanation;
  }

  async #showPage(explanation: Explanation): Promise<void> {
    const name = workspace.asRelativePath(Uri.parse(explanation.uri));
    const hasNode = this.#options.hasNode();
    await this.#page.show(
      explanationPage(explanation, { name, hasNode }, (message, ...values) => l10n.t(message, ...values)),
    );
  }
}
