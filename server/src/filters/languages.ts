/** Pure: what has to be known of a language to find its strings, comments, brackets and blocks. A table, no parser. */

/** A kind of string. */
export interface Literal {
  readonly open: string;
  readonly close: string;
  /**
   * Whether it goes on over the end of a line. One that may but rarely does is taken to end there: a quote that is none
   * would else turn the rest of the text inside out.
   */
  readonly multiline: boolean | 'rarely';
  /** How its own end may stand in it: behind a backslash, written twice, or not at all. */
  readonly escape: 'backslash' | 'double' | 'none';
  /** Begins code in the string, which ends at the bracket that belongs to the last character of this. */
  readonly hole?: string;
}

export interface Syntax {
  /**
   * What encloses a block: braces, its indentation, words such as `do` and `end`, tags; nothing in prose, of which only
   * the lines are known.
   */
  readonly blocks: 'braces' | 'indentation' | 'words' | 'tags' | 'none';
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [open: string, close: string])[];
  /** The longest opener first. */
  readonly strings: readonly Literal[];
  /** Opening and closing brackets in pairs. */
  readonly brackets: string;
  /** Has blocks whose content stands in the same column: namespaces. */
  readonly flat?: boolean;
  /** A closing bracket that may close nothing, as behind the pattern of a shell's `case`. */
  readonly unopened?: string;
  /** `'` encloses one character, and is nothing where it does not: `'a` may be a lifetime. */
  readonly characters?: boolean;
  /** `/` may begin a regular expression. */
  readonly regex?: boolean;
  /** Has raw strings whose end depends on their beginning. */
  readonly raw?: 'rust' | 'cpp' | 'csharp';
  /**
   * A line that announces a block, whether or not a bracket opens it there: `else`, `def f():`. It is matched with the line
   * without comments, and without what is in brackets.
   */
  readonly header?: RegExp;
  /** How a line begins that ends a block, beside closing brackets. */
  readonly ender?: RegExp;
  /** How a line begins that goes on with a block instead of ending it. */
  readonly chained?: RegExp;
}

const ALL = '()[]{}';

function quoted(open: string, options: Partial<Literal> = {}): Literal {
  return { open, close: open, multiline: open.length === 3, escape: 'backslash', ...options };
}

const DOUBLE = quoted('"');
const SINGLE = quoted("'");
/** What may go on in the next line, and rarely does. */
const LOOSE = [quoted('"', { multiline: 'rarely' }), quoted("'", { multiline: 'rarely' })];
const TEMPLATE = quoted('`', { hole: '${', multiline: true });
const LONG_DOUBLE = quoted('"""');
const LONG_SINGLE = quoted("'''");

const MODIFIER =
  '(?:export|default|public|private|protected|internal|static|final|abstract|async|pub|unsafe|extern|open|override|virtual|inline|constexpr|suspend|sealed|data|declare|readonly|partial|const)';
const DECLARED =
  'class|interface|enum|struct|union|trait|namespace|module|mod|record|object|extension|protocol|message|service|impl|package';
const FUNCTIONS = 'function|func|fn|fun|constructor';
/** Where a condition stands in parentheses, and what comes behind them would be the statement itself. */
const BRACED_HEADER = new RegExp(
  `^\\s*(?:\\}\\s*)?(?:(?:${MODIFIER}\\s+)*(?:(?:${DECLARED})\\s[^;=]*|(?:${FUNCTIONS})\\b[^;={]*)|(?:else\\s+)?if\\s*|for(?:\\s+await)?\\s*|(?:foreach|while|switch|catch|synchronized|lock)\\s*|(?:else|try|do|finally)\\s*)$`,
  'u',
);
/** Where it stands without, up to the brace. */
const BARE_HEADER = new RegExp(
  `^\\s*(?:\\}\\s*)?(?:(?:${MODIFIER}\\s+)*(?:${DECLARED}|${FUNCTIONS}|type\\s+\\w+\\s+(?:struct|interface))\\b[^;={]*|(?:(?:else\\s+)?if|for|while|switch|match|guard|loop|select|unsafe|else|do|catch|defer|repeat)\\b[^;{]*)$`,
  'u',
);
const INDENTED_HEADER =
  /^\s*(?:(?:async\s+)?(?:def|for|with)\s|class\s|if\b|elif\b|while\b|match\s|case\s|(?:else|try|finally)\s*:?\s*$|except\b)[^:]*:?\s*$/u;

const BRACES: Syntax = {
  blocks: 'braces',
  lineComments: ['//'],
  blockComments: [['/*', '*/']],
  strings: [DOUBLE, SINGLE],
  brackets: ALL,
  header: BRACED_HEADER,
  chained: /^\s*\}?\s*(?:else|catch|finally)\b/u,
};
const C: Syntax = { ...BRACES, strings: [DOUBLE], characters: true };
const NAMESPACES: Syntax = { ...C, flat: true };
const SCRIPT: Syntax = { ...BRACES, strings: [TEMPLATE, DOUBLE, SINGLE], regex: true };
const LONG_STRINGS: Syntax = {
  ...C,
  strings: [quoted('"""', { hole: '${', escape: 'none' }), quoted('"', { hole: '${' })],
};
const HASHED: Syntax = { ...BRACES, lineComments: ['#'], blockComments: [], strings: LOOSE };
const INDENTED: Syntax = {
  blocks: 'indentation',
  lineComments: ['#'],
  blockComments: [],
  strings: [LONG_DOUBLE, LONG_SINGLE, DOUBLE, SINGLE],
  brackets: ALL,
  header: INDENTED_HEADER,
  chained: /^\s*(?:else|elif|except|finally|case)\b/u,
};
const WORDS: Syntax = {
  blocks: 'words',
  lineComments: ['#'],
  blockComments: [],
  strings: LOOSE,
  brackets: ALL,
  header:
    /^\s*(?:(?:local\s+)?function\b|def\b|defp\b|defmodule\b|class\s|module\s|begin\s*$|if\b|unless\b|while\b|until\b|for\b|foreach\b|case\b|elsif\b|elif\b|elseif\b|else\s*$|repeat\s*$|rescue\b|ensure\s*$|when\b|struct\b|macro\b)(?!.*\b(?:end|fi|done)\s*$)|\b(?:do|then)(?:\s*\|[^|]*\|)?\s*$|\bfunction\s*\([^)]*\)\s*$|[-=]>\s*$/u,
  ender: /^\s*(?:end|fi|done|esac|until|END|endif|endforeach|endfunction|endmacro|endwhile)\b/u,
  chained: /^\s*(?:else|elsif|elif|elseif|rescue|ensure|when|catch)\b/u,
};
const MARKUP: Syntax = {
  blocks: 'tags',
  lineComments: [],
  blockComments: [['<!--', '-->']],
  strings: [quoted('"', { escape: 'none' }), quoted("'", { escape: 'none' })],
  brackets: '',
  header:
    /<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)[A-Za-z][^<>]*(?<!\/)>\s*$/u,
  ender: /^\s*<\//u,
};
const LISP: Syntax = {
  ...INDENTED,
  lineComments: [';'],
  strings: [quoted('"', { multiline: true })],
  header: /^$/u,
};
/** Only what is true of all prose and of every language that is not known: nothing but lines. */
const PROSE: Syntax = { blocks: 'none', lineComments: [], blockComments: [], strings: [], brackets: '' };

const BY_LANGUAGE: Readonly<Record<string, Syntax>> = {
  ...table(SCRIPT, 'javascript javascriptreact typescript typescriptreact'),
  ...table(NAMESPACES, 'c objective-c objective-cpp glsl hlsl shaderlab cuda-cpp zig solidity'),
  ...table({ ...NAMESPACES, raw: 'cpp' }, 'cpp'),
  ...table(
    { ...NAMESPACES, raw: 'csharp', strings: [quoted('"""', { escape: 'none' }), DOUBLE] },
    'csharp razor',
  ),
  ...table(
    { ...C, raw: 'rust', header: BARE_HEADER, strings: [quoted('"', { multiline: 'rarely' })] },
    'rust',
  ),
  ...table(
    { ...C, header: BARE_HEADER, strings: [quoted('`', { escape: 'none', multiline: true }), DOUBLE] },
    'go',
  ),
  ...table(LONG_STRINGS, 'kotlin scala'),
  ...table({ ...C, strings: [LONG_DOUBLE, DOUBLE] }, 'java'),
  ...table(
    {
      ...BRACES,
      header: BARE_HEADER,
      strings: [quoted('"""', { hole: '\\(' }), quoted('"', { hole: '\\(' })],
    },
    'swift',
  ),
  ...table(
    {
      ...BRACES,
      strings: [LONG_DOUBLE, LONG_SINGLE, quoted('"', { hole: '${' }), quoted("'", { hole: '${' })],
    },
    'dart groovy',
  ),
  ...table({ ...BRACES, lineComments: ['//', '#'], strings: LOOSE }, 'php terraform hcl'),
  ...table({ ...BRACES, lineComments: [] }, 'css'),
  ...table(BRACES, 'scss less proto proto3 jsonnet'),
  ...table({ ...BRACES, strings: [DOUBLE] }, 'json jsonc json5 jsonl'),
  ...table({ ...HASHED, strings: [LONG_DOUBLE, DOUBLE] }, 'graphql'),
  ...table(HASHED, 'perl perl6 raku r nginx awk'),
  ...table({ ...HASHED, strings: [quoted("''", { multiline: true, escape: 'none' }), DOUBLE] }, 'nix'),
  ...table({ ...HASHED, blockComments: [['<#', '#>']] }, 'powershell'),
  ...table(INDENTED, 'python'),
  ...table({ ...INDENTED, blockComments: [['###', '###']], header: /(?:[-=]>|:|=)\s*$/u }, 'coffeescript'),
  ...table({ ...INDENTED, header: /[:=]\s*$/u, strings: [LONG_DOUBLE, DOUBLE], characters: true }, 'nim'),
  ...table(
    {
      ...INDENTED,
      strings: [LOOSE[0]!, quoted("'", { escape: 'double', multiline: 'rarely' })],
      header: /[:-]$/u,
    },
    'yaml dockercompose',
  ),
  ...table({ ...INDENTED, lineComments: ['//'], header: /^\s*[\w.#$&@-][^:;]*$/u }, 'sass stylus'),
  ...table({ ...INDENTED, lineComments: ['//-', '//'], header: /^\s*[\w.#+-][^ ]*\s*$/u }, 'jade pug'),
  ...table({ ...INDENTED, strings: [], brackets: '', header: /^[^\s#][^=]*:/u }, 'makefile'),
  ...table(
    {
      ...INDENTED,
      lineComments: ['--'],
      blockComments: [['{-', '-}']],
      strings: [LONG_DOUBLE, DOUBLE],
      characters: true,
      header: /(?:=|\bwhere|\bdo|\bof|\blet|\bin|->)\s*$/u,
    },
    'haskell elm purescript',
  ),
  ...table(
    {
      ...INDENTED,
      lineComments: ['//'],
      blockComments: [['(*', '*)']],
      strings: [LONG_DOUBLE, DOUBLE],
      characters: true,
      header: /(?:=|\bwith|\bthen|\bdo|->)\s*$/u,
    },
    'fsharp ocaml',
  ),
  ...table(
    {
      ...WORDS,
      unopened: ')',
      strings: [LOOSE[0]!, quoted("'", { escape: 'none', multiline: 'rarely' })],
    },
    'shellscript',
  ),
  ...table(
    {
      ...WORDS,
      blockComments: [['\n=begin', '\n=end']],
      strings: [quoted('"', { hole: '#{', multiline: 'rarely' }), LOOSE[1]!],
    },
    'ruby crystal',
  ),
  ...table({ ...WORDS, strings: [LONG_DOUBLE, quoted('"', { hole: '#{' }), SINGLE] }, 'elixir'),
  ...table(
    { ...WORDS, blockComments: [['#=', '=#']], strings: [LONG_DOUBLE, DOUBLE], characters: true },
    'julia',
  ),
  ...table(
    {
      ...WORDS,
      lineComments: ['--'],
      blockComments: [['--[[', ']]']],
      strings: [DOUBLE, SINGLE, quoted('[[', { close: ']]', multiline: true, escape: 'none' })],
    },
    'lua',
  ),
  ...table(
    {
      ...WORDS,
      lineComments: ['--'],
      blockComments: [['/*', '*/']],
      strings: [quoted("'", { escape: 'double', multiline: 'rarely' }), DOUBLE],
      header: /\b(?:BEGIN|begin|THEN|then)\s*$/u,
    },
    'sql',
  ),
  ...table({ ...WORDS, blockComments: [['#[[', ']]']], strings: [LOOSE[0]!] }, 'cmake'),
  ...table({ ...WORDS, lineComments: ['%'], strings: [DOUBLE], characters: true }, 'erlang matlab'),
  ...table(LISP, 'clojure lisp scheme racket'),
  ...table({ ...HASHED, blocks: 'none' }, 'toml dockerfile dotenv gitignore'),
  ...table({ ...PROSE, lineComments: ['#', ';'] }, 'ini properties'),
  ...table(MARKUP, 'html xml xsl vue svelte handlebars astro svg'),
};

function table(syntax: Syntax, languages: string): Record<string, Syntax> {
  return Object.fromEntries(languages.split(' ').map((language) => [language, syntax]));
}

/** What is embedded in markup: the tag, and what its content is written in. */
export const EMBEDDED: Readonly<Record<string, Syntax>> = { script: SCRIPT, style: BRACES };

/** By the language id of the editor, as VS Code names them; prose for one that is not known. */
export function syntaxOf(language: string): Syntax {
  return Object.hasOwn(BY_LANGUAGE, language) ? BY_LANGUAGE[language]! : PROSE;
}
