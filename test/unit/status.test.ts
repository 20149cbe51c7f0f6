import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompletionReport, ServerStatus } from '@foretype/server/protocol';
import { viewStatus } from '../../extension/src/status.ts';

const READY: ServerStatus = { draft: 'ready', edge: 'connected', reason: null, lastCompletion: null };
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

test('a draft model that is not ready goes before the edge node', () => {
  const { text, label, tooltip } = viewStatus({ ...READY, draft: 'loading' });
  assert.equal(text, '$(loading~spin) Foretype');
  assert.equal(label, 'Foretype: The draft model is loading.');
  assert.equal(tooltip, 'Foretype\nThe draft model is loading.\nConnected to the edge node.');
});

test('a reason is shown once, in the tooltip', () => {
  const view = viewStatus({ ...READY, edge: 'refused', reason: 'The token was refused.' });
  assert.equal(view.text, '$(warning) Foretype');
  assert.equal(view.tooltip.split('The token was refused.').length, 2);
  assert.doesNotMatch(view.label, /token/);
});

test('a verified completion is told with times, tokens and bytes', () => {
  const { tooltip } = viewStatus({ ...READY, lastCompletion: { ...REPORT, adapter: 'lumino' } });
  assert.match(tooltip, /first text after 41 ms, verified after 121 ms/);
  assert.match(
    tooltip,
    /11 of 16 drafted tokens accepted in 2 rounds; 93 bytes up, 41 down, adapter lumino\./,
  );
});

test('a draft is told without what only an edge node has', () => {
  const report: CompletionReport = { ...REPORT, path: 'draft', verifiedMs: null };
  const { tooltip } = viewStatus({ ...READY, edge: 'off', lastCompletion: report });
  assert.match(tooltip, /drafted here; first text after 41 ms, not verified\.$/);
  const resting = { ...report, unverified: 'energy budget used up' };
  assert.match(
    viewStatus({ ...READY, lastCompletion: resting }).tooltip,
    /not verified \(energy budget used up\)\.$/,
  );
});

test('without a server there is one sentence', () => {
  assert.equal(viewStatus('off').tooltip, 'Foretype\nCompletions are turned off.');
  assert.equal(viewStatus('stopped').text, '$(error) Foretype');
});
