import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wholeCharacter, windowAt } from '../../models/src/window.ts';

const ROOMY = { before: 1000, after: 1000 };

/** `║` marks the cursor. */
function at(marked: string, size = ROOMY) {
  const offset = marked.indexOf('║');
  return windowAt(marked.replace('║', ''), offset, size);
}

describe('windowAt', () => {
  it('splits at the cursor', () => assert.deepEqual(at('ab║cd'), { prefix: 'ab', suffix: 'cd' }));
  it('an empty file', () => assert.deepEqual(at('║'), { prefix: '', suffix: '' }));
  it('the end of the file', () => assert.deepEqual(at('ab║'), { prefix: 'ab', suffix: '' }));
  it('CRLF becomes LF for the models', () => {
    assert.deepEqual(at('a\r\n  ║b\r\nc'), { prefix: 'a\n  ', suffix: 'b\nc' });
  });
  it('tabs stay tabs', () =>
    assert.deepEqual(at('\tif (a) {\n\t\t║\n\t}'), { prefix: '\tif (a) {\n\t\t', suffix: '\n\t}' }));
  it('counts UTF-16 units and never tears a surrogate pair', () => {
    const text = 'a\u{1F600}b';
    assert.deepEqual(windowAt(text, 3, ROOMY), { prefix: 'a\u{1F600}', suffix: 'b' });
    assert.deepEqual(windowAt(text, 2, ROOMY), { prefix: 'a', suffix: '\u{1F600}b' });
    assert.equal(wholeCharacter(text, 2), 1);
    assert.equal(windowAt(text, 0, { before: 0, after: 2 }).suffix, 'a');
  });
  it('starts at a line start', () => {
    const lines = Array.from({ length: 400 }, (_, line) => `line ${line}\n`).join('');
    const { prefix } = windowAt(lines, lines.length, { before: 1000, after: 0 });
    assert.match(prefix, /^line \d+\n/u);
    assert.ok(prefix.length <= 1000 && prefix.length > 1000 - 512 - 10);
  });
  it('keeps its start while the user types, and moves it in steps', () => {
    const text = Array.from({ length: 600 }, (_, line) => `line ${line}\n`).join('');
    const starts = new Set<number>();
    for (let cursor = 2000; cursor < 4000; cursor++) {
      starts.add(cursor - windowAt(text, cursor, { before: 1000, after: 0 }).prefix.length);
    }
    assert.ok(starts.size > 1 && starts.size <= Math.ceil(2000 / 512) + 1, [...starts].join());
  });
  it('cuts a line that is longer than the window', () => {
    const { prefix } = windowAt('x'.repeat(5000), 5000, { before: 1000, after: 0 });
    assert.ok(prefix.length > 400 && prefix.length <= 1000, String(prefix.length));
  });
});
