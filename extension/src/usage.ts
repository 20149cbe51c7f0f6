import { type Disposable, env, l10n, window } from 'vscode';
import type { UsageHeld } from '@foretype/server/protocol';
import { USAGE_SCHEME } from './documents.ts';
import type { DeclaredSettings } from './declaration.ts';
import { Page } from './page.ts';
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
export class UsagePage implements Disposable {
  readonly #options: UsageOptions;
  readonly #page = new Page(USAGE_SCHEME, l10n.t('What Would Be Sent'));

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  async show(): Promise<void> {
    const held = await this.#options.ask();
    if (!held) {
      await tellAway();
      return;
    }
    await this.#page.show(this.#textOf(held));
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
    if (held) await this.#page.update(this.#textOf(held));
  }

  dispose(): void {
    this.#page.dispose();
  }

  #textOf(held: UsageHeld): string {
    const { measureUsage, shareUsage, edgeUrl } = this.#options.settings();
    const consent = { measureUsage, shareUsage, edgeUrl, telemetry: env.isTelemetryEnabled };
    return usagePage(held, consent, (message, ...values) => l10n.t(message, ...values));
  }
}

async function tellAway(): Promise<void> {
  await window.showInformationMessage(
    l10n.t('The language server, which holds the measures of use, does not run; the log may say why.'),
  );
}
