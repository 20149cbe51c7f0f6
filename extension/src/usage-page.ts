import type { UsageHeld } from '@foretype/server/protocol';
import type { Translate } from './l10n.ts';

/** What decides whether measures of use may go anywhere. */
export interface Consent {
  readonly measureUsage: boolean;
  readonly shareUsage: boolean;
  readonly edgeUrl: string;
  /** Whether telemetry is turned on in the editor, for all extensions. */
  readonly telemetry: boolean;
}

/** The measures of use as a page to read: what is held, where it lies, where it would go, and how to stop it. */
export function usagePage({ report, directory }: UsageHeld, consent: Consent, t: Translate): string {
  const { measureUsage } = consent;
  const paragraphs = [
    `# ${t('What Would Be Sent')}`,
    t(
      'Below are all measures of use on this machine: counts by day and language. No text, name, path or address is among them.',
    ),
    t('This version of Foretype sends them nowhere.'),
    destination(consent, t),
    measureUsage
      ? ''
      : t('Nothing is counted at the moment, since the setting “foretype.usage.measure” is off.'),
    directory === ''
      ? t('They are held in memory and are gone when the window is closed.')
      : t('They lie in {0} and are deleted after 90 days.', `\`${directory}\``),
    t('To delete them now, run “Foretype: Forget Measures of Use”.'),
    `\`\`\`json\n${JSON.stringify(report, null, 2)}\n\`\`\``,
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`;
}

/** Where a version that sends would send them; the first reason why it would not. */
function destination({ shareUsage, telemetry, edgeUrl }: Consent, t: Translate): string {
  if (!shareUsage)
    return t(
      'Nor would a later version, since you have not agreed: the setting “foretype.usage.share” is off.',
    );
  if (!telemetry)
    return t(
      'Nor would a later version, although you have agreed, since telemetry is turned off in this editor.',
    );
  if (edgeUrl === '')
    return t('Nor would a later version, although you have agreed, since no edge node is set.');
  return t(
    'You have agreed to share them: a later version would send them to {0}, and to nobody else.',
    `\`${edgeUrl}\``,
  );
}
