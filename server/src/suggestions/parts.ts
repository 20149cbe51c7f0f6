import type { Cursor } from '../anchor.ts';
import type { Candidate } from '../completion.ts';
import type { DocumentPlace, Explanation } from '../protocol.ts';
import type { Scope } from './cache.ts';
import type { Typing } from './pause.ts';

/** What suggestions are made of. */
export interface SuggestionsParts {
  /** Makes the texts of a place: a draft, then the target's own. */
  readonly make: (work: Work, signal: AbortSignal) => AsyncIterable<Candidate>;
  /** What may be shown of a text at a place. */
  readonly cut: (text: string, request: Pick<SuggestionRequest, 'cursor' | 'language'>) => Cut;
  readonly scope: (uri: string) => Scope;
  /** Whether anybody could verify a draft now. */
  readonly verifies: () => boolean;
  readonly typing: () => Pick<Typing, 'draftMs' | 'power'>;
  /** Told that the target says something else than what was answered for a place, and that the place is still current. */
  readonly onVerified: (place: DocumentPlace) => void;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** A completion to be made. */
export interface Work {
  readonly cursor: Cursor;
  /** Identifier of the document's language. */
  readonly language: string;
  /** Somebody types, or asked for it by a key and waits for the target, or may want it later. */
  readonly purpose: 'typing' | 'asked' | 'ahead';
}

/** What is to be shown, see `filtered`, and in sentences what is not. */
export interface Cut {
  readonly text: string;
  readonly replaces: number;
  readonly losses: readonly string[];
}

export interface SuggestionRequest extends DocumentPlace {
  readonly cursor: Cursor;
  readonly language: string;
  /** Asked for by a key: whoever does so waits for the target. */
  readonly explicit: boolean;
  readonly refused?: Refusal | undefined;
}

/** Why nothing is to be made for a request. */
export interface Refusal {
  /** One sentence. */
  readonly message: string;
  /** Whether a text that was asked for by a key stays while it is typed all the same. */
  readonly stays: boolean;
}

/** A text to be shown. */
export interface Offered {
  /** What comes after the cursor, line ends as `\n`. */
  readonly text: string;
  /** UTF-16 code units after the cursor that are in the text, too. */
  readonly replaces: number;
}

export interface Suggestion extends Offered {
  readonly given: Exclude<Explanation['given'], 'silent'>;
  /** Other texts for the place, to choose from; only for who asked by a key. */
  readonly others: readonly Offered[];
}
