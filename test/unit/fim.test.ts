import { fimPrompt, fitParts } from '@foretype/models';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

const tokens = { prefix: 3, suffix: 4, middle: 5 };
const parts = { prefix: [10, 11], suffix: [20] };

describe('fimPrompt', () => {
  it('suffix first: typing only appends', () => {
    assert.deepEqual(fimPrompt({ ...tokens, order: 'suffix-first' }, parts, 1), [1, 4, 20, 3, 10, 11, 5]);
  });
  it('prefix first', () => {
    assert.deepEqual(fimPrompt({ ...tokens, order: 'prefix-first' }, parts, 1), [1, 3, 10, 11, 4, 20, 5]);
  });
  it('an empty file, and a model without a beginning token', () => {
    assert.deepEqual(fimPrompt({ ...tokens, order: 'suffix-first' }, { prefix: [], suffix: [] }), [4, 3, 5]);
  });
});

describe('fitParts', () => {
  it('keeps what is nearest the cursor, within the budget, and wastes none of it', () => {
    const numbers = fc.array(fc.nat(), { maxLength: 60 });
    fc.assert(
      fc.property(
        numbers,
        numbers,
        fc.nat(80),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (prefix, suffix, budget, share) => {
          const fitted = fitParts({ prefix, suffix }, budget, share);
          const used = fitted.prefix.length + fitted.suffix.length;
          assert.equal(used, Math.min(budget, prefix.length + suffix.length));
          assert.deepEqual(fitted.prefix, prefix.slice(prefix.length - fitted.prefix.length));
          assert.deepEqual(fitted.suffix, suffix.slice(0, fitted.suffix.length));
        },
      ),
    );
  });
  it('gives the suffix its share when both are long', () => {
    const long = Array.from({ length: 100 }, (_, index) => index);
    const fitted = fitParts({ prefix: long, suffix: long }, 40, 0.25);
    assert.deepEqual([fitted.prefix.length, fitted.suffix.length], [30, 10]);
  });
});
