/** Pure: why there is no completion, in sentences for who wonders. */
import type { Family } from '@foretype/models';
import type { BUDGETS } from './policy.ts';
import type { ServerSettings } from './protocol.ts';
import type { Refusal } from './suggestions/parts.ts';

type Power = keyof typeof BUDGETS;

/** From which states of the power on completions come only when they are asked for. */
const PAUSED: Readonly<Record<ServerSettings['pauseOn'], readonly Power[]>> = {
  never: [],
  saver: ['saver'],
  battery: ['battery', 'saver'],
};
const NOBODY =
  'The draft model is turned off and no edge node is set, so that nobody writes completions; turn it on or set a node.';
const UNCONNECTED = 'The edge node, which writes the completions, is not connected yet.';
const BUSY = 'The edge node, which writes the completions, has too much to do; it is asked again soon.';

/** Where there is no draft model, and no node to write instead of it. */
export function nobodyWrites({ draft, edgeUrl }: ServerSettings): string | null {
  return draft || edgeUrl ? null : NOBODY;
}

/** Where power is to be saved by waiting to be asked. */
export function pausedBy({ enabled, automatic, pauseOn }: ServerSettings, power: Power): string | null {
  if (!enabled || !automatic || !PAUSED[pauseOn].includes(power)) return null;
  const when = power === 'saver' ? 'while power is saved' : 'on battery';
  return `Completions are paused ${when}; ask for one with the key.`;
}

/** What a request is about, and how things are. */
export interface Circumstances {
  readonly settings: ServerSettings;
  /** Undefined where there is none yet. */
  readonly family: Pick<Family, 'id' | 'languages'> | undefined;
  readonly language: string;
  /** Asked for by a key. */
  readonly explicit: boolean;
  readonly power: Power;
  /** Whether the node is connected, and whether it can be asked. */
  readonly connected: boolean;
  readonly asked: boolean;
  /** What is not as it should be, if something is. */
  readonly reason: string | null;
}

/** Why a document gets no completion now; undefined where it may get one. */
export function refusalOf(circumstances: Circumstances): Refusal | undefined {
  const { settings, family, language, explicit, power, connected, asked, reason } = circumstances;
  const { enabled, draft, automatic, languages } = settings;
  if (!enabled) return { message: 'Completions are turned off.', stays: false };
  if (!draft && !asked) return { message: reason ?? (connected ? BUSY : UNCONNECTED), stays: true };
  if (explicit) return undefined;
  if (!automatic) return { message: 'Completions come only when they are asked for.', stays: true };
  const paused = pausedBy(settings, power);
  if (paused) return { message: paused, stays: true };
  if (!(languages[language] ?? languages['*'] ?? true))
    return { message: `Completions are off for ${language}.`, stays: true };
  // Whoever names it wants it all the same: what is copied from the text is good in any language.
  if (language in languages || (family?.languages?.includes(language) ?? true)) return undefined;
  const message = `The model ${family!.id} was not trained on ${language}; turn ${language} on, or choose another family.`;
  return { message, stays: true };
}
