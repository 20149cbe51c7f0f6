/**
 * Pure: finds strings, comments and brackets by a {@link Syntax}. Whatever the text is, it does not throw, takes time in
 * proportion to its length, and where it was wrong it is right again some lines later.
 */
import { EMBEDDED, type Literal, type Syntax } from './languages.ts';

/** Something that was opened and is not closed yet. */
export interface Frame {
  readonly kind: 'bracket' | 'hole' | 'string' | 'comment' | 'tag' | 'embedded';
  /** What ends it. A line comment has the line end, which does not belong to it. */
  readonly close: string;
  /** Where its opener begins, in the text in which it was found. */
  readonly at: number;
  /** How a string goes on. */
  readonly literal: Literal | undefined;
  /** Of a tag, and of the tag that embeds. */
  readonly name: string | undefined;
}

/** A place where something is opened or closed. */
export interface Mark {
  /** `stray`: a closing bracket that closes nothing. */
  readonly kind: 'open' | 'close' | 'stray';
  readonly at: number;
  readonly text: string;
  /** What is opened or closed; undefined for a stray. */
  readonly frame: Frame | undefined;
}

export interface Lexed {
  /** What is open at the end, the outermost first. */
  readonly frames: readonly Frame[];
  /** In the order of the text. */
  readonly marks: readonly Mark[];
}

const NEWLINE = 10;
const APOSTROPHE = 39;
const SLASH = 47;
const LESS = 60;
const BACKSLASH = 92;
/** Strings of one line that may be without an end on it before nothing more is expected of the line. */
const BROKEN = 4;
const CHARACTER = /'(?:\\[^\n]{1,9}?|[^'\\\n]{1,2})'/uy;
/** What stands before an apostrophe that begins a string though it follows a letter: prefixes and keywords. */
const BEFORE_STRING =
  /(?:^|[^\p{L}\p{N}_$])(?:[rbfulRBFUL]|u8|[rR][bB]|[bB][rR]|[fF][rR]|[rR][fF]|return|case|typeof|in|of|else|default|import|from|export|print|echo|and|or|not|is|if|when|await|yield|throw|then|do)$/u;
/** What stands before a regular expression; behind a value, `/` divides. */
const BEFORE_REGEX =
  /(?:^|[=(,:[!&|?{};+\-*%~^>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw))$/u;
const WORD_BEFORE = /[\p{L}\p{N}_$]$/u;

/** Goes through `text`, at the beginning of which `from` is open. */
export function lex(text: string, syntax: Syntax, from: readonly Frame[] = []): Lexed {
  const frames: Frame[] = [...from];
  const marks: Mark[] = [];
  /** For each frame that was opened here, how many marks there were before it. */
  const marksBefore = from.map(() => -1);
  let inner = innerSyntax(frames, syntax);
  let starts = startsOf(inner);
  let holes = holesIn(frames);
  let at = 0;
  let broken = 0;
  const end = endOfEmbedded(text, from);

  const enter = (
    kind: Frame['kind'],
    close: string,
    length: number,
    literal?: Literal,
    name?: string,
  ): void => {
    // One shape of object for all of them: there is one for every tenth character.
    const frame = { kind, close, at, literal, name };
    marksBefore[frames.length] = marks.length;
    frames.push(frame);
    marks.push({ kind: 'open', at, text: text.slice(at, at + length), frame });
    at += length;
    if (kind === 'hole') holes++;
  };
  const drop = (index: number): void => {
    frames.length = index;
    if (holes > 0) holes = holesIn(frames);
  };
  const leave = (index: number, length: number): void => {
    marks.push({ kind: 'close', at, text: text.slice(at, at + length), frame: frames[index]! });
    drop(index);
    at += length;
  };
  /** Forgets the string at `index`, which has no end on its line: its quote was none. */
  const disown = (index: number): void => {
    const { at: openedAt, literal } = frames[index]!;
    const before = marksBefore[index]!;
    drop(index);
    if (before === -1) return;
    marks.length = before;
    broken++;
    const lineEnd = text.indexOf('\n', at);
    at = broken <= BROKEN ? openedAt + literal!.open.length : lineEnd === -1 ? end : lineEnd;
  };

  const inString = ({ literal }: Frame): void => {
    const { close, multiline, escape, hole } = literal!;
    const last = close.charCodeAt(0);
    const holeStart = hole === undefined ? -1 : hole.charCodeAt(0);
    while ((at = nextStop(text, at, end, last, holeStart)) < end) {
      const unit = text.charCodeAt(at);
      if (unit === NEWLINE && multiline !== true) {
        disown(frames.length - 1);
        return;
      }
      if (unit === holeStart && text.startsWith(hole!, at)) {
        enter('hole', hole!.endsWith('(') ? ')' : '}', hole!.length);
        return;
      }
      if (unit === BACKSLASH && escape === 'backslash') at++;
      else if (unit === last && text.startsWith(close, at)) {
        if (escape !== 'double' || !text.startsWith(close, at + close.length)) {
          leave(frames.length - 1, close.length);
          return;
        }
        at += close.length;
      }
      at++;
    }
    at = Math.min(at, end);
  };

  const inComment = ({ close }: Frame): void => {
    const found = text.indexOf(close, at);
    at = found === -1 ? end : found;
    if (found !== -1) leave(frames.length - 1, close === '\n' ? 0 : close.length);
  };

  const closeBracket = (): void => {
    const bracket = text[at]!;
    for (let index = frames.length - 1; index >= 0; index--) {
      const { kind, close } = frames[index]!;
      if (kind !== 'bracket' && kind !== 'hole') break;
      if (close === bracket) {
        leave(index, 1);
        return;
      }
    }
    marks.push({ kind: 'stray', at, text: bracket, frame: undefined });
    at++;
  };

  const inCode = (unit: number, { comments, literals, closer }: Start): void => {
    for (const { open, close } of comments) {
      if (text.startsWith(open, at) && (close !== '\n' || beginsComment(text, at))) {
        enter('comment', close, open.length);
        return;
      }
    }
    if (unit === NEWLINE) {
      broken = 0;
      // Code in a string goes no further than the string may.
      if (holes > 0) {
        const index = frames.findIndex(
          ({ kind, literal }) => kind === 'string' && literal!.multiline !== true,
        );
        if (index !== -1) drop(index);
      }
      at++;
      return;
    }
    if (unit === APOSTROPHE && inner.characters === true) {
      CHARACTER.lastIndex = at;
      at = CHARACTER.test(text) ? CHARACTER.lastIndex : at + 1;
      return;
    }
    const literal = literals.length === 0 ? undefined : literalAt(text, at, literals, inner.raw);
    if (literal) enter('string', literal.close, literal.open.length, literal);
    else if (closer === '') closeBracket();
    else if (closer !== undefined) enter('bracket', closer, 1);
    else at = unit === SLASH && inner.regex === true ? afterRegex(text, at) : at + 1;
  };

  const inMarkup = (unit: number, { comments, literals }: Start): void => {
    const top = frames.at(-1);
    if (top?.kind === 'tag') {
      const literal = literals.length === 0 ? undefined : literalAt(text, at, literals);
      if (literal) {
        enter('string', literal.close, 1, literal);
        return;
      }
      if (text[at] === '>') {
        const closed = text[at - 1] === '/';
        leave(frames.length - 1, 1);
        const name = top.name ?? '';
        if (closed || !Object.hasOwn(EMBEDDED, name)) return;
        const close = `</${name}`;
        const found = text.indexOf(close, at);
        // What is embedded and whole says nothing of what follows.
        if (found !== -1) at = found;
        else enter('embedded', close, 0, undefined, name);
        return;
      }
      if (unit === LESS) frames.pop();
    }
    if (unit !== LESS) {
      at++;
      return;
    }
    for (const { open, close } of comments) {
      if (text.startsWith(open, at)) {
        enter('comment', close, open.length);
        return;
      }
    }
    const name = /^<\/?([A-Za-z][\w-]*)/u.exec(text.slice(at, at + 32));
    if (name) enter('tag', '>', name[0].length, undefined, name[0][1] === '/' ? '' : name[1]!);
    else at++;
  };

  while (at < end) {
    const top = frames.at(-1);
    if (top?.kind === 'string') {
      inString(top);
      continue;
    }
    if (top?.kind === 'comment') {
      inComment(top);
      continue;
    }
    at = nextStart(text, at, end, starts);
    if (at === end) break;
    const unit = text.charCodeAt(at);
    const start = starts[unit]!;
    if (inner.blocks !== 'tags') inCode(unit, start);
    else inMarkup(unit, start);
    if (syntax.blocks === 'tags') {
      inner = innerSyntax(frames, syntax);
      starts = startsOf(inner);
    }
  }
  return { frames, marks };
}

/** The first place from `at` on where something may begin, or `end`. */
function nextStart(text: string, at: number, end: number, starts: Starts): number {
  for (let index = at; index < end; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 128 && starts[unit] !== undefined) return index;
  }
  return end;
}

/** The first place from `at` on where a string may end, or `end`. */
function nextStop(text: string, at: number, end: number, close: number, hole: number): number {
  for (let index = at; index < end; index++) {
    const unit = text.charCodeAt(index);
    if (unit === close || unit === NEWLINE || unit === BACKSLASH || unit === hole) return index;
  }
  return end;
}

function holesIn(frames: readonly Frame[]): number {
  return frames.filter(({ kind }) => kind === 'hole').length;
}

/** The syntax of what is embedded where something is; nothing but markup embeds. */
function innerSyntax(frames: readonly Frame[], syntax: Syntax): Syntax {
  if (syntax.blocks !== 'tags') return syntax;
  const embedded = frames.findLast(({ kind }) => kind === 'embedded');
  return embedded ? EMBEDDED[embedded.name!]! : syntax;
}

/** Where the language ends that is embedded at the beginning of `text`, or `text` does. */
function endOfEmbedded(text: string, from: readonly Frame[]): number {
  const embedded = from.findLast(({ kind }) => kind === 'embedded');
  const found = embedded ? text.indexOf(embedded.close) : -1;
  return found === -1 ? text.length : found;
}

/** What a code unit may begin. */
interface Start {
  readonly comments: readonly { readonly open: string; readonly close: string }[];
  readonly literals: readonly Literal[];
  /** Of an opening bracket, what closes it; empty for a closing one. */
  readonly closer: string | undefined;
}

type Starts = readonly (Start | undefined)[];
const STARTS = new WeakMap<Syntax, Starts>();

/** What each code unit below 128 may begin; all others are passed over. */
function startsOf(syntax: Syntax): Starts {
  let starts = STARTS.get(syntax);
  if (!starts) STARTS.set(syntax, (starts = Array.from({ length: 128 }, (_, unit) => startAt(syntax, unit))));
  return starts;
}

function startAt(
  { blocks, strings, lineComments, blockComments, brackets, characters, regex }: Syntax,
  unit: number,
) {
  const character = String.fromCharCode(unit);
  const begins = ({ open }: { readonly open: string }) => open.startsWith(character);
  const comments = [
    ...blockComments.map(([open, close]) => ({ open, close })),
    ...lineComments.map((open) => ({ open, close: '\n' })),
  ].filter(begins);
  const literals = strings.filter(begins);
  const bracket = brackets.indexOf(character);
  const closer = bracket === -1 ? undefined : bracket % 2 === 0 ? brackets[bracket + 1] : '';
  const others = `\n${characters === true ? "'" : ''}${regex === true ? '/' : ''}${blocks === 'tags' ? '<>' : ''}`;
  const any =
    comments.length > 0 || literals.length > 0 || closer !== undefined || others.includes(character);
  return any ? { comments, literals, closer } : undefined;
}

/** `#` begins no comment in `$#` and `a#b`, and `//` none in `https://`. */
function beginsComment(text: string, at: number): boolean {
  const before = text[at - 1] ?? '\n';
  if (text[at] === '#') return !/[\p{L}\p{N}_${&'"\\]/u.test(before);
  return !(text[at] === '/' && before === ':');
}

function literalAt(
  text: string,
  at: number,
  literals: readonly Literal[],
  raw?: Syntax['raw'],
): Literal | undefined {
  const literal = literals.find(({ open }) => text.startsWith(open, at));
  if (!literal) return undefined;
  if (literal.open !== "'" && !raw) return literal;
  const before = text.slice(Math.max(0, at - 12), at);
  if (literal.open === "'" && WORD_BEFORE.test(before) && !BEFORE_STRING.test(before)) return undefined;
  return (raw && rawLiteral(raw, before, text, at)) ?? literal;
}

function rawLiteral(
  raw: NonNullable<Syntax['raw']>,
  before: string,
  text: string,
  at: number,
): Literal | undefined {
  const whole = { open: '"', multiline: true, escape: 'none' } as const;
  switch (raw) {
    case 'rust': {
      const [, hashes] = /(?:^|\W)[bc]?r(#*)$/u.exec(before) ?? [];
      return hashes === undefined ? undefined : { ...whole, close: `"${hashes}` };
    }
    case 'cpp': {
      const [, delimiter] = /R$/u.test(before)
        ? (/^"([^()\\\s]{0,16})\(/u.exec(text.slice(at, at + 20)) ?? [])
        : [];
      return delimiter === undefined ? undefined : { ...whole, close: `)${delimiter}"` };
    }
    case 'csharp':
      return /@\$?$/u.test(before) ? { ...whole, close: '"', escape: 'double' } : undefined;
  }
}

/** Behind the regular expression at `at`, or behind the slash where there is none. */
function afterRegex(text: string, at: number): number {
  if (text[at - 1] === '<' || text[at + 1] === '>') return at + 1;
  const before = text.slice(Math.max(0, at - 40), at).trimEnd();
  if (!BEFORE_REGEX.test(before) || (before === '' && at > 40)) return at + 1;
  let inClass = false;
  for (let index = at + 1; index < text.length; index++) {
    switch (text[index]) {
      case '\n':
        return at + 1;
      case '\\':
        index++;
        break;
      case '[':
        inClass = true;
        break;
      case ']':
        inClass = false;
        break;
      case '/':
        if (!inClass) return index + 1;
    }
  }
  return at + 1;
}
