import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CompletionReport, Explanation } from '@foretype/server/protocol';
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
const page = (change: Partial<Explanation>, hasNode = true) =>
  explanationPage({ ...EXPLANATION, ...change }, { name: 'src/a_b.ts', hasNode }, english);
/** What is read of it where it is rendered. */
const read = (...given: Parameters<typeof page>) => page(...given).replaceAll(/\\(?=[!-/:-@[-`{-~])/g, '');
const REPORT: CompletionReport = {
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
};

describe('the page that explains a completion', () => {
  it('says where, what, and why, a line for each step', () => {
    assert.equal(
      read({}),
      `# Last Completion

src/a_b.ts, line 5, column 12

A draft of this machine was offered 41.3 ms after the editor asked.

1. The draft was there first.
2. The edge node was not asked: it is away.

Run “Foretype: Explain Last Completion” again for the newest one.
`,
    );
  });

  it('is Markdown in which no name is markup', () => {
    const marked = page({ steps: ['The adapter *a* of <b> was `not`\n# there: [x](command:y).'] });
    assert.match(marked, /\nsrc\/a\\_b\\\.ts, line/);
    assert.ok(
      marked.includes(
        '1. The adapter \\*a\\* of \\<b\\> was \\`not\\` \\# there\\: \\[x\\]\\(command\\:y\\)\\.\n',
      ),
      marked,
    );
  });

  it('has figures where there is a text, and tells the time to the answer from the time to the text', () => {
    const known = read({ given: 'cache', ms: 0.4, report: REPORT });
    assert.match(known, /\nA text that was known already was offered 0\.4 ms after the editor asked\.\n/);
    assert.match(known, /\n- .* Writing it took 20 ms to the first text and 90 ms to the verified one\.\n/);
    assert.match(known, /\n- Drafted tokens accepted: 8 of 8\. Rounds: 1\.\n/);
    assert.match(known, /\n- Adapter: lumino@2\.\n/);
  });

  it('says nothing of verification where no edge node is set', () => {
    const report = { ...REPORT, path: 'draft', verifiedMs: null } as const;
    assert.match(read({ report }), /\n- .* It was not verified\.\n/);
    assert.doesNotMatch(read({ report, steps: [] }, false), /verif|edge node/);
  });

  it('has a sentence for each outcome', () => {
    const outcomes = (['cache', 'draft', 'verified', 'silent'] as const).map(
      (given) => read({ given }).split('\n\n')[2],
    );
    assert.equal(new Set(outcomes).size, 4);
    assert.match(
      read({ given: 'silent', steps: [] }),
      /Nothing was offered; that was decided 41\.3 ms after the editor asked\.\n\nRun/,
    );
  });
});
