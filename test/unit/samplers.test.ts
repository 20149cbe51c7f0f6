import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reuseSamplers } from '../../models/src/engine/samplers.ts';

/** What the library has of its native module, with samplers that count themselves. */
function fakeLlama() {
  const made: object[] = [];
  class AddonSampler {
    static readonly kind = 'native';
    readonly model: object;
    constructor(model: object) {
      this.model = model;
      made.push(this);
    }
    dispose(): void {
      assert.fail('a native sampler must not be disposed of, it is used again');
    }
  }
  // As the real one is.
  Object.defineProperty(AddonSampler.prototype, 'dispose', { writable: false });
  const llama = { _bindings: { AddonSampler, systemInfo: () => 'info' } };
  reuseSamplers(llama);
  return { made, AddonSampler, llama };
}

describe('samplers', () => {
  it('are used again when their owner is done with them', () => {
    const { made, llama, AddonSampler } = fakeLlama();
    const model = {};
    const make = () => new llama._bindings.AddonSampler(model);
    const [first, second] = [make(), make()];
    assert.notEqual(first, second, 'the first is in use');
    assert.ok(first instanceof AddonSampler);
    assert.equal(first.model, model);
    second.dispose();
    assert.equal(make(), second);
    const third = make();
    first.dispose();
    third.dispose();
    assert.deepEqual(new Set([make(), make()]), new Set([first, third]));
    assert.equal(made.length, 3);
  });

  it('leave the rest of the native module as it is', () => {
    const { llama } = fakeLlama();
    assert.equal(llama._bindings.systemInfo(), 'info');
    assert.equal(llama._bindings.AddonSampler.kind, 'native');
  });
});
