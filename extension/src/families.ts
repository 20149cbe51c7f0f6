import {
  type CancellationToken,
  ConfigurationTarget,
  env,
  InputBoxValidationSeverity,
  l10n,
  ProgressLocation,
  window,
  workspace,
} from 'vscode';
import type { FamilyInstalled, FamilyList } from '@foretype/server/protocol';
import {
  addressObjection,
  addressWarning,
  type FamilyChoice,
  familyGroups,
  installedSentence,
  removalQuestion,
} from './family-choices.ts';
import { pickFamily } from './family-picker.ts';
import type { Translate } from './l10n.ts';

/** How far an installation is: a part of a hundred, and a text about it. */
export type Advance = (percentage: number | undefined, message: string | undefined) => void;

/** What the language server does about families. Each rejects with one sentence. */
export interface FamilyServer {
  list(): Promise<FamilyList>;
  install(id: string, advance: Advance, token: CancellationToken): Promise<FamilyInstalled>;
  /** @param from an absolute path or an address. */
  import(from: string, advance: Advance, token: CancellationToken): Promise<FamilyInstalled>;
  /** Deletes what is here of a family. */
  remove(id: string): Promise<void>;
}

/** Where the setting is; see `SETTINGS`. */
const SECTION = 'foretype.model';

const t: Translate = (message, ...values) => l10n.t(message, ...values);

/** Lets the user choose the family to draft with, and has it installed where it is not here. */
export async function chooseFamily(server: FamilyServer | undefined): Promise<void> {
  if (!server) {
    await window.showInformationMessage(l10n.t('The language server is starting; try again in a moment.'));
    return;
  }
  try {
    const choose = async () => pick(await server.list());
    let chosen = await choose();
    // Whoever deletes one goes on among the others.
    for (; chosen?.kind === 'remove'; chosen = await choose()) await remove(chosen, server);
    if (chosen) await take(chosen, server);
  } catch (error) {
    await window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

function pick(list: FamilyList): Promise<FamilyChoice | undefined> {
  const [problem] = list.problems;
  return pickFamily(familyGroups(list, env.language, t), {
    title: l10n.t('Foretype: Choose Model Family'),
    placeholder:
      problem ?? l10n.t('The family that completions are drafted with; an edge node must have the same one.'),
  });
}

async function remove(
  family: Extract<FamilyChoice, { kind: 'remove' }>,
  server: FamilyServer,
): Promise<void> {
  const del = l10n.t('Delete');
  const question = removalQuestion(family, env.language, t);
  if ((await window.showWarningMessage(question, { modal: true }, del)) === del)
    await server.remove(family.id);
}

async function take(choice: Exclude<FamilyChoice, { kind: 'remove' }>, server: FamilyServer): Promise<void> {
  switch (choice.kind) {
    case 'use':
      await use(choice.setting);
      return;
    case 'install':
      await installed(l10n.t('Downloading {0}', choice.id), (...rest) => server.install(choice.id, ...rest));
      return;
    case 'importFolder': {
      const [folder] =
        (await window.showOpenDialog({
          title: l10n.t('Foretype: Import a Model Family'),
          openLabel: l10n.t('Import'),
          canSelectFiles: false,
          canSelectFolders: true,
        })) ?? [];
      if (folder)
        await installed(l10n.t('Importing {0}', folder.fsPath), (...rest) =>
          server.import(folder.fsPath, ...rest),
        );
      return;
    }
    case 'importAddress': {
      const address = await askForAddress();
      if (address !== undefined)
        await installed(l10n.t('Downloading {0}', address), (...rest) => server.import(address, ...rest));
    }
  }
}

async function askForAddress(): Promise<string | undefined> {
  const answer = await window.showInputBox({
    title: l10n.t('Foretype: Import a Model Family'),
    prompt: l10n.t('The address of a family.json, or of the folder that it is in.'),
    ignoreFocusOut: true,
    validateInput: (text) => {
      const objection = addressObjection(text, t);
      const message = objection ?? addressWarning(text, t);
      if (message === undefined) return undefined;
      const { Error: wrong, Warning: warning } = InputBoxValidationSeverity;
      return { message, severity: objection === undefined ? warning : wrong };
    },
  });
  return answer?.trim();
}

/** Installs with progress and a way to call it off, and drafts with what came. */
async function installed(
  title: string,
  work: (advance: Advance, token: CancellationToken) => Promise<FamilyInstalled>,
): Promise<void> {
  const options = { location: ProgressLocation.Notification, title, cancellable: true };
  const outcome = await window.withProgress(options, (progress, token) => {
    let shown = 0;
    const advance: Advance = (percentage, message) => {
      const increment = Math.max(0, (percentage ?? shown) - shown);
      shown += increment;
      progress.report({ increment, ...(message !== undefined && { message }) });
    };
    return work(advance, token);
  });
  if (outcome.outcome === 'cancelled') {
    await window.showInformationMessage(
      l10n.t('What came so far is kept; choose the family again to go on from there.'),
    );
    return;
  }
  await use(outcome.setting);
  await window.showInformationMessage(installedSentence(outcome, t));
}

/** For all windows of this machine: a workspace may not choose what is loaded here. */
async function use(setting: string): Promise<void> {
  await workspace
    .getConfiguration(SECTION)
    .update('family', setting === '' ? undefined : setting, ConfigurationTarget.Global);
}
