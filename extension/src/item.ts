import { commands, type Disposable, type QuickPickItem, StatusBarAlignment, window } from 'vscode';
import { type Condition, viewStatus } from './status.ts';

const menuCommand = 'foretype.menu';

/** The one item in the status bar; a click on it opens the commands. */
export class StatusItem implements Disposable {
  readonly #item = window.createStatusBarItem('status', StatusBarAlignment.Right, 100);
  readonly #menu = commands.registerCommand(menuCommand, openMenu);

  constructor(condition: Condition) {
    this.#item.name = 'Foretype';
    this.#item.command = menuCommand;
    this.show(condition);
    this.#item.show();
  }

  show(condition: Condition): void {
    const { text, label, tooltip } = viewStatus(condition);
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label };
  }

  dispose(): void {
    this.#menu.dispose();
    this.#item.dispose();
  }
}

interface MenuEntry extends QuickPickItem {
  readonly command: string;
  readonly argument?: string;
}

async function openMenu(): Promise<void> {
  const entries: MenuEntry[] = [
    { label: '$(circle-slash) Turn On/Off', command: 'foretype.toggle' },
    { label: '$(key) Set Edge Token', command: 'foretype.setEdgeToken' },
    {
      label: '$(gear) Settings',
      command: 'workbench.action.openSettings',
      argument: '@ext:foretype.foretype',
    },
    { label: '$(output) Show Log', command: 'foretype.showLog' },
    { label: '$(debug-restart) Restart Language Server', command: 'foretype.restart' },
  ];
  const chosen = await window.showQuickPick(entries, { title: 'Foretype' });
  if (chosen !== undefined) await commands.executeCommand(chosen.command, chosen.argument);
}
