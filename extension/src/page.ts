import {
  commands,
  type Disposable,
  EventEmitter,
  type TextDocumentContentProvider,
  Uri,
  window,
  workspace,
} from 'vscode';

/** A page of Markdown that nobody edits, shown as the editor renders it. */
export class Page implements Disposable, TextDocumentContentProvider {
  readonly #uri: Uri;
  readonly #changed = new EventEmitter<Uri>();
  // VS Code looks for it when the provider is registered.
  readonly onDidChange = this.#changed.event;
  readonly #registration: Disposable;
  #text = '';

  /**
   * @param scheme - that of this page alone, since a scheme has one provider.
   * @param title - what its tab is called.
   */
  constructor(scheme: string, title: string) {
    this.#uri = Uri.from({ scheme, path: `/${title}.md` });
    this.#registration = workspace.registerTextDocumentContentProvider(scheme, this);
  }

  /** Brings it to the front with a new text, in the tab that it has already where there is one. */
  async show(text: string): Promise<void> {
    this.#write(text);
    try {
      await commands.executeCommand('markdown.showPreview', this.#uri);
      await refresh();
    } catch {
      // The editor's own extension for Markdown may be turned off.
      await window.showTextDocument(await workspace.openTextDocument(this.#uri), { preview: true });
    }
  }

  /** Replaces what it says where it may be open; it is not opened. */
  async update(text: string): Promise<void> {
    if (this.#text === '') return;
    this.#write(text);
    await refresh().catch(() => undefined);
  }

  provideTextDocumentContent(): string {
    return this.#text;
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  #write(text: string): void {
    this.#text = text;
    this.#changed.fire(this.#uri);
  }
}

/**
 * Has previews read their documents again. The editor closes a document that no text editor shows; opened again, it
 * counts its versions from 1, and a preview would take the new text for the one that it has.
 */
async function refresh(): Promise<void> {
  await commands.executeCommand('markdown.preview.refresh');
}
