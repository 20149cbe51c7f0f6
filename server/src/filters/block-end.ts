/** Pure: where a completion of several lines ends. */
import { announcesBlock, openedIn } from './blocks.ts';
import { closersIn } from './closers.ts';
import { lex, type Frame } from './lexer.ts';
import { columnsOf, indentationOf, isBlank, lineStarts } from './lines.ts';
import { siteOf, type Place, type Site } from './place.ts';

/** The most lines of one completion: what is read at a glance. */
export const BLOCK_LINES = 12;

/** A line of the text, and what is known at its end. */
interface Line {
  readonly text: string;
  /** Where it ends in the whole text, its line end not counted. */
  readonly end: number;
  readonly column: number;
  /** It begins in a string or comment that the text opened: its column means nothing. */
  readonly inLiteral: boolean;
  /** How much of what the text opened is open at the end of the line. */
  readonly open: number;
}

/**
 * Where the block ends that `text` begins at `place`, as an offset in `text`: behind the line that closes it, before one
 * that stands further to the left, at a blank line behind a whole statement, or after `most` lines.
 * @returns undefined where the end is not in it yet: more may be written.
 */
export function blockEnds(text: string, place: Place, most = BLOCK_LINES): number | undefined {
  const site = siteOf(place);
  const first = /\S/u.exec(text)?.index;
  if (first === undefined) return undefined;
  if (site.literal) return lineEndAfter(text, first);
  const lines = linesOf(text, site);
  const start = lines.findIndex((line) => !isBlank(line.text));
  const here = start === 0;
  // A header stands on the cursor's line, whose block ends at its column; or the text has its own beginning.
  const header = !isBlank(site.head) && (here || opensBelow(site));
  const base = here
    ? columnsOf(isBlank(site.head) ? site.head + text : site.head)
    : header
      ? columnsOf(site.head)
      : lines[start]!.column;
  const inside = !header && isInside(site);
  let compound = false;
  for (let index = start; index < lines.length; index++) {
    const line = lines[index]!;
    const before = lines[index - 1];
    const whole = index < lines.length - 1;
    if (isBlank(line.text)) {
      if (whole && !header && before!.open === 0 && !line.inLiteral) return before!.end;
      continue;
    }
    if (index > start || (header && !here)) {
      const decided = line.inLiteral
        ? 'on'
        : boundary(line, { text, site, header, base, inside, compound, open: before?.open ?? 0 });
      // A word that may become `else`, or an end, is not known before it is whole.
      if (decided === 'before' && !whole && /^\s*(?:\p{L}+|<\/?)$/u.test(line.text)) return undefined;
      if (decided === 'before') return endBefore(lines, index);
      if (decided === 'behind' && !whole) return undefined;
      if (decided === 'behind' && line.open === 0) return line.end;
      compound ||= line.column > base;
    }
    compound ||= line.open > 0;
    if (index - start + 1 >= most && whole) return line.end;
  }
  return undefined;
}

interface Context {
  readonly text: string;
  readonly site: Site;
  readonly header: boolean;
  readonly base: number;
  readonly inside: boolean;
  readonly compound: boolean;
  /** What of the text is open before the line. */
  readonly open: number;
}

/** Whether the block ends before `line`, behind it, or goes on. */
function boundary(line: Line, context: Context): 'before' | 'behind' | 'on' {
  const { site, header, base, inside, compound, open } = context;
  const { syntax } = site;
  if (line.column > base) return 'on';
  const closer = /^\s*([)\]}])/u.exec(line.text)?.[1];
  const ends = closer !== undefined || syntax.ender?.test(line.text) === true;
  if (ends) {
    const itsOwn = !header && open === 0 && line.column === base && compound;
    return !itsOwn && closesAgain(line, closer, context) ? 'before' : 'behind';
  }
  if (syntax.chained?.test(line.text) === true) {
    const next = site.below.find((other) => !isBlank(other)) ?? '';
    return syntax.chained.test(next) && columnsOf(next) === line.column ? 'before' : 'on';
  }
  if (open > 0 || (syntax.blocks === 'braces' && /^\s*[{#]/u.test(line.text))) return 'on';
  if (line.column < base || header) return 'before';
  return compound && !inside ? 'before' : 'on';
}

/** Whether a closing line closes what the document closes below, or has in the next line already. */
function closesAgain(line: Line, closer: string | undefined, { open, site, text }: Context): boolean {
  if (open > 0) return false;
  if (closer !== undefined) {
    const at = line.end - line.text.length + indentationOf(line.text).length;
    return closersIn(text.slice(0, at + 1), site).some((found) => found.at === at && !found.needed);
  }
  const next = site.below.find((other) => !isBlank(other));
  return next !== undefined && next.trim() === line.text.trim() && columnsOf(next) === line.column;
}

/** The end of the last line before `index` that has something on it. */
function endBefore(lines: readonly Line[], index: number): number {
  for (let last = index - 1; last >= 0; last--) if (!isBlank(lines[last]!.text)) return lines[last]!.end;
  return 0;
}

/** Whether the cursor's line opens a block that begins in the next. */
function opensBelow(site: Site): boolean {
  const start = site.near.length - site.head.length;
  return openedIn(site.frames, start, site.near.length).length > 0 || announcesBlock(site.head, site);
}

/** Whether the cursor stands in a block that was just opened, where one statement may follow the other. */
function isInside(site: Site): boolean {
  const last = site.above.findLast((line) => !isBlank(line));
  return last !== undefined && (/[{([:]\s*$/u.test(last) || announcesBlock(last, site));
}

function lineEndAfter(text: string, at: number): number | undefined {
  const end = text.indexOf('\n', at);
  return end === -1 ? undefined : end;
}

function linesOf(text: string, site: Site): Line[] {
  const { marks } = lex(text, site.syntax, site.frames);
  const texts = text.split('\n');
  const open: Frame[] = [];
  let next = 0;
  return lineStarts(text).map((start, index) => {
    const end = start + texts[index]!.length;
    const top = open.at(-1);
    const inLiteral = top?.kind === 'string' || top?.kind === 'comment';
    for (; next < marks.length && marks[next]!.at < end; next++) {
      const { kind, frame } = marks[next]!;
      if (kind === 'open' && frame!.close !== '\n') open.push(frame!);
      const closed = kind === 'close' ? open.indexOf(frame!) : -1;
      if (closed !== -1) open.length = closed;
    }
    return { text: texts[index]!, end, column: columnsOf(texts[index]!), inLiteral, open: open.length };
  });
}
