import type { Engine, Family } from '@foretype/models';
import { Control } from '../../../server/src/control.ts';
import { BUDGETS } from '../../../server/src/policy.ts';
import { Recollection } from '../../../server/src/recollection.ts';
import type { Verifier } from '../../../server/src/verifier.ts';
import { placeFor } from '../keystrokes/layouts.ts';
import type { Trace } from '../keystrokes/places.ts';
import type { Keystroke } from '../keystrokes/traces.ts';
import { ask } from './ask.ts';

/** Times in milliseconds since the key. */
export interface Played {
  /** The first text, and the target's whole text. */
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly text: string;
  /** Milliseconds that this process's own thread computed meanwhile. */
  readonly ownMs: number;
}

export interface Laptop {
  readonly family: Family;
  readonly draft: Engine;
  readonly channel: Verifier;
}

const now = () => performance.now();

/** The language server's way of asking, see `CompletionService`; what it remembers is kept from key to key. */
export function player({ family, draft, channel }: Laptop) {
  const control = new Control({ now, jPerHour: () => BUDGETS.mains });
  const recollection = new Recollection(draft);
  return async (stroke: Keystroke, { file }: Pick<Trace, 'file'>): Promise<Played> => {
    const cursor = { uri: file.path, text: stroke.text, offset: stroke.offset };
    const { firstMs, verified, ownMs } = await ask(
      { family, draft, edge: { verifier: channel, control }, now },
      {
        ...placeFor(family, stroke),
        adapter: '',
        others: recollection.othersThan(cursor.uri),
        remembered: recollection.rememberedAt(cursor),
      },
    );
    if (!verified) throw new Error('A completion was not verified, although nobody was in a hurry.');
    recollection.keep(cursor, { text: verified.text, verified: true });
    return { firstMs, wholeMs: verified.ms, text: verified.text, ownMs };
  };
}
