import { lookUp } from '@foretype/models';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

describe('lookUp', () => {
  const text = [1, 2, 3, 4, 9, 2, 3, 5, 9, 8, 2, 3];
  it('takes the longest match', () => {
    assert.deepEqual(lookUp([[7, 1, 2, 3, 6], text], [0, 1, 2, 3], 2), { length: 3, tokens: [4, 9] });
  });
  it('takes the latest among equals, of the nearest text', () => {
    assert.deepEqual(lookUp([text], [6, 2, 3], 3), { length: 2, tokens: [5, 9, 8] });
    assert.deepEqual(
      lookUp(
        [
          [2, 3, 7],
          [2, 3, 6, 0, 0],
        ],
        [2, 3],
        1,
      ),
      { length: 2, tokens: [6] },
    );
    assert.deepEqual(
      lookUp(
        [
          [2, 3, 7],
          [0, 0],
        ],
        [2, 3],
        1,
      ),
      { length: 2, tokens: [7] },
    );
  });
  it('does not take the end of the context for a match', () =>
    assert.equal(lookUp([[4, 5, 6]], [4, 5, 6], 4), undefined));
  it('gives nothing below two tokens', () => assert.equal(lookUp([[3, 4, 0, 3, 5]], [1, 3], 4), undefined));
  it('looks at eight tokens at most', () => {
    const long = Array.from({ length: 20 }, (_, index) => index);
    assert.equal(lookUp([long], long.slice(0, 15), 1)!.length, 8);
  });
  it('finds what a plain search finds', () => {
    const tokens = fc.array(fc.nat(2), { maxLength: 30 });
    fc.assert(
      fc.property(tokens, tokens, (far, near) => {
        let expected;
        for (let length = Math.min(8, near.length); length >= 2 && !expected; length--) {
          const wanted = near.slice(-length).join();
          for (const from of [near, far]) {
            for (let end = from.length - 1; end >= length && !expected; end--) {
              if (from.slice(end - length, end).join() === wanted)
                expected = { length, tokens: from.slice(end, end + 4) };
            }
          }
        }
        assert.deepEqual(lookUp([far, near], near, 4), expected);
      }),
    );
  });
});
