import type { Translate } from './l10n.ts';
import type { Situation } from './status.ts';

export interface MenuEntry {
  /** Name of a codicon. */
  readonly icon: string;
  readonly label: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

/** A group of entries that belong together; each but the first begins with a line. */
export type MenuGroup = readonly MenuEntry[];

/**
 * What can be done now: first what mends what is not as it should be, then what is used daily, then the rest. What
 * would have no effect is left out.
 * @param extensionId - `publisher.name`, by which VS Code finds our settings and our walkthrough.
 */
export function menuOf(situation: Situation, extensionId: string, t: Translate): readonly MenuGroup[] {
  const { condition, enabled, snooze, language } = situation;
  const running = typeof condition !== 'string';
  const asks = enabled && !snooze && running && language !== null;
  const groups: readonly MenuGroup[] = [
    urgent(situation, t),
    [
      ...(asks ? [{ icon: 'lightbulb', label: t('Ask for a Completion'), command: 'foretype.trigger' }] : []),
      ...(enabled && !snooze
        ? [{ icon: 'bell-slash', label: t('Snooze…'), command: 'foretype.snooze' }]
        : []),
      ...languageEntry(situation, t),
      ...(enabled ? [{ icon: 'circle-slash', label: t('Turn Off'), command: 'foretype.toggle' }] : []),
    ],
    running ? [{ icon: 'question', label: t('Explain Last Completion'), command: 'foretype.explain' }] : [],
    [
      {
        icon: 'gear',
        label: t('Settings'),
        command: 'workbench.action.openSettings',
        args: [`@ext:${extensionId}`],
      },
      { icon: 'package', label: t('Choose Model Family…'), command: 'foretype.chooseFamily' },
      ...(needsToken(situation) ? [] : [tokenEntry(t)]),
      {
        icon: 'mortar-board',
        label: t('Getting Started'),
        command: 'workbench.action.openWalkthrough',
        args: [`${extensionId}#start`, false],
      },
    ],
    [
      { icon: 'output', label: t('Show Log'), command: 'foretype.showLog' },
      ...(condition === 'stopped' ? [] : [restartEntry(t)]),
    ],
  ];
  return groups.filter((group) => group.length > 0);
}

function urgent(situation: Situation, t: Translate): MenuGroup {
  const entries: MenuEntry[] = [];
  if (situation.condition === 'stopped') entries.push(restartEntry(t));
  if (!situation.enabled)
    entries.push({ icon: 'play-circle', label: t('Turn On'), command: 'foretype.toggle' });
  else if (situation.snooze)
    entries.push({ icon: 'bell', label: t('End Snooze'), command: 'foretype.snooze', args: [0] });
  if (needsToken(situation)) entries.push(tokenEntry(t));
  return entries;
}

function languageEntry({ enabled, language }: Situation, t: Translate): MenuGroup {
  if (!enabled || !language) return [];
  const { id } = language;
  const [icon, label] = language.enabled
    ? ['exclude', t('Turn Off for {0}', id)]
    : ['pass', t('Turn On for {0}', id)];
  return [{ icon, label, command: 'foretype.toggleLanguage' }];
}

/** A node that refuses mostly wants another token. */
function needsToken({ condition }: Situation): boolean {
  return typeof condition !== 'string' && condition.edge === 'refused';
}

function tokenEntry(t: Translate): MenuEntry {
  return { icon: 'key', label: t('Set Edge Token'), command: 'foretype.setEdgeToken' };
}

function restartEntry(t: Translate): MenuEntry {
  return { icon: 'debug-restart', label: t('Restart Language Server'), command: 'foretype.restart' };
}
