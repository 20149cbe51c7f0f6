import { fimPrompt, fitParts } from '@foretype/models';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

const tokens = { prefix: 3, suffix: 4, middle: 5 };
const parts = { prefix: [10, 11], suffix: [20] };

describe('fimPrompt', () => {
  it('joined: typing only appends', () => {
    assert.deepEqual(fimPrompt({ ...tokens, order: 'joined' }, parts, 1), [1, 4, 20, 5, 10, 11]);
  });
  it('suffix first', () => {
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
  const numbers = (maxLength: number) => fc.array(fc.nat(), { maxLength });

  it('keeps what is nearest the cursor, within the budget, and leaves at most two steps of it unused', () => {
    fc.assert(
      fc.property(
        numbers(600),
        numbers(600),
        fc.nat(400),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (prefix, suffix, budget, share) => {
          const fitted = fitParts({ prefix, suffix }, budget, share);
          const used = fitted.prefix.length + fitted.suffix.length;
          assert.ok(used <= budget);
          assert.ok(used > Math.min(budget, prefix.length + suffix.length) - 128);
          assert.deepEqual(fitted.prefix, prefix.slice(prefix.length - fitted.prefix.length));
          assert.deepEqual(fitted.suffix, suffix.slice(0, fitted.suffix.length));
        },
      ),
    );
  });

  it('takes all of it where there is room', () => {
    assert.deepEqual(fitParts({ prefix: [1, 2], suffix: [3] }, 200, 0.25), { prefix: [1, 2], suffix: [3] });
  });

  it('moves its front and its suffix in steps, not with each typed token', () => {
    const suffix = Array.from({ length: 300 }, (_, index) => index);
    const changes = { front: 0, suffix: 0 };
    let last = fitParts({ prefix: [], suffix }, 400, 0.25);
    for (let typed = 1; typed <= 640; typed++) {
      const prefix = Array.from({ length: typed }, (_, index) => index);
      const now = fitParts({ prefix, suffix }, 400, 0.25);
      if (typed > 1 && now.prefix[0] !== last.prefix[0]) changes.front++;
      if (now.suffix.length !== last.suffix.length) changes.suffix++;
      last = now;
    }
    assert.ok(changes.front > 0 && changes.front <= 640 / 64, JSON.stringify(changes));
    assert.ok(changes.suffix > 0 && changes.suffix <= 400 / 64, JSON.stringify(changes));
  });
});
