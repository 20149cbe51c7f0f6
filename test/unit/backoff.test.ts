import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff } from '../../server/src/backoff.ts';

describe('who is told that the node is busy', () => {
  it('leaves it alone, each time for longer, until it answers', () => {
    const backoff = new Backoff();
    assert.equal(backoff.isDue(0), false);
    const pauses = [];
    for (let times = 0; times < 8; times++) {
      backoff.busy(1000, 1);
      let pause = 0;
      while (backoff.isDue(1000 + pause)) pause++;
      pauses.push(pause);
    }
    assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    backoff.answered();
    backoff.busy(0, 0);
    assert.ok(backoff.isDue(124) && !backoff.isDue(125), 'by chance for half as long');
  });
});
