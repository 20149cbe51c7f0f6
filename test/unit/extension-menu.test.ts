import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerStatus } from '@foretype/server/protocol';
import { english } from '../../extension/src/l10n.ts';
import { menuOf } from '../../extension/src/menu.ts';
import type { Situation } from '../../extension/src/status.ts';

const READY: ServerStatus = {
  draft: 'ready',
  edge: 'connected',
  languages: null,
  reason: null,
  lastCompletion: null,
};
const USUAL: Situation = {
  condition: READY,
  enabled: true,
  automatic: true,
  snooze: null,
  language: { id: 'go', enabled: true },
  answer: null,
};
const groups = (change: Partial<Situation>) => menuOf({ ...USUAL, ...change }, 'foretype.foretype', english);
const labels = (change: Partial<Situation>) => groups(change).map((group) => group.map(({ label }) => label));

describe('the menu', () => {
  it('has what is used daily first', () => {
    assert.deepEqual(labels({}), [
      ['Ask for a Completion', 'Snooze…', 'Turn Off for go', 'Turn Off'],
      ['Explain Last Completion'],
      ['Settings', 'Choose Model Family…', 'Set Edge Token', 'Getting Started'],
      ['Show Log', 'Restart Language Server'],
    ]);
  });

  it('begins with what ends the silence', () => {
    assert.deepEqual(labels({ enabled: false })[0], ['Turn On']);
    assert.deepEqual(labels({ snooze: { until: null } })[0], ['End Snooze']);
    assert.deepEqual(labels({ condition: 'stopped' })[0], ['Restart Language Server']);
    assert.deepEqual(labels({ condition: { ...READY, edge: 'refused' } })[0], ['Set Edge Token']);
    assert.ok(labels({ language: { id: 'go', enabled: false } })[0]!.includes('Turn On for go'));
  });

  it('leaves out what would do nothing', () => {
    const off = labels({ enabled: false }).flat();
    for (const label of ['Ask for a Completion', 'Snooze…', 'Turn Off', 'Turn Off for go'])
      assert.ok(!off.includes(label), label);
    assert.ok(
      !labels({ snooze: { until: '14:05' } })
        .flat()
        .includes('Ask for a Completion'),
    );
    assert.ok(!labels({ condition: 'starting' }).flat().includes('Explain Last Completion'));
    const nowhere = labels({ language: null }).flat();
    assert.ok(!nowhere.some((label) => /^Turn O\w+ for/.test(label) || label === 'Ask for a Completion'));
    assert.ok(nowhere.includes('Snooze…'));
  });

  it('has every entry once, whatever the situation', () => {
    const conditions = ['starting', 'stopped', READY, { ...READY, edge: 'refused' }] as const;
    for (const condition of conditions)
      for (const enabled of [true, false])
        for (const snooze of [null, { until: null }]) {
          const all = labels({ condition, enabled, snooze });
          assert.equal(new Set(all.flat()).size, all.flat().length, JSON.stringify(all));
          assert.ok(all.every((group) => group.length > 0));
        }
  });

  it('opens our settings and our walkthrough', () => {
    const args = groups({})
      .flat()
      .flatMap((entry) => entry.args ?? []);
    assert.deepEqual(args, ['@ext:foretype.foretype', 'foretype.foretype#start', false]);
  });
});
