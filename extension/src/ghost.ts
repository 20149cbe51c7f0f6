import {
  commands,
  Disposable,
  type InlineCompletionItemProvider,
  InlineCompletionTriggerKind,
  languages,
  type LogOutputChannel,
  window,
} from 'vscode';
import type { DocumentPlace } from '@foretype/server/protocol';
import { cursorOf, SwapGuard } from './swap.ts';

export interface GhostTextOptions {
  /** `publisher.name` of this extension. */
  readonly extensionId: string;
  readonly log: LogOutputChannel;
  /** Whether completions come while typing; otherwise the server answers only what the user asked for. */
  readonly automatic: () => boolean;
  /** Asks the language server, for any document and position. */
  readonly provide: InlineCompletionItemProvider['provideInlineCompletionItems'];
  /** The user sent away what was shown in a document. */
  readonly onDismissed: (uri: string) => void;
}

/** Replaces a draft on the screen by the verified text, and hears of the user sending it away. */
export class GhostText implements Disposable {
  readonly #options: GhostTextOptions;
  readonly #guard = new SwapGuard();
  readonly #subscriptions: Disposable;

  constructor(options: GhostTextOptions) {
    this.#options = options;
    const moved = () => this.#guard.moved(cursor());
    this.#subscriptions = Disposable.from(
      window.onDidChangeTextEditorSelection(moved),
      window.onDidChangeActiveTextEditor(moved),
      window.onDidChangeWindowState(moved),
      commands.registerCommand('foretype.dismiss', () => this.#dismiss()),
    );
  }

  /** The editor took our answer for a place, with a text or without. */
  answered(place: DocumentPlace): void {
    // The answer that is on its way to the editor goes first.
    if (this.#guard.answered(place)) setTimeout(() => this.verified(place), 0);
  }

  /** Whoever asks again for a place gets the verified text. */
  verified(place: DocumentPlace): void {
    if (this.#guard.verified(place, cursor())) void this.#swap();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /**
   * VS Code makes no second request for the same version and position, except to a provider that it has not asked yet.
   * So one is registered for just this request, which asks what the permanent one asks; the old text stays until the
   * new one is there. It answers for any position, since a key may come in between. A VS Code that does not know the
   * arguments keeps what it shows.
   */
  async #swap(): Promise<void> {
    const { extensionId, automatic, provide, log } = this.#options;
    const triggerKind = automatic()
      ? InlineCompletionTriggerKind.Automatic
      : InlineCompletionTriggerKind.Invoke;
    const once = languages.registerInlineCompletionItemProvider([{ language: '*' }], {
      provideInlineCompletionItems: (document, position, context, token) =>
        provide(document, position, { ...context, triggerKind }, token),
    });
    try {
      const request = { explicit: false, providerId: `${extensionId}:*` };
      await commands.executeCommand('editor.action.inlineSuggest.trigger', request);
    } catch (cause) {
      log.debug(`The verified text could not be shown: ${String(cause)}`);
    } finally {
      once.dispose();
    }
  }

  async #dismiss(): Promise<void> {
    this.#guard.dismissed();
    const uri = window.activeTextEditor?.document.uri.toString();
    if (uri !== undefined) this.#options.onDismissed(uri);
    await commands.executeCommand('editor.action.inlineSuggest.hide');
  }
}

function cursor(): DocumentPlace | null {
  return cursorOf(window.activeTextEditor, window.state.focused);
}
