import {
  commands,
  type Disposable,
  l10n,
  MarkdownString,
  QuickPickItemKind,
  type QuickPickItem,
  StatusBarAlignment,
  window,
} from 'vscode';
import { type MenuEntry, menuOf } from './menu.ts';
import { type Situation, tooltipMarkdown, viewStatus } from './status.ts';
import type { Translate } from './l10n.ts';

const menuCommand = 'foretype.menu';
const t: Translate = (message, ...values) => l10n.t(message, ...values);

/** The one item in the status bar; a click on it opens the menu of what can be done now. */
export class StatusItem implements Disposable {
  readonly #item = window.createStatusBarItem('status', StatusBarAlignment.Right, 100);
  readonly #menu = commands.registerCommand(menuCommand, () => this.#open());
  readonly #extensionId: string;
  #situation: Situation;

  /** @param extensionId - `publisher.name` of this extension. */
  constructor(extensionId: string, situation: Situation) {
    this.#extensionId = extensionId;
    this.#situation = situation;
    this.#item.name = 'Foretype';
    this.#item.command = menuCommand;
    this.show(situation);
    this.#item.show();
  }

  show(situation: Situation): void {
    this.#situation = situation;
    const view = viewStatus(situation, t);
    const tooltip = new MarkdownString(tooltipMarkdown(view));
    tooltip.isTrusted = { enabledCommands: view.remedies.map(({ command }) => command) };
    this.#item.text = view.text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: view.label };
  }

  dispose(): void {
    this.#menu.dispose();
    this.#item.dispose();
  }

  async #open(): Promise<void> {
    const groups = menuOf(this.#situation, this.#extensionId, t);
    const items = groups.flatMap((group, index) =>
      (index === 0 ? [] : [separator]).concat(group.map(itemOf)),
    );
    const [placeHolder] = viewStatus(this.#situation, t).tooltip;
    const chosen = await window.showQuickPick(items, { title: 'Foretype', placeHolder });
    if (chosen?.entry) await commands.executeCommand(chosen.entry.command, ...(chosen.entry.args ?? []));
  }
}

interface MenuItem extends QuickPickItem {
  readonly entry?: MenuEntry;
}

const separator: MenuItem = { label: '', kind: QuickPickItemKind.Separator };

function itemOf(entry: MenuEntry): MenuItem {
  return { label: `$(${entry.icon}) ${entry.label}`, entry };
}
