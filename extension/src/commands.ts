import {
  commands,
  type Disposable,
  l10n,
  type LogOutputChannel,
  type QuickPickItem,
  type SecretStorage,
  window,
} from 'vscode';
import { isForeign } from './documents.ts';
import type { Explanations } from './explanations.ts';
import { chooseFamily, type FamilyServer } from './families.ts';
import { askForToken, localSettings, toggleEnabled, toggleLanguage } from './settings.ts';
import type { Snooze } from './snooze.ts';
import type { Step } from './steps.ts';
import type { UsagePage } from './usage.ts';

export interface CommandContext {
  /** Starts the language server anew. */
  readonly restart: () => unknown;
  /** What the language server does about families; undefined while it does not run. */
  readonly families: () => FamilyServer | undefined;
  /** The languages that the model was trained on; null for any, and while nobody knows. */
  readonly known: () => readonly string[] | null;
  readonly explanations: Pick<Explanations, 'show'>;
  readonly usage: Pick<UsagePage, 'show' | 'forget'>;
  readonly snooze: Snooze;
  readonly secrets: SecretStorage;
  readonly log: LogOutputChannel;
  /** A step of the walkthrough is done. */
  readonly reached: (step: Step) => void;
}

/** Registers what the manifest declares; the status item registers its menu, ghost text its dismissal. */
export function registerCommands(context: CommandContext): Disposable[] {
  const { restart, families, known, explanations, usage, snooze, secrets, log, reached } = context;
  // What the editor does for all extensions under names of ours, so that they are found with the others.
  const editors = (name: string) => () => commands.executeCommand(`editor.action.inlineSuggest.${name}`);
  const accepts = (name: string) => () => {
    reached('foretype.accepted');
    return editors(name)();
  };
  const handlers: Readonly<Record<string, (argument?: unknown) => unknown>> = {
    'foretype.trigger': editors('trigger'),
    'foretype.acceptWord': accepts('acceptNextWord'),
    'foretype.acceptLine': accepts('acceptNextLine'),
    'foretype.next': editors('showNext'),
    'foretype.previous': editors('showPrevious'),
    'foretype.toggle': () => toggle(snooze),
    'foretype.toggleLanguage': async () => {
      if ((await toggleActiveLanguage(known())) === false) reached('foretype.quieted');
    },
    'foretype.snooze': (minutes) => startSnooze(snooze, minutes),
    'foretype.explain': () => explanations.show(),
    'foretype.chooseFamily': () => chooseFamily(families()),
    'foretype.setEdgeToken': () => askForToken(secrets),
    'foretype.showUsage': () => usage.show(),
    'foretype.forgetUsage': () => usage.forget(),
    'foretype.showLog': () => log.show(),
    'foretype.restart': restart,
  };
  return Object.entries(handlers).map(([name, handler]) => commands.registerCommand(name, handler));
}

/** Turns completions off where they are on; where they are off or snoozed, on. */
async function toggle(snooze: Snooze): Promise<void> {
  const snoozed = snooze.until !== null;
  snooze.end();
  if (!snoozed || !localSettings().enabled) await toggleEnabled();
}

/** @returns whether completions are on for the language now; undefined where there is none. */
async function toggleActiveLanguage(known: readonly string[] | null): Promise<boolean | undefined> {
  const document = window.activeTextEditor?.document;
  if (document && !isForeign(document)) return toggleLanguage(document.languageId, known);
  await window.showInformationMessage(l10n.t('Open a file of the language first.'));
  return undefined;
}

interface SnoozeChoice extends QuickPickItem {
  readonly minutes: number;
}

/** Pauses completions for so many minutes, 0 to go on; asks where no number is given, as a keybinding may. */
async function startSnooze(snooze: Snooze, minutes: unknown): Promise<void> {
  if (typeof minutes === 'number') {
    snooze.start(minutes);
    return;
  }
  const choices: readonly SnoozeChoice[] = [
    ...(snooze.until === null ? [] : [{ label: l10n.t('End Snooze'), minutes: 0 }]),
    { label: l10n.t('5 Minutes'), minutes: 5 },
    { label: l10n.t('15 Minutes'), minutes: 15 },
    { label: l10n.t('1 Hour'), minutes: 60 },
    { label: l10n.t('Until the Editor Is Restarted'), minutes: Infinity },
  ];
  const chosen = await window.showQuickPick(choices, { title: l10n.t('Foretype: Snooze') });
  if (chosen) snooze.start(chosen.minutes);
}
