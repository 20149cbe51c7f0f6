/** Documents by lines, against the language server library's, which keep one string. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Position, TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { OpenDocument, withLineFeeds } from '../../server/src/open-document.ts';

const uri = 'file:///a.ts';
const position = fc.record({ line: fc.nat(8), character: fc.nat(12) });
const range = fc.tuple(position, position).map(([a, b]) => {
  const ordered = a.line < b.line || (a.line === b.line && a.character <= b.character);
  return ordered ? { start: a, end: b } : { start: b, end: a };
});
const pieces = (...ends: string[]) =>
  fc
    .array(fc.constantFrom('a', 'bc', '\t', '😀', '', ...ends), { maxLength: 12 })
    .map((parts) => parts.join(''));
const change = (...ends: string[]) => {
  const text = pieces(...ends);
  return fc.oneof(
    { weight: 8, arbitrary: fc.record({ range, text }) },
    { weight: 1, arbitrary: fc.record({ text }) },
  );
};

/** The library loses count of lines where a range is beyond the last one. */
function within(
  document: TextDocument,
  drawn: TextDocumentContentChangeEvent,
): TextDocumentContentChangeEvent {
  if (!('range' in drawn)) return drawn;
  const last = document.lineCount - 1;
  const inside = (at: Position) => (at.line > last ? document.positionAt(document.getText().length) : at);
  return { ...drawn, range: { start: inside(drawn.range.start), end: inside(drawn.range.end) } };
}

describe('an open document', () => {
  for (const [name, end] of [
    ['line feeds', '\n'],
    ['CRLF', '\r\n'],
    ['carriage returns', '\r'],
  ] as const)
    it(`says what the library's says after any changes, with ${name}`, () => {
      fc.assert(
        fc.property(
          pieces(end),
          fc.array(change(end), { maxLength: 8 }),
          position,
          (text, changes, place) => {
            let reference = TextDocument.create(uri, 'typescript', 1, text);
            let document = OpenDocument.of(uri, 'typescript', 1, text);
            for (const [at, drawn] of changes.entries()) {
              const one = within(reference, drawn);
              reference = TextDocument.update(reference, [one], at + 2);
              document = document.changed(one, at + 2);
            }
            const expected = withLineFeeds(reference.getText());
            assert.equal(document.text, expected);
            assert.equal(document.length, expected.length);
            assert.equal(document.lineCount, reference.lineCount);
            assert.equal(document.version, changes.length + 1);
            const before = reference.getText({ start: { line: 0, character: 0 }, end: place });
            // Their last line end belongs to the line before.
            const line = Math.min(place.line, reference.lineCount - 1);
            const offset = line < place.line ? expected.length : withLineFeeds(before).length;
            assert.equal(document.offsetAt(place), offset);
            assert.equal(document.slice(0, offset), expected.slice(0, offset));
            assert.equal(document.lineStartAt(offset), expected.slice(0, offset).lastIndexOf('\n') + 1);
          },
        ),
        { numRuns: 500 },
      );
    });

  it('stays as it was when it is changed', () => {
    const before = OpenDocument.of(uri, 'typescript', 1, 'one\ntwo');
    const after = before.changed({ text: 'three' }, 2);
    assert.deepEqual([before.text, before.version], ['one\ntwo', 1]);
    assert.deepEqual([after.text, after.version, after.languageId], ['three', 2, 'typescript']);
  });

  it('ends lines as its first line does, and as the first one that is typed', () => {
    const of = (text: string) => OpenDocument.of(uri, 'typescript', 1, text);
    const start = { line: 0, character: 0 };
    assert.equal(of('a').lineEnd, '\n');
    assert.equal(of('a\r\nb\nc').lineEnd, '\r\n');
    const end = { line: 0, character: 1 };
    assert.equal(of('a').changed({ range: { start: end, end }, text: '\r\n' }, 2).lineEnd, '\r\n');
    assert.equal(of('a\r\nb').changed({ range: { start: end, end }, text: 'x' }, 2).lineEnd, '\r\n');
    // VS Code sends the whole text when the line ends are changed.
    const whole = { start, end: { line: 1, character: 1 } };
    assert.equal(of('a\r\nb').changed({ range: whole, text: 'a\nb' }, 2).lineEnd, '\n');
  });

  it('takes places that no document has for the nearest', () => {
    const document = OpenDocument.of(uri, 'typescript', 1, 'one\ntwo');
    const at = (line: number, character: number) => document.offsetAt({ line, character });
    assert.deepEqual([at(-1, 5), at(0, -1), at(0, 99), at(1, 1), at(2, 0)], [0, 0, 3, 5, 7]);
    const reversed = { start: { line: 1, character: 1 }, end: { line: 0, character: 1 } };
    assert.deepEqual(document.extentOf(reversed), { start: 1, end: 5 });
  });
});
