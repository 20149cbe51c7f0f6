import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CompletionReport, ServerStatus } from '@foretype/server/protocol';
import { english } from '../../extension/src/l10n.ts';
import { type Situation, tooltipMarkdown, viewStatus } from '../../extension/src/status.ts';

const READY: ServerStatus = {
  draft: 'ready',
  edge: 'connected',
  languages: null,
  reason: null,
  lastCompletion: null,
};
const REPORT: CompletionReport = {
  path: 'speculated',
  rounds: 2,
  drafted: 16,
  accepted: 11,
  committed: 13,
  firstTextMs: 40.6,
  verifiedMs: 121.4,
  unverified: null,
  bytesUp: 93,
  bytesDown: 41,
  adapter: null,
};
const USUAL: Situation = {
  condition: READY,
  enabled: true,
  automatic: true,
  snooze: null,
  language: { id: 'typescript', enabled: true },
  answer: null,
};
const view = (change: Partial<Situation>) => viewStatus({ ...USUAL, ...change }, english);
const viewOf = (change: Partial<ServerStatus>) => view({ condition: { ...READY, ...change } });

describe('the status item', () => {
  it('says what is connected and what is ready', () => {
    assert.deepEqual(view({}), {
      text: '$(check-all) Foretype',
      label: 'Foretype: Connected to the edge node.',
      tooltip: ['Connected to the edge node.', 'The draft model is ready.'],
      remedies: [],
    });
  });

  it('a draft model that is not ready goes before the edge node', () => {
    const { text, label, tooltip } = viewOf({ draft: 'loading' });
    assert.equal(text, '$(loading~spin) Foretype');
    assert.equal(label, 'Foretype: The draft model is loading.');
    assert.deepEqual(tooltip, ['The draft model is loading.', 'Connected to the edge node.']);
  });

  it('a reason is shown once, in the tooltip, with what mends it', () => {
    const refused = viewOf({ edge: 'refused', reason: 'The token was refused.' });
    assert.equal(refused.text, '$(warning) Foretype');
    assert.deepEqual(
      refused.tooltip.filter((line) => line.includes('token')),
      ['The token was refused.'],
    );
    assert.doesNotMatch(refused.label, /token/);
    assert.deepEqual(
      refused.remedies.map(({ command }) => command),
      ['foretype.setEdgeToken'],
    );
  });

  it('without a draft model it all depends on the edge node, and says so', () => {
    const sole = (edge: ServerStatus['edge']) => viewOf({ draft: 'off', edge });
    assert.deepEqual(sole('connected').tooltip, [
      'Connected to the edge node.',
      'The draft model is turned off: the edge node writes everything.',
    ]);
    assert.equal(sole('connecting').text, '$(sync~spin) Foretype');
    for (const edge of ['off', 'away', 'refused'] as const) {
      const { tooltip, label } = sole(edge);
      assert.match(tooltip[0], /^No completions: /, edge);
      assert.doesNotMatch(tooltip.join(' '), /Drafts only/, edge);
      assert.equal(label, `Foretype: ${tooltip[0]}`);
    }
    const [remedy] = sole('off').remedies;
    assert.deepEqual(
      [remedy?.command, remedy?.args],
      ['workbench.action.openSettings', ['foretype.edge.url']],
    );
    assert.deepEqual(sole('away').remedies, []);
  });

  it('without a server there is one sentence', () => {
    assert.deepEqual(view({ condition: 'starting' }).tooltip, ['The language server is starting.']);
    assert.equal(view({ condition: 'stopped' }).text, '$(error) Foretype');
  });

  it('turned off goes before all else, snoozed before all but that', () => {
    const off = view({ enabled: false, snooze: { until: '14:05' }, condition: 'stopped' });
    assert.deepEqual([off.text, off.tooltip[0]], ['$(circle-slash) Foretype', 'Completions are turned off.']);
    const snoozed = view({ snooze: { until: '14:05' }, condition: 'stopped' });
    assert.equal(snoozed.text, '$(bell-slash) Foretype 14:05');
    assert.equal(snoozed.label, 'Foretype: Completions are snoozed until 14:05.');
    assert.match(view({ snooze: { until: null } }).label, /until the editor is restarted/);
  });

  it('says that the language is turned off, and still what is connected', () => {
    const { text, tooltip } = view({ language: { id: 'markdown', enabled: false } });
    assert.equal(text, '$(circle-slash) Foretype');
    assert.equal(tooltip[0], 'Completions are turned off for markdown.');
    assert.equal(tooltip[1], 'Connected to the edge node.');
    assert.equal(view({ language: null }).text, '$(check-all) Foretype');
  });

  it('says that it waits to be asked', () => {
    assert.ok(view({ automatic: false }).tooltip.includes('Completions come only when they are asked for.'));
  });
});

describe('the last answer', () => {
  const answered = (given: 'cache' | 'draft' | 'verified' | 'silent', ms: number, ...steps: string[]) =>
    view({ answer: { given, ms, steps } }).tooltip.at(-1);

  it('is told with its path and its time', () => {
    assert.equal(answered('cache', 0.42), 'Last answer: from memory, 0.4 ms after the editor asked.');
    assert.equal(answered('draft', 40.6), 'Last answer: a draft, 41 ms after the editor asked.');
    assert.equal(answered('verified', 121.4), 'Last answer: verified, 121 ms after the editor asked.');
  });

  it('where there was none, is told with the last reason', () => {
    assert.equal(
      answered('silent', 3, 'A key was pressed.', 'The text would repeat the next line.'),
      'Last answer: nothing, 3 ms after the editor asked. The text would repeat the next line.',
    );
    assert.equal(answered('silent', 3), 'Last answer: nothing, 3 ms after the editor asked.');
  });
});

describe('the last completion', () => {
  const told = (change: Partial<CompletionReport>, edge: ServerStatus['edge'] = 'connected') =>
    viewOf({ edge, lastCompletion: { ...REPORT, ...change } }).tooltip.slice(2);

  it('verified, is told with times, tokens, bytes and adapter', () => {
    assert.deepEqual(told({ adapter: 'lumino@2' }), [
      'Last completion: drafted here, verified by the edge node. Writing it took 41 ms to the first text and 121 ms to the verified one.',
      'Drafted tokens accepted: 11 of 16. Rounds: 2.',
      'Bytes up: 93, down: 41.',
      'Adapter: lumino@2.',
    ]);
    assert.equal(told({}).length, 3);
    assert.match(told({ firstTextMs: null })[0]!, /edge node\. Writing it took 121 ms\.$/);
  });

  it('written without any draft, is not said to be drafted, nor are tokens of none counted', () => {
    assert.deepEqual(told({ drafted: 0, accepted: 0, firstTextMs: 121.3 }), [
      'Last completion: written by the edge node. Writing it took 121 ms.',
      'Rounds: 2.',
      'Bytes up: 93, down: 41.',
    ]);
    assert.match(told({ drafted: 3, accepted: 0 })[1]!, /^Drafted tokens accepted: 0 of 3\./);
  });

  it('a draft is told without what only an edge node has', () => {
    const draft: Partial<CompletionReport> = { path: 'draft', verifiedMs: null };
    assert.deepEqual(told(draft), [
      'Last completion: drafted here. Writing it took 41 ms. It was not verified.',
    ]);
    assert.match(
      told({ ...draft, unverified: 'energy budget used up' })[0]!,
      / It was not verified: energy budget used up\.$/,
    );
    assert.deepEqual(told({ ...draft, firstTextMs: null }), [
      'Last completion: drafted here. It was not verified.',
    ]);
  });

  it('is not said to be unverified where nobody is set who would verify it', () => {
    const draft: Partial<CompletionReport> = { path: 'draft', verifiedMs: null };
    assert.deepEqual(told(draft, 'off'), ['Last completion: drafted here. Writing it took 41 ms.']);
    for (const edge of ['connecting', 'away', 'refused'] as const)
      assert.match(told(draft, edge)[0]!, /It was not verified\.$/, edge);
  });
});

describe('the tooltip in Markdown', () => {
  it('takes nothing that the server says for markup', () => {
    const reason = 'It has <b>, [a](command:x), `c`,\n# d, https://e.example and f@g.h.';
    const markdown = tooltipMarkdown(viewOf({ reason }));
    const paragraph = markdown.split('\n\n').find((part) => part.startsWith('It has'))!;
    assert.equal(
      paragraph,
      'It has \\<b\\>, \\[a\\]\\(command\\:x\\), \\`c\\`, \\# d, https\\://e\\.example and f\\@g\\.h\\.',
    );
    assert.equal(paragraph.replaceAll('\\', ''), reason.replace('\n', ' '));
  });

  it('links to what mends it, with its arguments', () => {
    const snoozed = tooltipMarkdown(view({ snooze: { until: null } }));
    assert.ok(snoozed.endsWith('\n\n[End Snooze](command:foretype.snooze?%5B0%5D)'), snoozed);
    const stopped = tooltipMarkdown(view({ condition: 'stopped' }));
    assert.match(stopped, /\[Restart Language Server\]\(command:foretype\.restart\) · \[Show Log\]/);
    assert.doesNotMatch(tooltipMarkdown(view({})), /command:/);
  });
});
