import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeText, parsePlace, positionIn, UsageError } from '../../server/src/position.ts';

describe('FILE:LINE:COL', () => {
  it('reads a path with colons in it', () => {
    assert.deepEqual(parsePlace('C:\\a b.ts:3:14'), { file: 'C:\\a b.ts', line: 3, column: 14 });
  });
  for (const wrong of ['', 'a.ts', 'a.ts:3', 'a.ts:0:1', 'a.ts:1:0', 'a.ts:x:1', ':1:1', 'a.ts:-1:1']) {
    it(`refuses ${JSON.stringify(wrong)} in one sentence`, () => {
      assert.throws(
        () => parsePlace(wrong),
        (error) => error instanceof UsageError && /^Expected FILE:LINE:COL .*\.$/u.test(error.message),
      );
    });
  }
  it('finds the place, counting UTF-16 units', () => {
    const text = 'a\r\n\u{1F600}b\n';
    assert.deepEqual(positionIn(text, { file: 'f', line: 2, column: 4 }), { line: 1, character: 3 });
    assert.deepEqual(positionIn(text, { file: 'f', line: 3, column: 1 }), { line: 2, character: 0 });
    assert.deepEqual(positionIn('', { file: 'f', line: 1, column: 1 }), { line: 0, character: 0 });
  });
  it('says what the file has instead', () => {
    assert.throws(() => positionIn('a\nbc', { file: 'f.ts', line: 3, column: 1 }), {
      message: 'f.ts has 2 lines, so there is no line 3.',
    });
    assert.throws(() => positionIn('', { file: 'f.ts', line: 2, column: 1 }), {
      message: 'f.ts has 1 line, so there is no line 2.',
    });
    assert.throws(() => positionIn('a\r\nbc', { file: 'f.ts', line: 2, column: 4 }), {
      message: 'Line 2 of f.ts ends at column 3, so there is no column 4.',
    });
  });
  it('refuses bytes that are not UTF-8', () => {
    assert.equal(decodeText(Buffer.from('é'), 'f'), 'é');
    assert.throws(() => decodeText(Buffer.from([0xc3, 0x28]), 'f.ts'), {
      message: 'f.ts is not UTF-8 text, so nothing can be completed in it.',
    });
  });
});
