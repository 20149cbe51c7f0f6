import { join } from 'node:path';
import { commands, type ExtensionContext, type LogOutputChannel, window } from 'vscode';
import type { ServerStatus } from '@foretype/server/protocol';
import { Client } from './client.ts';
import { StatusItem } from './item.ts';
import { askForToken, localSettings, readSettings, toggleEnabled, watchSettings } from './settings.ts';
import type { Condition } from './status.ts';

/** What other extensions, and our own tests, can ask this one. */
export interface ForetypeApi {
  /** The language server's last report; null before the first and while the server does not run. */
  readonly status: ServerStatus | null;
}

let client: Client | undefined;

/** Returns before the language server runs, so that neither a process nor a model delays the editor. */
export function activate(context: ExtensionContext): ForetypeApi {
  const log = window.createOutputChannel('Foretype', { log: true });
  const item = new StatusItem('starting');
  let condition: Exclude<Condition, 'off'> = 'starting';
  const show = () => item.show(localSettings().enabled ? condition : 'off');

  const running = new Client({
    module: join(context.extensionPath, 'dist', 'server.mjs'),
    log,
    localSettings,
    readSettings: () => readSettings(context.secrets),
    onStatus: (next) => {
      condition = next;
      show();
    },
    onFailure: (sentence) => void tellFailure(sentence, log),
  });
  client = running;

  context.subscriptions.push(
    log,
    item,
    ...watchSettings(context, () => {
      show();
      running.sendSettings();
    }),
    commands.registerCommand('foretype.toggle', toggleEnabled),
    commands.registerCommand('foretype.setEdgeToken', () => askForToken(context.secrets)),
    commands.registerCommand('foretype.showLog', () => log.show()),
    commands.registerCommand('foretype.restart', () => running.restart()),
  );
  void running.start();
  return {
    get status() {
      return typeof condition === 'string' ? null : condition;
    },
  };
}

/** VS Code waits for the promise, so that the server's process has ended with the extension host. */
export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** VS Code itself says nothing when an extension does not work. */
async function tellFailure(sentence: string, log: LogOutputChannel): Promise<void> {
  const showLog = 'Show Log';
  if ((await window.showErrorMessage(sentence, showLog)) === showLog) log.show();
}
