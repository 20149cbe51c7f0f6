/** Pure: which lines open a block, and whether there is something in it. */
import { columnsOf, isBlank } from './lines.ts';
import { lex, type Frame } from './lexer.ts';
import type { Site } from './place.ts';

/** UTF-16 code units of a line that may announce a block. */
const LONGEST = 300;
const CLASS = /\b(?:class|interface|struct|enum|record|object|trait|protocol|extension|impl)\b/u;
const OPENING_TAG = /(?:^|[\s(>}])<[A-Za-z][\w.]*(?:\s[^<>]*)?(?<![/=-])>\s*$/u;
/** A function of C, at the top of a file: a type, a name, and parentheses that end the line. */
const C_FUNCTION =
  /^(?!(?:return|else|if|for|while|switch|new|throw|delete|typedef|using)\b)[\w:*&<>,~[\] ]*[\w>*&\]]\s+[*&]*[\w:~]+\s*\(\)\s*(?:const|noexcept|override)?\s*$/u;

/** Whether `line` announces a block by its words or tags; brackets that it leaves open are not seen here. */
export function announcesBlock(line: string, { syntax, frames, near }: Site): boolean {
  if (line.length > LONGEST) return false;
  const bare = bareLine(line, syntax);
  if (isBlank(bare)) return false;
  if (syntax.header?.test(bare) === true) return true;
  if (syntax.blocks !== 'braces' || /[;,=]\s*$/u.test(bare)) return false;
  if (syntax.regex === true && OPENING_TAG.test(line)) return true;
  if (!/\)\s*(?::[^;{}]*|->[^;{}]*|const|throws [^;{}]*)?$/u.test(line)) return false;
  const brace = frames.findLast(({ kind }) => kind === 'bracket');
  if (!brace) return C_FUNCTION.test(bare);
  return brace.close === '}' && CLASS.test(lineAt(near, brace.at)) && /^\s*[^.]*$/u.test(bare);
}

/** `line` without comments, and with nothing in its brackets. */
function bareLine(line: string, syntax: Site['syntax']): string {
  let bare = line;
  for (const { kind, at, frame } of lex(line, syntax).marks.toReversed()) {
    if (kind === 'open' && frame?.kind === 'comment') bare = bare.slice(0, at);
  }
  for (let last = ''; last !== bare;) {
    last = bare;
    bare = bare.replace(
      /\([^()[\]{}]+\)|\[[^()[\]{}]+\]|\{[^()[\]{}]+\}/gu,
      (group) => group[0]! + group.at(-1)!,
    );
  }
  return syntax.blocks === 'braces' || syntax.blocks === 'indentation' ? withoutPairs(bare, syntax) : bare;
}

/** Empty pairs go too where a header is told from a call by what stands outside them. */
function withoutPairs(bare: string, { blocks }: Site['syntax']): string {
  return blocks === 'indentation'
    ? bare.replace(/\(\)|\[\]|\{\}/gu, '')
    : bare.replace(/(?<=\b(?:if|for|foreach|while|switch|catch|synchronized|lock|await)\s*)\(\)/u, '');
}

/** Whether the line of an opener has nothing below it that is indented deeper: its block is still to be written. */
export function isEmptyBelow(opener: string, { below }: Pick<Site, 'below'>): boolean {
  const next = below.find((line) => !isBlank(line));
  if (next === undefined) return true;
  return columnsOf(next) <= columnsOf(opener) && !next.trimStart().startsWith('{');
}

/** Brackets of `frames` that were opened between `start` and `end`. */
export function openedIn(frames: readonly Frame[], start: number, end: number): Frame[] {
  return frames.filter(({ kind, at }) => kind === 'bracket' && at >= start && at < end);
}

export function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, end === -1 ? text.length : end);
}
