/** Pure: brackets, quotes and ends of comments that close what is closed already, or what was never opened. */
import { lex, type Frame, type Mark } from './lexer.ts';
import { columnsOf, cutAt, isBlank, lineStarts } from './lines.ts';
import { opensString, type Site } from './place.ts';

/** A place in a completion that closes something from before it, or nothing at all. */
export interface Closer {
  readonly at: number;
  readonly text: string;
  /** What it closes is open, and nothing after the cursor closes it. */
  readonly needed: boolean;
}

/**
 * The closers in `text` that close nothing of its own. `replaced` characters after the cursor are taken as gone. What the
 * text opens and leaves open is closed in place of what it closes.
 */
export function closersIn(text: string, site: Site, replaced = 0): Closer[] {
  const { syntax, frames, cut } = site;
  if (syntax.brackets === '' && frames.length === 0) return [];
  const lexed = lex(text, syntax, frames);
  const outside = lexed.marks.filter((mark) => closesOutside(mark, frames));
  if (outside.length === 0) return [];
  const { missing, keyOf, loose } = missingClosers(site, replaced);
  const reopened = countOf(lexed.frames.filter((frame) => !frames.includes(frame)).map(({ close }) => close));
  return outside.map(({ at, text: closer, frame }) => {
    const key = frame && keyOf(frame);
    const total = [...missing].reduce(
      (sum, [other, count]) => sum + (other.startsWith(`${closer} `) ? count : 0),
      0,
    );
    let needed = key !== undefined && (missing.get(key) ?? 0) > 0 && total > (loose.get(closer) ?? 0);
    if (needed) missing.set(key!, missing.get(key!)! - 1);
    else if ((reopened.get(closer) ?? 0) > 0) {
      reopened.set(closer, reopened.get(closer)! - 1);
      needed = true;
    }
    // What was opened before everything that was looked at is not known.
    return { at, text: closer, needed: needed || (!frame && (cut || closer === syntax.unopened)) };
  });
}

/** `text` up to the first closer that is not needed. */
export function withoutStrayClosers(text: string, site: Site, replaced: number): string {
  const stray = closersIn(text, site, replaced).find(({ needed }) => !needed);
  return stray ? cutAt(text, stray.at) : text;
}

interface Missing {
  /** How many of what is open at the cursor are not closed after it, by closer and column. */
  readonly missing: Map<string, number>;
  readonly keyOf: (frame: Frame) => string;
  /** Closers after the cursor of which it cannot be said what they close. */
  readonly loose: ReadonlyMap<string, number>;
}

function missingClosers(site: Site, replaced: number): Missing {
  const { frames, literal, syntax, next, near, cut } = site;
  const keyOf = ({ close, at }: Frame) => `${close} ${columnOf(near, at)}`;
  const open = frames.filter(({ kind, close }) => kind !== 'embedded' && close !== '\n');
  const missing = countOf(open.map(keyOf));
  const loose = new Map<string, number>();
  const closed = (key: string | undefined) => {
    if (key !== undefined) missing.set(key, missing.get(key)! - 1);
  };
  const isLeft = (frame: Frame) => missing.get(keyOf(frame))! > 0;
  const after = next.slice(replaced);
  const starts = lineStarts(after);
  const from = literal && !isClosedIn(after, literal, site) ? frames.slice(0, -1) : frames;
  let line = 0;
  for (const mark of lex(after, syntax, from).marks) {
    while (line + 1 < starts.length && starts[line + 1]! <= mark.at) line++;
    if (!closesOutside(mark, frames)) continue;
    const { text, at, frame } = mark;
    const before = after.slice(starts[line], at);
    if (frame?.kind === 'string' || frame?.kind === 'comment') {
      // From a hole that nothing closes on its line, the next string would be taken for the end of this one.
      if (line > 0 && !literal) break;
      closed(keyOf(frame));
    } else if (line === 0) {
      const innermost = open.findLast((other) => other.close === text && isLeft(other));
      closed(innermost && keyOf(innermost));
    } else if (/^[\s)\]}]*$/u.test(before)) {
      // Where it stands says what it closes; one that stands elsewhere may be a mistake, of the lexer or of the user.
      const column = columnsOf(before);
      const key = `${text} ${column}`;
      // A namespace may have begun before everything that was looked at.
      const unknown = cut && column === 0 && syntax.flat === true;
      closed((missing.get(key) ?? 0) > 0 && !unknown ? key : undefined);
    } else if (!cut && text !== syntax.unopened) loose.set(text, (loose.get(text) ?? 0) + 1);
  }
  return { missing, keyOf, loose };
}

function countOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Lines that are code and not the text of a string. */
const CODE =
  /^\s*(?:(?:async\s+)?def \w+\(|class \w|import \w|from \S+ import\b|@\w|[\w.]+ = |(?:const|let|var|function|export) )/mu;

/** Whether `after` goes on in the string or comment and ends it, and does not begin another one. */
function isClosedIn(after: string, { kind, close, at, literal }: Frame, { syntax, near }: Site): boolean {
  const end = after.indexOf(close);
  if (end === -1) return false;
  const between = after.slice(0, end);
  const opener = literal?.open ?? syntax.blockComments.find(([, closer]) => closer === close)?.[0];
  if (opener !== close) return opener === undefined || !between.includes(opener);
  const opening = opensString(after, end, close.length);
  if (opening !== undefined || !between.includes('\n')) return opening !== true;
  // The next quotes may be those of the next string: between them and these there is code then.
  if (kind !== 'string' || close.length < 3 || CODE.test(between)) return false;
  const column = columnOf(near, at);
  return between
    .split('\n')
    .slice(1, -1)
    .every((line) => isBlank(line) || columnsOf(line) >= column);
}

/** Whether `mark` closes one of `frames` or nothing at all, and not what was opened behind the cursor. */
function closesOutside({ kind, text, frame }: Mark, frames: readonly Frame[]): boolean {
  return text !== '' && (kind === 'stray' || (kind === 'close' && frames.includes(frame!)));
}

/** The indentation of the line at `at`, in columns. */
function columnOf(text: string, at: number): number {
  return columnsOf(text.slice(text.lastIndexOf('\n', at - 1) + 1));
}
