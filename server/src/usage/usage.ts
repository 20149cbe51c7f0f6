import type { UsagePath, UsageReport, UsageRow } from '@foretype/edge-node/protocol';
import type { Change } from './change.ts';
import {
  after,
  agrees,
  continued,
  isKey,
  offeredBy,
  touches,
  unitOf,
  type Item,
  type Offered,
} from './offer.ts';
import { Persistence, type Followed } from './persistence.ts';
import { languageOf, type Kind } from './rows.ts';
import { bucketOf } from './sketch.ts';
import { Tally } from './tally.ts';

export interface UsageParts {
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** The day where the user is, as YYYY-MM-DD. */
  readonly day: () => string;
  /** A document as it is now; undefined where it is not open. */
  readonly textOf: (uri: string) => string | undefined;
}

/** Who asked. */
export interface Asked {
  readonly uri: string;
  /** The editor's identifier of the document's language. */
  readonly language: string;
  /** Whether an adapter answered; no matter where nobody did. */
  readonly adapter: boolean;
}

export interface Answer extends Asked, Item {
  readonly path: UsagePath;
  /** Whether the text is the target's own, wherever it was kept. */
  readonly verified: boolean;
  /** Milliseconds from the request. */
  readonly ms: number;
  /** What may be chosen in its place, in the order of the answer. */
  readonly others?: readonly Item[];
}

/** Milliseconds for which a text can be seen until somebody may have read it; Cody counts from there, too. */
export const READ_MS = 750;
/** Milliseconds in which an editor says that what it just put into the document was accepted. */
const SAID_MS = 2000;

type Outcome = keyof UsageRow['outcomes'];
type Unit = ReturnType<typeof unitOf>;

/** A text that can be seen, as far as is known. */
interface Visible extends Offered {
  readonly kind: Kind;
  readonly since: number;
  readonly verified: boolean;
  /** UTF-16 code units that were accepted and typed of it so far. */
  readonly accepted: number;
  readonly byKey: number;
  readonly parts: Readonly<Record<Unit, number>>;
  /** With what its last change was accepted, if that looked like a part of it. */
  readonly unit: Unit | undefined;
  /** What was accepted of it, to be looked for later. */
  readonly followed: Followed | undefined;
  /** The texts that may be chosen in its place. */
  readonly others: readonly string[];
}

/** A text whose end is known but for whether the editor says that it was accepted. */
interface Ended {
  readonly seen: Visible;
  readonly outcome: Outcome;
  readonly at: number;
  readonly last: Change;
  /** What the last change is counted as already. */
  readonly as: 'accepted' | 'typed' | 'neither';
  /** What was accepted with it, if it was accepted as a part. */
  readonly unit: Unit | undefined;
}

/**
 * Counts what becomes of the texts that are given to editors. Editors tell of little: which requests they make, that a
 * text was accepted whole, that one was dismissed, and what changes in documents. The rest is inferred from the changes,
 * and nothing but counts is kept of it; a text that was accepted is held until it was looked for the last time.
 */
export class Usage {
  readonly #parts: UsageParts;
  readonly #tally: Tally;
  readonly #persistence: Persistence;
  readonly #visible = new Map<string, Visible>();
  readonly #ended = new Map<string, Ended>();
  /** Whether the editor sends several keys as one change, which look like a part that was accepted. */
  #gathers = false;

  constructor(parts: UsageParts) {
    this.#parts = parts;
    this.#tally = new Tally(parts.day);
    this.#persistence = new Persistence((kind, age, kept) => {
      const looked = this.#tally.row(kind).persistence[age];
      looked.checked++;
      if (kept) looked.kept++;
    });
  }

  set gathersKeys(gathers: boolean) {
    this.#gathers = gathers;
  }

  /** What is held of documents' texts, in UTF-16 code units. */
  get held(): Persistence['held'] {
    return this.#persistence.held;
  }

  /** The counts so far, without the texts that can still be seen. */
  report(): UsageReport {
    return this.#tally.report();
  }

  /** Whether anything was counted since this was asked the last time. */
  takeChanged(): boolean {
    return this.#tally.takeChanged();
  }

  /** A request ended without a text. */
  unanswered(asked: Asked, why: keyof UsageRow['unanswered']): void {
    const row = this.#tally.row(kindOf(asked));
    row.requests++;
    row.unanswered[why]++;
    // Who withdraws a request may have typed what is shown; an answer without a text takes it away.
    if (why !== 'late') this.#leave(asked.uri);
  }

  answered(answer: Answer): void {
    const { uri, path, verified } = answer;
    const kind = kindOf(answer);
    const row = this.#tally.row(kind);
    const latency = row.latency[path];
    const bucket = bucketOf(answer.ms);
    row.requests++;
    latency[bucket] = (latency[bucket] ?? 0) + 1;
    const offered = offeredBy(answer);
    const others = (answer.others ?? []).map((one) => offeredBy(one)?.text ?? '');
    if (offered && this.#goesOn(uri, offered, { verified, others })) return;
    this.#leave(uri);
    if (!offered) return;
    row.offered[path]++;
    const nothing = {
      accepted: 0,
      byKey: 0,
      parts: { word: 0, line: 0 },
      unit: undefined,
      followed: undefined,
    };
    this.#visible.set(uri, { ...offered, ...nothing, kind, verified, others, since: this.#parts.now() });
  }

  /** Something is about to change in a document. */
  changing(uri: string): void {
    const now = this.#parts.now();
    if (this.#persistence.isDue(now, uri)) this.#persistence.look(now, this.#parts.textOf);
  }

  /** Something has changed in a document. */
  changed(uri: string, change: Change): void {
    this.#settle(uri);
    this.#persistence.changed(uri, change);
    const seen = this.#visible.get(uri);
    if (!seen) return;
    const next = after(seen, change);
    if (next) this.#advance(uri, seen, next, change);
    else {
      const outcome = outcomeOf(seen, touches(seen, change) ? 'rejected' : 'ignored');
      this.#end(uri, { seen, outcome, last: change, as: 'neither', unit: undefined });
    }
  }

  /**
   * The editor put a text that it was given for a document into it, whole.
   * @param index 0 for the one that was shown, 1 for the first that might be chosen in its place.
   */
  accepted(uri: string, index = 0): void {
    const ended = this.#ended.get(uri);
    if (ended && this.#parts.now() - ended.at <= SAID_MS) {
      this.#ended.delete(uri);
      const { last, as } = ended;
      const seen = chosenOf(ended.seen, index);
      const count = as === 'accepted' ? 0 : last.inserted.length;
      const typed = as === 'typed' ? count : 0;
      const stood = as === 'neither' ? { ...seen, followed: undefined } : seen;
      if (count > 0) this.#follow(uri, stood, last.offset, last.inserted);
      this.#conclude({ ...seen, accepted: seen.accepted + count, byKey: seen.byKey - typed }, 'accepted');
      return;
    }
    const visible = this.#visible.get(uri);
    if (!visible) return;
    this.#visible.delete(uri);
    const seen = chosenOf(visible, index);
    const rest = Math.max(0, seen.text.length - seen.typed);
    this.#conclude({ ...seen, accepted: seen.accepted + rest }, 'accepted');
  }

  /** The user sent away what was shown in a document. */
  dismissed(uri: string): void {
    this.#settle(uri);
    const seen = this.#visible.get(uri);
    if (!seen) return;
    this.#visible.delete(uri);
    this.#conclude(seen, outcomeOf(seen, 'rejected'), { read: true });
  }

  /** @param text what the document was at the end. */
  closed(uri: string, text: string): void {
    const { now, textOf } = this.#parts;
    this.#persistence.look(now(), (of) => (of === uri ? text : textOf(of)));
    this.#leave(uri);
    this.#settle(uri);
    this.#persistence.closed(uri);
  }

  /** Looks for what is due and counts what has ended for good; to be called now and then. */
  review(): void {
    const now = this.#parts.now();
    if (this.#persistence.isDue(now)) this.#persistence.look(now, this.#parts.textOf);
    for (const [uri, { at }] of this.#ended) if (now - at > SAID_MS) this.#settle(uri);
  }

  /** Counts what can still be seen as left. */
  finish(): void {
    this.review();
    for (const uri of this.#visible.keys()) this.#leave(uri);
    for (const uri of this.#ended.keys()) this.#settle(uri);
  }

  /** Drops all that was counted, and all that was to be. */
  forget(): void {
    this.#persistence.forget();
    this.#tally.clear();
    this.#visible.clear();
    this.#ended.clear();
  }

  /** Whether a text that was given is, to whoever looks at it, the one that was shown before. */
  #goesOn(
    uri: string,
    offered: Offered,
    { verified, others }: Pick<Visible, 'verified' | 'others'>,
  ): boolean {
    const before = this.#visible.get(uri);
    const next = before && continued(before, offered);
    if (!next) return false;
    const same = agrees(before, next);
    if (!same && (before.verified || !verified)) return false;
    if (!same) this.#tally.row(before.kind).swapped++;
    const stood = next.text.slice(0, next.text.length - offered.text.length);
    const all = others.map((text) => stood + text);
    this.#visible.set(uri, { ...before, ...next, verified: before.verified || verified, others: all });
    return true;
  }

  /** More, or less, of a text stands in the document. */
  #advance(uri: string, before: Visible, next: Offered, change: Change): void {
    const { inserted, removed, offset } = change;
    // The end of a text may be brackets that editors close, which nobody types, nor do they change anything.
    const complete = next.typed === next.text.length || next.local === next.text;
    const isTyped = inserted === '' || this.#gathers || isKey(change);
    let seen: Visible = { ...before, ...next, unit: undefined };
    let unit: Unit | undefined;
    if (isTyped) {
      const byKey = before.byKey + (inserted === '' ? next.typed - before.typed : inserted.length);
      seen = { ...seen, byKey: Math.max(0, byKey) };
    } else {
      const { parts } = before;
      unit = unitOf(next.text, before.typed, next.typed);
      const followed = this.#follow(uri, seen, offset, inserted);
      const accepted = before.accepted + Math.max(0, inserted.length - removed);
      seen = { ...seen, accepted, followed };
      if (!complete) seen = { ...seen, unit, parts: { ...parts, [unit]: parts[unit] + 1 } };
    }
    if (!complete) {
      this.#visible.set(uri, seen);
      return;
    }
    const outcome = outcomeOf(seen, isTyped ? 'typed' : 'accepted');
    const as = isTyped ? 'typed' : 'accepted';
    this.#end(uri, { seen, outcome, last: change, as, unit: isInPart(seen) ? unit : undefined });
  }

  /** Has what was accepted looked for later, together with what was accepted of the same text before. */
  #follow(uri: string, { kind, followed, at, local }: Visible, start: number, inserted: string): Followed {
    const since = this.#parts.now();
    const end = start + inserted.length;
    if (!followed)
      return this.#persistence.follow({ uri, kind, since, text: inserted, place: { start, end } });
    const place = { start: followed.place.start, end };
    const text = local.slice(place.start - at, end - at);
    this.#persistence.extend(followed, { since, text, place });
    return followed;
  }

  /** What is shown in a document is left for something else. */
  #leave(uri: string): void {
    const seen = this.#visible.get(uri);
    if (!seen) return;
    this.#visible.delete(uri);
    this.#conclude(seen, outcomeOf(seen, 'ignored'));
  }

  /** A change ended a text; the editor may say yet that it was accepted. */
  #end(uri: string, ended: Omit<Ended, 'at'>): void {
    this.#visible.delete(uri);
    this.#ended.set(uri, { ...ended, at: this.#parts.now() });
  }

  #settle(uri: string): void {
    const ended = this.#ended.get(uri);
    if (!ended) return;
    this.#ended.delete(uri);
    const { seen, outcome, at, unit } = ended;
    const parts = unit ? { ...seen.parts, [unit]: seen.parts[unit] + 1 } : seen.parts;
    this.#conclude({ ...seen, parts }, outcome, { at });
  }

  /** @param read whether somebody has read it, however short the time was. */
  #conclude(seen: Visible, outcome: Outcome, { at = this.#parts.now(), read = false } = {}): void {
    const accepted = outcome === 'accepted' || outcome === 'acceptedInPart';
    if (!read && !accepted && at - seen.since < READ_MS) return;
    const row = this.#tally.row(seen.kind);
    row.shown++;
    row.outcomes[outcome]++;
    row.parts.word += seen.parts.word;
    row.parts.line += seen.parts.line;
    row.characters.shown += seen.text.length;
    row.characters.accepted += seen.accepted;
    row.characters.typed += seen.byKey;
  }
}

/** The text that was accepted of those that there were. */
function chosenOf(seen: Visible, index: number): Visible {
  const text = index === 0 ? undefined : seen.others[index - 1];
  if (text === undefined) return seen;
  const { unit, parts } = seen;
  // Where one text begins as the other does, the whole of it looked like a part.
  const whole = unit !== undefined && seen.typed === text.length;
  return { ...seen, text, parts: whole ? { ...parts, [unit]: parts[unit] - 1 } : parts };
}

function kindOf({ language, adapter }: Asked): Kind {
  return { language: languageOf(language), adapter };
}

function isInPart({ parts }: Visible): boolean {
  return parts.word + parts.line > 0;
}

/** Whoever accepted some of a text neither rejected nor ignored it. */
function outcomeOf(seen: Visible, otherwise: Outcome): Outcome {
  return isInPart(seen) ? 'acceptedInPart' : otherwise;
}
