/** Strings, comments and brackets by language; `«` and `»` stand around what must be a string or a comment. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { syntaxOf } from '../../server/src/filters/languages.ts';
import { lex } from '../../server/src/filters/lexer.ts';

/** The text with marks around its strings and comments. */
function marked(text: string, language: string): string {
  const { marks } = lex(text, syntaxOf(language));
  const places = marks
    .filter(({ kind, frame }) => kind !== 'stray' && (frame!.kind === 'string' || frame!.kind === 'comment'))
    .map(({ kind, at, text: { length } }) => ({
      at: kind === 'open' ? at : at + length,
      mark: kind === 'open' ? '«' : '»',
    }));
  return places.toReversed().reduce((all, { at, mark }) => all.slice(0, at) + mark + all.slice(at), text);
}

/** What is open at the end, by what would close it. */
const openAt = (text: string, language: string) =>
  lex(text, syntaxOf(language))
    .frames.map(({ close }) => close)
    .join(' ');

const LITERALS: readonly [language: string, marked: string][] = [
  ['typescript', 'a = «"x\\"y"» + «\'z\'»; «// it\'s»\nb'],
  ['typescript', 'a = «`one ${two({ three: «`four`» })} five`»;'],
  ['typescript', 'a = /["\'`]/g; b = 4 / 2; c = «"d"» / 2;'],
  ['typescript', 'return /[/"]/.test(«"a"»)'],
  ['typescript', 'see https://example.org «/* a */» b'],
  ['typescriptreact', "<p>Don't {say(«'it'»)}</p>"],
  ['typescriptreact', '<br /> a «"b"»'],
  ['javascript', 'a = "no end\nb = «"c"»'],
  ['javascript', "case«'a'»: b"],
  ['python', 'a = «"""one\n"two" \'three\'\n"""»; b = f«\'c\'»  «# don\'t»\n'],
  ['python', "a = «'it\\'s'»; b = rb«'c'»"],
  ['rust', 'fn f<\'a>(x: &\'a str) { «"b"»; \'"\'; r#«"c"d"#» }'],
  ['c', "a = '\"'; b = '\\''; «/* ' */» c = 1'000'000; «\"d\"»"],
  ['cpp', 'a = R«"x(one " two)x"»; b = «"c"»;'],
  ['csharp', 'a = @«"one ""two"" \\"»; b = «"c"»;'],
  ['java', 'a = «"""\n  one "two"\n  """»; «// b»\n'],
  ['go', 'a := «`one\n"two"`»; b := \'"\' «// c»\n'],
  ['kotlin', 'a = «"one ${two(«"three"»)} four"»'],
  ['swift', 'a = «"one \\(two(«"three"»)) four"»'],
  ['ruby', 'a = «"one #{two[«"three"»]} four"» «# five»\n'],
  ['elixir', '@doc «"""\nIt "is".\n"""»\n«# b»\n'],
  ['lua', 'a = «[[one\n"two"]]» «-- three»\n«--[[ four\n]]» b'],
  ['shellscript', "a=$#; b=${#c} «# d's»\necho «'e'»"],
  ['sql', "select «'it''s'» «-- a»\n«/* ' */» b"],
  ['haskell', "f' x = 'a' «-- don't»\n«{- ' -}» g"],
  ['html', '<a href=«"b\'c"»>don\'t</a> «<!-- "d -->» <b>'],
  ['vue', '<script>\nconst a = "<b>";\n</script>\n<p title=«"c"»>it\'s</p>'],
  ['css', 'a { content: «"}"»; } «/* { */»'],
  ['yaml', "a: don't «# it's»\nb: «'c''d'»"],
  ['php', "$a = «'b'»; «# c»\n«// d»\n"],
  ['clojure', '(a «"b\nc"») «; d\'s»\n'],
  ['markdown', 'It\'s "prose" // and `this` too'],
];

const OPEN: readonly [language: string, text: string, open: string][] = [
  ['typescript', 'f(a, [b, {', ') ] }'],
  ['typescript', 'f(")", /[)]/, `}`', ')'],
  ['typescript', 'a(`${b(', ') ` } )'],
  ['typescript', 'f(x => { if (a) }', ')'],
  ['typescript', '// a (\n/* b (', '*/'],
  ['javascript', 'a = "b', '"'],
  ['python', 'a = """b\nc', '"""'],
  ['python', 'f(a,\n  b[', ') ]'],
  ['html', '<p><a href="b', '> "'],
  ['html', '<script>\nif (a) {', '</script }'],
  ['vue', '<style>\n.a {', '</style }'],
  ['shellscript', 'case a in\n  b) echo c ;;\n  *) f "$(g', '"'],
  ['markdown', 'a (b [c', ''],
  ['made-up', 'a (b "c', ''],
];

describe('the lexer', () => {
  for (const [language, expected] of LITERALS) {
    it(`finds what is text in ${language}: ${expected.replaceAll('\n', '⏎')}`, () =>
      assert.equal(marked(expected.replace(/[«»]/gu, ''), language), expected));
  }
  for (const [language, text, open] of OPEN) {
    it(`knows what is open in ${language} behind ${text.replaceAll('\n', '⏎')}`, () =>
      assert.equal(openAt(text, language), open));
  }

  it('tells what closes nothing', () => {
    const { marks } = lex('a) [b] } c', syntaxOf('typescript'));
    assert.deepEqual(
      marks.filter(({ kind }) => kind === 'stray').map(({ text }) => text),
      [')', '}'],
    );
  });

  it('goes on where another text ended', () => {
    const syntax = syntaxOf('typescript');
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', ' ', '(', ')', '{', '}', '`', '${', '"', '/* ', ' */', '\n')),
        fc.nat(),
        (parts, cut) => {
          const text = parts.join('');
          const at = cut % (text.length + 1);
          // A string without an end is no string only for who knows the rest of its line; so it is for a torn token.
          fc.pre(!/["/*$]/u.test(text));
          const first = lex(text.slice(0, at), syntax).frames;
          const both = lex(text.slice(at), syntax, first).frames.map(({ close }) => close);
          assert.deepEqual(
            both,
            lex(text, syntax).frames.map(({ close }) => close),
          );
        },
      ),
    );
  });

  it('takes any text, in any language', () => {
    const languages = fc.constantFrom(
      'typescript',
      'python',
      'rust',
      'cpp',
      'csharp',
      'html',
      'vue',
      'ruby',
      'lua',
      'shellscript',
      'markdown',
    );
    const pieces = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(
          '"',
          "'",
          '"""',
          '`',
          '${',
          '#{',
          '/*',
          '*/',
          '//',
          '(',
          '}',
          '\n',
          '\\',
          '<script>',
          '</',
          'r#"',
          '@"',
          'R"x(',
        ),
      ),
    );
    fc.assert(
      fc.property(pieces, languages, (parts, language) => {
        const text = parts.join('');
        for (const { at, text: found } of lex(text, syntaxOf(language)).marks)
          assert.equal(text.slice(at, at + found.length), found);
      }),
      { numRuns: 1000 },
    );
  });

  for (const [name, unit] of [
    ['quotes that never end', '"\\'],
    ['quotes of all kinds', `"'\``],
    ['openers', '({['],
    ['closers', ')}]'],
    ['slashes', '/'],
    ['holes', '`${'],
    ['comments', '/*'],
    ['tags', '<script '],
  ] as const) {
    it(`takes time in proportion to the text: ${name}`, () => {
      const time = (length: number) => {
        const text = unit.repeat(length / unit.length);
        const began = process.cpuUsage();
        for (const language of ['typescript', 'python', 'html', 'rust']) lex(text, syntaxOf(language));
        const { user, system } = process.cpuUsage(began);
        return (user + system) / 1000;
      };
      time(6000);
      // Sixteen times the text; in proportion to its square it would take 256 times as long.
      const small = Math.min(...[1, 2, 3].map(() => time(6000)));
      const most = 64 * Math.max(small, 2);
      // The least counts: what else the machine does only adds.
      let large = Infinity;
      for (let run = 0; run < 8 && large >= most; run++) large = Math.min(large, time(96_000));
      assert.ok(large < most, `${large} ms, where a sixteenth of it takes ${small}`);
    });
  }
});
