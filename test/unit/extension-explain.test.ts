import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Explanation } from '@foretype/server/protocol';
import { explanationPage } from '../../extension/src/explain.ts';
import { english } from '../../extension/src/l10n.ts';

const EXPLANATION: Explanation = {
  uri: 'file:///w/src/a.ts',
  position: { line: 4, character: 11 },
  given: 'draft',
  ms: 41.26,
  steps: ['The draft was there first.', 'The edge node\nwas not asked: it is away.'],
  report: null,
};
const page = (change: Partial<Explanation>) =>
  explanationPage({ ...EXPLANATION, ...change }, 'src/a.ts', english);

describe('the page that explains a completion', () => {
  it('says where, what, and why, a line for each step', () => {
    assert.equal(
      page({}),
      `# Last Completion

src/a.ts, line 5, column 12

A draft of this machine was offered after 41.3 ms.

1. The draft was there first.
2. The edge node was not asked: it is away.

Run “Foretype: Explain Last Completion” again for the newest one.
`,
    );
  });

  it('has figures where there is a text', () => {
    const report = {
      path: 'speculated',
      rounds: 1,
      drafted: 8,
      accepted: 8,
      committed: 9,
      firstTextMs: 20,
      verifiedMs: 90,
      unverified: null,
      bytesUp: 93,
      bytesDown: 41,
      adapter: 'lumino@2',
    } as const;
    assert.match(page({ given: 'verified', report }), /\n- Drafted tokens accepted: 8 of 8\. Rounds: 1\.\n/);
    assert.match(page({ given: 'verified', report }), /\n- Adapter: lumino@2\.\n/);
  });

  it('has a sentence for each outcome', () => {
    const outcomes = (['cache', 'draft', 'verified', 'silent'] as const).map(
      (given) => page({ given }).split('\n\n')[2],
    );
    assert.equal(new Set(outcomes).size, 4);
    assert.match(
      page({ given: 'silent', steps: [] }),
      /Nothing was offered; that was decided after 41\.3 ms\.\n\nRun/,
    );
  });
});
