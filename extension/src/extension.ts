import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { commands, env, type ExtensionContext, l10n, type LogOutputChannel, window, workspace } from 'vscode';
import type { ServerStatus } from '@foretype/server/protocol';
import type { Client, ClientOptions } from './client.ts';
import { registerCommands } from './commands.ts';
import { isForeign } from './documents.ts';
import { Explanations } from './explanations.ts';
import { GhostText } from './ghost.ts';
import { StatusItem } from './item.ts';
import { languageEnabled, type Languages } from './languages.ts';
import {
  declaredSettings,
  type EditorSettings,
  localSettings,
  readSettings,
  watchSettings,
} from './settings.ts';
import { type Clock, Snooze } from './snooze.ts';
import type { Situation } from './status.ts';
import { Steps } from './steps.ts';
import { UsagePage } from './usage.ts';

/** What other extensions, and our own tests, can ask this one. */
export interface ForetypeApi {
  /** The language server's last report; null before the first and while the server does not run. */
  readonly status: ServerStatus | null;
}

let loading: Promise<Client> | undefined;

/** Milliseconds that a walkthrough gets until it looks for what is done. */
const WALKTHROUGH_MS = 500;

/** Returns before the language server runs, so that neither a process nor a model delays the editor. */
export function activate(context: ExtensionContext): ForetypeApi {
  const { extension, globalState, secrets, subscriptions } = context;
  const log = window.createOutputChannel('Foretype', { log: true });
  let condition: Situation['condition'] = 'starting';
  let client: Client | undefined;

  const steps = new Steps(globalState, (step) => void pulse(step));
  const show = () => {
    const now = situation();
    steps.observe(now);
    item.show(now);
  };
  const changed = () => {
    show();
    client?.sendSettings();
  };
  const snooze = new Snooze(clock, changed);
  // To the server a snooze is an extension that is turned off.
  const effective = (settings: EditorSettings): EditorSettings => ({
    ...settings,
    enabled: settings.enabled && snooze.until === null,
    // Whatever our own setting says, the editor's has the last word.
    shareUsage: settings.shareUsage && env.isTelemetryEnabled,
  });
  const ghost = new GhostText({
    extensionId: extension.id,
    log,
    automatic: () => localSettings().automatic,
    provide: (...request) => client?.provide(...request),
    onDismissed: (uri) => client?.dismissed(uri),
  });
  const explanations = new Explanations({
    ask: async () => client?.explain(),
    hasNode: () => typeof condition !== 'string' && condition.edge !== 'off',
    onChange: show,
  });
  const usage = new UsagePage({
    settings: declaredSettings,
    ask: async () => client?.usage(),
    forget: async () => (await client?.forgetUsage()) ?? false,
  });
  loading = load({
    module: join(context.extensionPath, 'dist', 'server.mjs'),
    families: join(context.globalStorageUri.fsPath, 'families'),
    usage: join(context.globalStorageUri.fsPath, 'usage'),
    log,
    localSettings: () => effective(localSettings()),
    readSettings: async () => effective(await readSettings(secrets, log)),
    onStatus: (next) => {
      if (next === 'starting') explanations.forget();
      condition = next;
      show();
    },
    onAnswer: (place, given) => {
      ghost.answered(place);
      explanations.answered();
      if (given) steps.reached('foretype.offered');
    },
    onAccepted: () => steps.reached('foretype.accepted'),
    onVerified: (place) => ghost.verified(place),
    onFailure: (sentence) => void tellFailure(sentence, log),
  });
  const known = () => (typeof condition === 'string' ? null : condition.languages);
  const situation = (): Situation => {
    const { enabled, automatic, languages } = localSettings();
    const shown = { snooze: snoozeShown(snooze), language: activeLanguage(languages, known()) };
    return { condition, enabled, automatic, ...shown, answer: explanations.last };
  };
  const item = new StatusItem(extension.id, situation());

  subscriptions.push(
    log,
    item,
    snooze,
    ghost,
    explanations,
    usage,
    env.onDidChangeTelemetryEnabled(changed),
    ...watchSettings(context, changed),
    // A document whose language is changed is opened anew.
    workspace.onDidOpenTextDocument(show),
    window.onDidChangeActiveTextEditor(show),
    window.tabGroups.onDidChangeTabs(({ opened, changed }) => {
      // Of a walkthrough extensions are told nothing else than that it is no editor they know.
      if ([...opened, ...changed].some(({ input }) => input === undefined))
        setTimeout(() => steps.opened(), WALKTHROUGH_MS);
    }),
    window.onDidChangeWindowState(({ focused }) => {
      snooze.review();
      if (focused) client?.focused();
    }),
    ...registerCommands({
      restart: () => client?.restart(),
      families: () => client?.families,
      known,
      explanations,
      usage,
      snooze,
      secrets,
      log,
      reached: (step) => steps.reached(step),
    }),
  );
  loading.then(
    (loaded) => {
      client = loaded;
      void loaded.start();
    },
    (cause: unknown) => {
      log.error(String(cause));
      condition = 'stopped';
      show();
    },
  );
  return {
    get status() {
      return typeof condition === 'string' ? null : condition;
    },
  };
}

/** VS Code waits for the promise, so that the server's process has ended with the extension host. */
export async function deactivate(): Promise<void> {
  await loading?.then(
    (client) => client.stop(),
    () => undefined,
  );
}

/** Evaluating the language client takes longer than all else of the activation, so it comes after that. */
async function load(options: ClientOptions): Promise<Client> {
  await nextTurn();
  const { Client } = await import('./client.ts');
  return new Client(options);
}

const clock: Clock = {
  now: Date.now,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Sets a context key for a moment: VS Code checks a step when its key is set, and not where it is set already. */
async function pulse(key: string): Promise<void> {
  await commands.executeCommand('setContext', key, true);
  await commands.executeCommand('setContext', key, false);
}

/** When a snooze ends, in the words of the user's clock. */
function snoozeShown({ until }: Snooze): Situation['snooze'] {
  if (until === null) return null;
  const hour = { hour: '2-digit', minute: '2-digit' } as const;
  return { until: Number.isFinite(until) ? new Date(until).toLocaleTimeString(env.language, hour) : null };
}

function activeLanguage(languages: Languages, known: readonly string[] | null): Situation['language'] {
  const document = window.activeTextEditor?.document;
  if (!document || isForeign(document)) return null;
  return { id: document.languageId, enabled: languageEnabled(languages, document.languageId, known) };
}

/** VS Code itself says nothing when an extension does not work. */
async function tellFailure(sentence: string, log: LogOutputChannel): Promise<void> {
  const showLog = l10n.t('Show Log');
  if ((await window.showErrorMessage(sentence, showLog)) === showLog) log.show();
}
