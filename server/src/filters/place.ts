/** Pure: where something is completed, and what of the document around it is looked at. */
import { toLineFeeds } from '@foretype/models';
import type { Cursor } from '../anchor.ts';
import { syntaxOf, type Syntax } from './languages.ts';
import { lex, type Frame } from './lexer.ts';

/** A cursor in a document. Line ends are `\n`; megabytes are fine, only what is near the cursor is looked at. */
export interface Place {
  readonly before: string;
  readonly after: string;
  /** The editor's id of the language, as VS Code names them. */
  readonly language: string;
  /** See `Cursor.wholeWord`. */
  readonly wholeWord?: boolean;
}

/** UTF-16 code units that are looked at before and after the cursor: some hundreds of lines, and a few screens. */
const BEFORE = 6000;
const AFTER = 3000;
/** The same in the line of the cursor; a longer one was not written by hand. */
const LINE = 2000;

/** What is known of a place. */
export interface Site {
  readonly syntax: Syntax;
  /** The cursor's line before and after the cursor. */
  readonly head: string;
  readonly tail: string;
  /** The lines before the cursor's, the nearest last, and those after it. */
  readonly above: readonly string[];
  readonly below: readonly string[];
  /** What is open at the cursor, the outermost first. Offsets are in `near`. */
  readonly frames: readonly Frame[];
  /** The string or comment that the cursor is in. */
  readonly literal: Frame | undefined;
  /** What was looked at before the cursor. */
  readonly near: string;
  /** What was looked at after the cursor. */
  readonly next: string;
  /** There is more before `near`, so that something open there is not known. */
  readonly cut: boolean;
  /** Nothing may go on with the word before the cursor. */
  readonly wholeWord: boolean;
}

/** The place at a UTF-16 `offset` of `text`, with any line ends. Takes no longer in a large document. */
export function placeAt(text: string, offset: number, language: string): Place {
  return {
    // More than is looked at, so that it is seen that there is more.
    before: toLineFeeds(text.slice(Math.max(0, offset - 2 * BEFORE), offset)),
    after: toLineFeeds(text.slice(offset, offset + 2 * AFTER)),
    language,
  };
}

const PLACES = new WeakMap<Cursor, Place>();

/** The place of a cursor; found once, since several ask about the same. */
export function placeOf(cursor: Cursor, language: string): Place {
  const known = PLACES.get(cursor);
  if (known?.language === language) return known;
  const { text, offset, wholeWord = false } = cursor;
  const place = { ...placeAt(text, offset, language), wholeWord };
  PLACES.set(cursor, place);
  return place;
}

const SITES = new WeakMap<Place, Site>();

/** What is known of `place`; found out once. */
export function siteOf(place: Place): Site {
  let site = SITES.get(place);
  if (!site) SITES.set(place, (site = observe(place)));
  return site;
}

function observe({ before, after, language, wholeWord = false }: Place): Site {
  const syntax = syntaxOf(language);
  const { near, cut } = windowBefore(before);
  const next = after.slice(0, AFTER);
  const lines = near.split('\n');
  const [tail, ...below] = next.split('\n');
  const frames = cut ? framesFromAnywhere(near, syntax) : lex(near, syntax).frames;
  const top = frames.at(-1);
  return {
    syntax,
    head: lines.pop()!.slice(-LINE),
    tail: tail!.slice(0, LINE),
    above: lines,
    below,
    frames,
    literal: top?.kind === 'string' || top?.kind === 'comment' ? top : undefined,
    near,
    next,
    cut,
    wholeWord,
  };
}

/** The last lines of `before`. */
function windowBefore(before: string): { near: string; cut: boolean } {
  if (before.length <= BEFORE) return { near: before, cut: false };
  const near = before.slice(-BEFORE);
  return { near: near.slice(near.indexOf('\n') + 1), cut: true };
}

/** What is open at the end of a text that begins anywhere, perhaps in a string or a comment. */
function framesFromAnywhere(near: string, syntax: Syntax): readonly Frame[] {
  for (const [open, close] of syntax.blockComments) {
    const end = near.indexOf(close);
    const begin = near.indexOf(open);
    if (end === -1 || (begin !== -1 && begin < end)) continue;
    const start = end + close.length;
    return lex(near.slice(start), syntax).frames.map((frame) => ({ ...frame, at: frame.at + start }));
  }
  const lexed = lex(near, syntax);
  const literal = syntax.strings.find(({ multiline, open, close }) => multiline === true && open === close);
  let evidence = 0;
  for (const { kind, at, frame } of literal ? lexed.marks : []) {
    const opening = frame?.literal === literal ? opensString(near, at, literal!.open.length) : undefined;
    if (opening !== undefined) evidence += opening === (kind === 'open') ? 1 : -1;
  }
  if (!literal || evidence >= 0) return lexed.frames;
  return lex(near, syntax, [{ kind: 'string', close: literal.close, at: 0, literal, name: undefined }])
    .frames;
}

/** What stands before quotes that open a string, where a letter follows; its prefix may come between. */
const BEFORE_OPENING = /(?:^|[\n=(,:[{+>?| ]|return)[rbfuRBFUL]{0,2}$/u;
/** What stands before quotes that close one. */
const BEFORE_CLOSING = /[\p{L}\p{N}][.!?)]?$/u;

/** Whether the quotes at `at` open a string, by what stands around them; undefined where that may be either. */
export function opensString(text: string, at: number, length: number): boolean | undefined {
  const before = text.slice(Math.max(0, at - 80), at);
  const follows = text[at + length] ?? '\n';
  const prefixed = /(?:^|[^\p{L}\p{N}_])[rbfuRBFUL]{1,2}$/u.test(before);
  if (!prefixed && BEFORE_CLOSING.test(before) && /[\s),;.\]}]/u.test(follows)) return false;
  if (BEFORE_OPENING.test(before) && /[\p{L}\p{N}<\\$]/u.test(follows)) return true;
  if (length < 3) return undefined;
  // Long quotes begin a line with the text behind them, or end one with the text in the next.
  const begins = /(?:^|\n)[^\S\n]*$/u.test(before);
  const opening = begins ? /[^\s),;.\]}%]/u.test(follows) : /\s$/u.test(before) && follows === '\n';
  return opening ? true : undefined;
}
