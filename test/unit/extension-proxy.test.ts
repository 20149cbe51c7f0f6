import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP_KEYS, proxySettings } from '../../extension/src/proxy.ts';

const told = (
  values: Record<string, { globalValue?: unknown; defaultValue?: unknown; workspaceValue?: unknown }>,
) => proxySettings((key) => values[key]);

describe("the editor's proxy", () => {
  it('is what the user has set', () => {
    const values = {
      'http.proxy': { globalValue: ' http://proxy.test:3128 ', defaultValue: '' },
      'http.noProxy': { globalValue: ['edge.test', '10.0.0.0/8'], defaultValue: [] },
      'http.proxySupport': { defaultValue: 'override' },
    };
    assert.deepEqual(told(values), { proxy: 'http://proxy.test:3128', noProxy: 'edge.test,10.0.0.0/8' });
  });

  it('is left to the environment where nothing is set, and where it is nonsense', () => {
    assert.deepEqual(told({}), { proxy: '', noProxy: '' });
    const nonsense = { 'http.proxy': { globalValue: 7 }, 'http.noProxy': { globalValue: 'edge.test' } };
    assert.deepEqual(told(nonsense), { proxy: '', noProxy: '' });
  });

  it('is none where the editor itself uses none', () => {
    const values = {
      'http.proxy': { globalValue: 'http://proxy.test:3128' },
      'http.proxySupport': { globalValue: 'off', defaultValue: 'override' },
    };
    assert.equal(told(values).proxy, 'off');
  });

  it('is nothing that a workspace can set', () => {
    for (const key of HTTP_KEYS) {
      const ours = told({
        [key]: {
          defaultValue: '',
          workspaceValue: 'http://theirs.test',
          workspaceFolderValue: 'off',
        } as object,
      });
      assert.deepEqual(ours, { proxy: '', noProxy: '' }, key);
    }
  });
});
