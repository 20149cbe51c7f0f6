import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ServerStatus } from '@foretype/server/protocol';
import { Steps } from '../../extension/src/steps.ts';

const READY: ServerStatus = {
  draft: 'ready',
  edge: 'off',
  languages: null,
  reason: null,
  lastCompletion: null,
};
const USUAL = { condition: READY, automatic: true, snooze: null };

/** What VS Code keeps for an extension, over windows and sessions. */
class Memory {
  readonly kept = new Map<string, unknown>();
  written = 0;
  readonly get = (key: string) => this.kept.get(key) as undefined;
  readonly update = (key: string, value: unknown) => {
    this.written++;
    this.kept.set(key, value);
    return Promise.resolve();
  };
}

describe('the steps of the walkthrough', () => {
  let memory: Memory;
  const window = () => {
    const checked: string[] = [];
    return { checked, steps: new Steps(memory, (step) => checked.push(step)) };
  };
  beforeEach(() => {
    memory = new Memory();
  });

  it('are checked once, when they are done', () => {
    const { checked, steps } = window();
    assert.deepEqual(checked, []);
    steps.reached('foretype.offered');
    steps.reached('foretype.offered');
    assert.deepEqual([checked, memory.written], [['foretype.offered'], 1]);
  });

  it('are checked again where a walkthrough is opened, also in the windows after that', () => {
    const first = window();
    first.steps.reached('foretype.accepted');
    first.steps.opened();
    assert.deepEqual(first.checked, ['foretype.accepted', 'foretype.accepted']);
    const later = window();
    assert.deepEqual(later.checked, []);
    later.steps.opened();
    later.steps.reached('foretype.accepted');
    assert.deepEqual([later.checked, memory.written], [['foretype.accepted'], 1]);
  });

  it('are done by how things are: a node that is connected, completions that are quiet', () => {
    const { checked, steps } = window();
    steps.observe(USUAL);
    for (const edge of ['connecting', 'away', 'refused'] as const)
      steps.observe({ ...USUAL, condition: { ...READY, edge } });
    steps.observe({ ...USUAL, condition: 'starting' });
    assert.deepEqual(checked, []);
    steps.observe({ ...USUAL, condition: { ...READY, edge: 'connected' } });
    assert.deepEqual(checked, ['foretype.joined']);
    steps.observe({ ...USUAL, snooze: { until: null } });
    assert.deepEqual(checked, ['foretype.joined', 'foretype.quieted']);
    memory = new Memory();
    const manual = window();
    manual.steps.observe({ ...USUAL, automatic: false });
    assert.deepEqual(manual.checked, ['foretype.quieted']);
  });
});
