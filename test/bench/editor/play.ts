import type { Random } from '../../../evaluation/src/random.ts';
import type { Clock } from '../../support/emulator/virtual-clock.ts';
import type { Key } from '../keystrokes/traces.ts';
import { changeOf, gapBefore, leftOf, type Change, type Stroke } from './strokes.ts';

/** Something that says what to show. */
export interface Contestant {
  open(stroke: Stroke): Promise<void>;
  /** Is told of a key and asked at once what comes behind the cursor; empty where nothing does. */
  ask(stroke: Stroke, change: Change, signal: AbortSignal): Promise<string>;
  /** When nothing that was begun goes on. */
  close(): Promise<void>;
}

/** What a key saw. */
export interface Seen {
  readonly key: Key;
  /** Milliseconds until the next key; null behind the last. */
  gapMs: number | null;
  /** A text stood there already, of which the key was the next character. */
  kept: boolean;
  /** Milliseconds to the first text for it where none stood there; null where none came in time. */
  shownMs: number | null;
}

/** Milliseconds for which whoever typed all of it looks at the last text. */
const LOOKS_MS = 1500;

/**
 * Types at the pace of {@link gapBefore}, and asks at each key as VS Code does: the request before is cancelled, its
 * answer no longer shown, and a text stays while it is typed. VS Code waits some 50 ms before it asks anybody; that is
 * left out.
 *
 * @throws what the contestant threw for a key that was still the last.
 */
export async function play(
  strokes: readonly Stroke[],
  contestant: Contestant,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<Seen[]> {
  const [opened, ...keys] = strokes;
  await contestant.open(opened!);
  const seen: Seen[] = [];
  const failures: unknown[] = [];
  let shown = '';
  let cancel = new AbortController();
  let before = opened!;
  let due = clock.now();
  for (const stroke of keys) {
    const gapMs = gapBefore(stroke, random);
    due += gapMs;
    await clock.sleep(due - clock.now());
    cancel.abort();
    cancel = new AbortController();
    const { signal } = cancel;
    const change = changeOf(before, stroke);
    before = stroke;
    shown = leftOf(shown, change);
    const pressed = clock.now();
    const last = seen.at(-1);
    if (last) last.gapMs = gapMs;
    const now: Seen = { key: stroke.key, gapMs: null, kept: shown !== '', shownMs: null };
    seen.push(now);
    contestant.ask(stroke, change, signal).then(
      (text) => {
        if (signal.aborted) return;
        shown = text;
        if (text.trim() !== '' && !now.kept) now.shownMs ??= clock.now() - pressed;
      },
      (error: unknown) => {
        if (!signal.aborted) failures.push(error);
      },
    );
  }
  await clock.sleep(LOOKS_MS);
  cancel.abort();
  await contestant.close();
  if (failures.length > 0) throw failures[0];
  return seen;
}
