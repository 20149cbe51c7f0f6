import {
  type Disposable,
  env,
  EventEmitter,
  l10n,
  type TextDocumentContentProvider,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { UsageHeld } from '@foretype/server/protocol';
import { USAGE_SCHEME } from './documents.ts';
import type { DeclaredSettings } from './declaration.ts';
import { usagePage } from './usage-page.ts';

export interface UsageOptions {
  /** The settings as the user has them. */
  readonly settings: () => DeclaredSettings;
  /** The measures of use; undefined where the server cannot say. */
  readonly ask: () => Promise<UsageHeld | undefined>;
  /** Deletes them; false where the server cannot. */
  readonly forget: () => Promise<boolean>;
}

/** Shows the measures of use as a page that cannot be edited, and deletes them. */
export class UsagePage implements Disposable, TextDocumentContentProvider {
  readonly #options: UsageOptions;
  readonly #changed = new EventEmitter<Uri>();
  // VS Code looks for it when the provider is registered.
  readonly onDidChange = this.#changed.event;
  readonly #registration = workspace.registerTextDocumentContentProvider(USAGE_SCHEME, this);
  #page = '';

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  async show(): Promise<void> {
    const held = await this.#options.ask();
    if (!held) {
      await tellAway();
      return;
    }
    const uri = this.#write(held);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  async forget(): Promise<void> {
    const del = l10n.t('Delete');
    const question = l10n.t('Delete all measures of use on this machine, of all days and windows?');
    if ((await window.showWarningMessage(question, { modal: true }, del)) !== del) return;
    if (!(await this.#options.forget())) {
      await tellAway();
      return;
    }
    const held = await this.#options.ask();
    // A page that is open shows that they are gone.
    if (held && this.#page !== '') this.#write(held);
  }

  provideTextDocumentContent(): string {
    return this.#page;
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  #write(held: UsageHeld): Uri {
    const { measureUsage, shareUsage, edgeUrl } = this.#options.settings();
    const consent = { measureUsage, shareUsage, edgeUrl, telemetry: env.isTelemetryEnabled };
    this.#page = usagePage(held, consent, (message, ...values) => l10n.t(message, ...values));
    const uri = Uri.from({ scheme: USAGE_SCHEME, path: `/${l10n.t('What Would Be Sent')}.md` });
    this.#changed.fire(uri);
    return uri;
  }
}

async function tellAway(): Promise<void> {
  await window.showInformationMessage(
    l10n.t('The language server, which holds the measures of use, does not run; the log may say why.'),
  );
}
