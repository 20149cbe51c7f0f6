import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenDocument } from '../../server/src/open-document.ts';
import { placed } from '../../server/src/placed.ts';
import { positionAt } from '../bench/editor/strokes.ts';

const uri = 'file:///a.ts';
/** A document in which `|` stands for the cursor, and its place there. */
function at(marked: string, selected?: Parameters<typeof placed>[2]) {
  const offset = marked.indexOf('|');
  const document = OpenDocument.of(uri, 'typescript', 1, marked.replace('|', ''));
  return placed(document, positionAt(marked, offset), selected);
}

const around = ({ text, offset }: { text: string; offset: number }) =>
  `${text.slice(0, offset)}|${text.slice(offset)}`;
const suggestion = (text: string, replaces = 0) => ({ text, replaces });

describe('a place in a document', () => {
  it('has line feeds, and an item that replaces from the start of the line with the document’s line ends', () => {
    const { cursor, itemOf } = at('one\r\n  tw|)\r\nthree');
    assert.equal(around(cursor), 'one\n  tw|)\nthree');
    assert.deepEqual(itemOf(suggestion('o(\n)', 1), 'line'), {
      insertText: '  two(\r\n)',
      filterText: '  two(\r\n)',
      range: { start: { line: 1, character: 0 }, end: { line: 1, character: 5 } },
      command: { command: 'foretype.accepted', title: 'Completion accepted', arguments: [uri, 0] },
    });
    assert.deepEqual(itemOf(suggestion('o'), 'line', 1)!.command!.arguments, [uri, 1]);
  });

  it('goes on from what the editor’s own list would insert', () => {
    const range = { start: { line: 0, character: 2 }, end: { line: 0, character: 5 } };
    const { cursor, itemOf } = at('a.for|;', { text: 'forEach', range });
    assert.equal(around(cursor), 'a.forEach|;');
    assert.equal(cursor.wholeWord, true);
    assert.equal(itemOf(suggestion('(x)'), 'line')!.insertText, 'a.forEach(x)');
    assert.deepEqual(itemOf(suggestion('(x)'), 'line')!.range, {
      start: { line: 0, character: 0 },
      end: { line: 0, character: 5 },
    });
  });

  it('is looked at as far as a prompt may go, in whole lines, with a beginning that stays from key to key', () => {
    const line = 'const value = compute(another, one);\r\n';
    const lines = (count: number) => line.repeat(count);
    const before = lines(20_000);
    const one = at(`${before}x|\r\n${lines(20_000)}`).cursor;
    const two = at(`${before}xy|\r\n${lines(20_000)}`).cursor;
    assert.ok(one.offset > 24_000 && one.offset < 33_000, String(one.offset));
    assert.ok(one.text.startsWith('const'));
    assert.ok(!one.text.includes('\r'));
    assert.equal(two.text.slice(0, one.offset), one.text.slice(0, one.offset));
    assert.equal(two.offset, one.offset + 1);
    const whole = at(`${lines(10)}|`).cursor;
    assert.equal(whole.text, lines(10).replaceAll('\r\n', '\n'));
  });

  it('costs the same in a document of any length', () => {
    const line = 'const value = compute(another, one);\r\n';
    const cost = (count: number) => {
      const document = OpenDocument.of(uri, 'typescript', 1, line.repeat(count));
      const position = { line: count - 1000, character: 3 };
      placed(document, position, undefined);
      const times = Array.from({ length: 20 }, () => {
        const started = performance.now();
        placed(document, position, undefined);
        return performance.now() - started;
      });
      return Math.min(...times);
    };
    const short = cost(6_000);
    const long = cost(200_000);
    assert.ok(long < 3 * short + 0.5, `${long} ms in a long one, ${short} ms in a short one`);
  });
});
