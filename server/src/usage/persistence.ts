/** What was accepted is looked for later: until then its text is held here, and its place follows the changes. */
import { USAGE_AGES } from '@foretype/edge-node/protocol';
import { moved, type Change, type Extent } from './change.ts';
import type { Kind } from './rows.ts';
import { shareKept } from './standing.ts';

/** Share of a text that still stands, from which on it counts as kept. */
export const KEPT = 0.67;
/** Bounds of what is held: texts, UTF-16 code units of one and of all together. What does not fit is never looked for. */
export const HELD = { texts: 256, units: 4096, all: 65_536 } as const;
/** Times as long as the text, and code units more, that its place may grow before most of it is something else. */
const GROWN = { times: 8, units: 2000 };

/** An age as reports name it. */
export type Age = `${(typeof USAGE_AGES)[number]}`;

/** An accepted text that is followed. */
export interface Followed {
  readonly uri: string;
  readonly kind: Kind;
  /** When it was accepted, in milliseconds. */
  since: number;
  text: string;
  place: Extent;
}

interface Held extends Followed {
  /** How many of {@link USAGE_AGES} it was looked for at. */
  looked: number;
}

export class Persistence {
  readonly #onLooked: (kind: Kind, age: Age, kept: boolean) => void;
  /** The oldest first. */
  #held: Held[] = [];

  constructor(onLooked: (kind: Kind, age: Age, kept: boolean) => void) {
    this.#onLooked = onLooked;
  }

  /** What is held, in UTF-16 code units of text. */
  get held(): { readonly texts: number; readonly units: number } {
    return { texts: this.#held.length, units: this.#held.reduce((sum, { text }) => sum + text.length, 0) };
  }

  /** Follows an accepted text; as long as more of it is accepted, what is returned may be extended. */
  follow(accepted: Followed): Followed {
    const held: Held = { ...accepted, looked: 0 };
    this.#held.push(held);
    this.#bound();
    return held;
  }

  /** More of a text was accepted, right behind what was before. */
  extend(followed: Followed, { since, text, place }: Pick<Followed, 'since' | 'text' | 'place'>): void {
    Object.assign(followed, { since, text, place });
    this.#bound();
  }

  /** Whether anything in a document, or in any, is to be looked for now. */
  isDue(now: number, uri?: string): boolean {
    return this.#held.some(
      (held) => (uri === undefined || held.uri === uri) && ageOf(held) <= now - held.since,
    );
  }

  /**
   * Looks for what is due: before the next change, since until then all is as it was at the time. Texts of documents that
   * are not there any more are let go.
   */
  look(now: number, textOf: (uri: string) => string | undefined): void {
    for (const held of this.#held) {
      while (ageOf(held) <= now - held.since) {
        const document = textOf(held.uri);
        const kept = document !== undefined && stands(held, document);
        if (document === undefined) held.looked = USAGE_AGES.length;
        else this.#onLooked(held.kind, `${USAGE_AGES[held.looked++]!}` as const, kept);
      }
    }
    this.#held = this.#held.filter(({ looked }) => looked < USAGE_AGES.length);
  }

  changed(uri: string, change: Change): void {
    for (const held of this.#held) if (held.uri === uri) held.place = moved(held.place, change);
  }

  /** A document is gone, and nobody sees any more what becomes of its text. */
  closed(uri: string): void {
    this.#held = this.#held.filter((held) => held.uri !== uri);
  }

  forget(): void {
    this.#held = [];
  }

  #bound(): void {
    for (const held of this.#held) {
      if (held.text.length <= HELD.units) continue;
      held.text = held.text.slice(0, HELD.units);
      held.place = { ...held.place, end: held.place.start + HELD.units };
    }
    while (this.held.texts > HELD.texts || this.held.units > HELD.all) this.#held.shift();
  }
}

/** Milliseconds at which a text is to be looked for next. */
function ageOf({ looked }: Held): number {
  return (USAGE_AGES[looked] ?? Infinity) * 1000;
}

function stands({ text, place: { start, end } }: Held, document: string): boolean {
  if (end - start > text.length * GROWN.times + GROWN.units) return false;
  return shareKept(text, document.slice(start, end)) >= KEPT;
}
