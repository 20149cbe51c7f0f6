import type { FamilyList, FamilyOffer } from '@foretype/server/protocol';
import type { Translate } from './l10n.ts';

/** What a choice means. */
export type FamilyChoice =
  /** Draft with a family that is here: the setting that stands for it. */
  | { readonly kind: 'use'; readonly setting: string; readonly id: string }
  | { readonly kind: 'install'; readonly id: string }
  | { readonly kind: 'importFolder' | 'importAddress' }
  /** Delete what is here of a family: so many bytes. */
  | { readonly kind: 'remove'; readonly id: string; readonly bytes: number };

export interface FamilyItem {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly choice: FamilyChoice;
  /** What the button beside it does, and says that it does; null where it has none. */
  readonly removal: { readonly choice: FamilyChoice; readonly tooltip: string } | null;
}

/** Items that belong together, under a heading. */
export interface FamilyGroup {
  readonly heading: string;
  readonly items: readonly FamilyItem[];
}

/**
 * What there is to choose from: what is here, what could be had, and other ways to a family.
 * @param language - tag of the language by which numbers are written.
 */
export function familyGroups(
  { families }: FamilyList,
  language: string,
  t: Translate,
): readonly FamilyGroup[] {
  const item = (offer: FamilyOffer) => familyItem(offer, language, t);
  const here = families.filter(({ setting }) => setting !== null);
  const others = families.filter(({ setting }) => setting === null);
  const ways: FamilyItem[] = [
    {
      label: `$(folder-opened) ${t('Import from a Folder…')}`,
      description: '',
      detail: t(
        'A folder with a family.json, such as one that somebody copied for you. Nothing is downloaded.',
      ),
      choice: { kind: 'importFolder' },
      removal: null,
    },
    {
      label: `$(link) ${t('Import from an Address…')}`,
      description: '',
      detail: t('The address of a family.json, such as one that your team has.'),
      choice: { kind: 'importAddress' },
      removal: null,
    },
  ];
  const groups = [
    { heading: t('On this machine'), items: here.map(item) },
    { heading: t('To download'), items: others.map(item) },
    { heading: t('From elsewhere'), items: ways },
  ];
  return groups.filter(({ items }) => items.length > 0);
}

function familyItem(offer: FamilyOffer, language: string, t: Translate): FamilyItem {
  const { id, setting, used, parameters, bytes, came, licence, note, fit } = offer;
  const size = sizeShown(bytes, language);
  const begun = setting === null && came > 0;
  const facts = [
    ...(used ? [t('in use')] : []),
    verdictShown(fit.verdict, t),
    begun ? t('{0} of {1} here already', sizeShown(came, language), size) : size,
    licence,
    ...(parameters === null ? [] : [t('{0} parameters', parameters)]),
    ...(setting === '' ? [t('built in')] : []),
  ];
  return {
    label: `$(${iconOf(offer)}) ${id}`,
    description: facts.join(' · '),
    // The end is what is cut off where there is no room.
    detail: note === null ? fit.sentence : `${note} ${fit.sentence}`,
    choice: setting === null ? { kind: 'install', id } : { kind: 'use', setting, id },
    removal: removalOf(offer, t),
  };
}

/** What is in use stays, and so does what was not installed: the one that is built in, and folders of the user's own. */
function removalOf({ id, where, used, bytes, came }: FamilyOffer, t: Translate): FamilyItem['removal'] {
  if (used) return null;
  if (where === 'installed')
    return { choice: { kind: 'remove', id, bytes }, tooltip: t('Delete from This Machine') };
  if (where === 'catalogue' && came > 0)
    return { choice: { kind: 'remove', id, bytes: came }, tooltip: t('Delete What Came So Far') };
  return null;
}

function iconOf({ used, setting }: FamilyOffer): string {
  if (used) return 'check';
  return setting === null ? 'cloud-download' : 'package';
}

function verdictShown(verdict: FamilyOffer['fit']['verdict'], t: Translate): string {
  switch (verdict) {
    case 'good':
      return t('fits this machine');
    case 'slow':
      return t('slow on this machine');
    case 'tight':
      return t('little memory is free for it');
    case 'no':
      return t('does not fit this machine');
  }
}

/** Bytes as shops and download pages write them. */
export function sizeShown(bytes: number, language: string): string {
  const [unit, size] = bytes < 1e9 ? ['megabyte', bytes / 1e6] : ['gigabyte', bytes / 1e9];
  const maximumFractionDigits = size < 10 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits }).format(size);
}

/** Why a text is no address of a family, in one sentence; undefined where it may be one. */
export function addressObjection(text: string, t: Translate): string | undefined {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    return t('Enter an address that begins with https://');
  if (url.username !== '' || url.password !== '')
    return t('Enter the address without a user name and a password in it.');
  return undefined;
}

/** What to know of an address that may be one. */
export function addressWarning(text: string, t: Translate): string | undefined {
  return /^http:/i.test(text.trim())
    ? t('Over plain HTTP, whoever is on the way may change the family.')
    : undefined;
}

/** What came of an installation, in one sentence. */
export function installedSentence(
  { id, already }: { readonly id: string; readonly already: boolean },
  t: Translate,
): string {
  return already
    ? t('{0} was here already; completions are drafted with it now.', id)
    : t('{0} is installed; completions are drafted with it now.', id);
}

/** What is asked before a family is deleted. */
export function removalQuestion(
  { id, bytes }: { readonly id: string; readonly bytes: number },
  language: string,
  t: Translate,
): string {
  return t('Delete {0} ({1}) from this machine?', id, sizeShown(bytes, language));
}
