import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NgramModel } from '../../evaluation/src/ngram.ts';

describe('NgramModel', () => {
  const VOCABULARY = 7;
  it('gives a distribution after any context', () => {
    const tokens = fc.array(fc.nat(VOCABULARY - 1), { maxLength: 40 });
    fc.assert(
      fc.property(tokens, tokens, (learnt, context) => {
        const model = new NgramModel(3, VOCABULARY);
        model.learn(learnt);
        let sum = 0;
        for (let token = 0; token < VOCABULARY; token++) {
          const probability = model.probability(context, token);
          assert.ok(probability > 0);
          sum += probability;
        }
        assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
      }),
    );
  });
  it('follows the formula', () => {
    const model = new NgramModel(2, 4);
    model.learn([1, 2, 1, 2, 1, 3]);
    // Alone: 1 three times, 2 twice, 3 once, of six with three kinds. After 1: 2 twice, 3 once.
    const alone = (2 + 3 * 0.25) / (6 + 3);
    assert.ok(Math.abs(model.probability([0], 2) - alone) < 1e-12);
    assert.ok(Math.abs(model.probability([1], 2) - (2 + 2 * alone) / (3 + 2)) < 1e-12);
  });
  it('predicts what most often followed the longest context, and counts no further back', () => {
    const model = new NgramModel(3, 10);
    for (let time = 0; time < 5; time++) model.learn([1, 2, 3]);
    for (let time = 0; time < 4; time++) model.learn([4, 2, 5]);
    assert.deepEqual([model.predict([1, 2]), model.predict([4, 2]), model.predict([2])], [3, 5, 3]);
    assert.equal(model.predict([1, 4, 2]), 5);
    const short = new NgramModel(2, 10);
    for (let time = 0; time < 5; time++) short.learn([1, 2, 3]);
    for (let time = 0; time < 4; time++) short.learn([4, 2, 5]);
    assert.equal(short.predict([4, 2]), 3);
  });
  it('counts nothing across texts', () => {
    const model = new NgramModel(2, 10);
    model.learn([1]);
    model.learn([2]);
    assert.equal(model.probability([1], 2), model.probability([9], 2));
  });
});
