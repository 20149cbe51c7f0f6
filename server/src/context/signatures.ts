/** Pure: the lines of a file that tell what others can use of it. By their shape: nothing is parsed. */

export type Language = 'script' | 'python' | 'c';

/** Lines taken of a file, of one declaration, and of a list of parameters. */
const MOST_LINES = 48;
const MOST_OF_BODY = 16;
const MOST_OF_HEAD = 6;
/** UTF-16 code units of a line beyond which it is data. */
const MOST_CHARACTERS = 200;

interface Shapes {
  /** A line that declares something others can use. */
  readonly head: RegExp;
  /** One whose body tells what it is, not what it does. */
  readonly shape: RegExp;
  /** One whose members are declared one level deeper, and such a member. */
  readonly holder: RegExp;
  readonly member: RegExp;
}

const SHAPES: Readonly<Record<Language, Shapes>> = {
  script: {
    head: /^(?:export\s+(?:default\s+)?(?:(?:declare|abstract|async)\s+)*(?:function|class|interface|type|enum|const|let|var|namespace)\b|(?:module\.)?exports\b.*=)/u,
    shape: /^export\s+(?:declare\s+)?(?:const\s+)?(?:interface|type|enum)\b/u,
    holder: /^export\b.*\bclass\b/u,
    member: /^(?!private\b|if\b|for\b|while\b|switch\b|return\b)[\w$].*[(:=]/u,
  },
  python: {
    head: /^(?:(?:async\s+)?def\s|class\s|[A-Za-z]\w*\s*(?::[^=]+)?=[^=])/u,
    shape: /^class\s.*\b(?:Enum|Protocol|TypedDict|NamedTuple)\b/u,
    holder: /^class\s/u,
    member: /^(?:(?:async\s+)?def\s+(?:[a-z]|__init__|__call__)|\w+\s*:)/u,
  },
  c: {
    // Not a definition that only this file has, and no statement.
    head: /^(?!static\b|return\b|else\b|using\b|namespace\b)(?:#\s*define\s+\w+\(|(?:typedef|struct|union|enum|class|extern|template)\b|[A-Za-z_][\w:<>,*&\s]*[\s*&][\w:]+\s*\()/u,
    shape: /^(?:typedef\s+)?(?:struct|union|enum)\b[^;(]*$/u,
    holder: /^class\b[^;]*$/u,
    member: /^(?!private\b|protected\b)[\w~].*[(;]/u,
  },
};

export function signaturesIn(lines: readonly string[], language: Language): string[] {
  const { head, shape, holder, member } = SHAPES[language];
  const taken: string[] = [];
  for (let at = 0; at < lines.length && taken.length < MOST_LINES; at++) {
    const line = lines[at]!;
    // Length first: what no line bounds may take a pattern long.
    if (line.length > MOST_CHARACTERS || !head.test(line)) continue;
    const end = endOfHead(lines, at);
    taken.push(...lines.slice(at, end));
    const body = bodyAfter(lines, end);
    if (shape.test(line)) taken.push(...body.slice(0, MOST_OF_BODY));
    else if (holder.test(line)) taken.push(...membersOf(body, member).slice(0, MOST_OF_BODY));
    at = end - 1;
  }
  return taken.slice(0, MOST_LINES).map((line) => line.trimEnd());
}

/** The line after the one on which the parentheses that were opened are closed. */
function endOfHead(lines: readonly string[], start: number): number {
  let open = 0;
  for (let at = start; at < Math.min(lines.length, start + MOST_OF_HEAD); at++) {
    for (const character of lines[at]!) open += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (open <= 0) return at + 1;
  }
  return start + 1;
}

/** What is indented after a head, with the line that closes it. */
function bodyAfter(lines: readonly string[], start: number): readonly string[] {
  // A head that ended on its line has none.
  if (/[;,]\s*$/u.test(lines[start - 1]!)) return [];
  let end = start;
  while (end < lines.length && /^(?:\s|$)/u.test(lines[end]!)) end++;
  return lines
    .slice(start, /^[})\]]/u.test(lines[end] ?? '') ? end + 1 : end)
    .filter((line) => line.trim() !== '');
}

/** The members in a body: lines that are indented as its first one is. What stands in them is left out. */
function membersOf(body: readonly string[], member: RegExp): string[] {
  const indentation = /^\s*/u.exec(body[0] ?? '')![0];
  return body.filter((line) => {
    const rest = line.slice(indentation.length);
    return line.startsWith(indentation) && line.length <= MOST_CHARACTERS && member.test(rest);
  });
}
