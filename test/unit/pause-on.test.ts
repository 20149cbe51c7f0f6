import { EMBEDDED_FAMILY } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Power } from '../../server/src/power.ts';
import { CompletionService } from '../../server/src/service.ts';
import { readSettings, type ServerSettings } from '../../server/src/settings.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const TYPED = { language: 'typescript', explicit: false };
const ASKED = { ...TYPED, explicit: true };
const BATTERY = 'Completions are paused on battery; ask for one with the key.';
const SAVER = 'Completions are paused while power is saved; ask for one with the key.';

describe('completions while typing', () => {
  const cases: [ServerSettings['pauseOn'], Power, string | undefined][] = [
    ['never', 'mains', undefined],
    ['never', 'battery', undefined],
    ['never', 'saver', undefined],
    ['saver', 'mains', undefined],
    ['saver', 'battery', undefined],
    ['saver', 'saver', SAVER],
    ['battery', 'mains', undefined],
    ['battery', 'battery', BATTERY],
    ['battery', 'saver', SAVER],
  ];
  for (const [pauseOn, power, refusal] of cases) {
    it(`pausing on ${pauseOn} with power from ${power}: ${refusal ?? 'they come'}`, (t) => {
      const { service } = serviceOn(t, { pauseOn }, { current: power });
      assert.equal(service.refusal(TYPED)?.message, refusal);
      assert.equal(service.refusal(ASKED), undefined);
    });
  }

  it('pause when the plug is pulled and come again when it is put back; the status says so', (t) => {
    const source: { current: Power } = { current: 'mains' };
    const { service, log } = serviceOn(t, { pauseOn: 'battery' }, source);
    assert.equal(service.refusal(TYPED), undefined);
    assert.equal(service.status.reason, null);
    source.current = 'battery';
    assert.equal(service.refusal(TYPED)?.message, BATTERY);
    assert.equal(service.status.reason, BATTERY);
    source.current = 'mains';
    assert.equal(service.refusal(TYPED), undefined);
    assert.equal(service.status.reason, null);
    assert.deepEqual(log, [BATTERY]);
  });

  it('what is set goes before what the power source is', (t) => {
    const { service } = serviceOn(t, { pauseOn: 'battery', power: 'mains' }, { current: 'battery' });
    assert.equal(service.refusal(TYPED), undefined);
    const saver = serviceOn(t, { pauseOn: 'saver', power: 'saver' }, { current: 'mains' });
    assert.equal(saver.service.refusal(TYPED)?.message, SAVER);
  });
});

function serviceOn(t: TestContext, settings: Partial<ServerSettings>, power: { readonly current: Power }) {
  const log: string[] = [];
  const service = new CompletionService({
    family: EMBEDDED_FAMILY,
    settings: { ...readSettings({}).settings, ...settings },
    onStatus: () => undefined,
    log: (sentence) => log.push(sentence),
    engine: () => new FakeEngine(),
    power,
  });
  t.after(() => service.dispose());
  return { service, log };
}
