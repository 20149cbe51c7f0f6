/** The goals of the policy on the virtual clock, in a smaller version of test/bench/policy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compare,
  grid,
  hourOfTyping,
  measure,
  OTHER_WORLDS,
  recovery,
  run,
  STEPS,
} from '../bench/policy/experiment.ts';
import { confidentOracle, fixed, oracle } from '../bench/policy/oracle.ts';

const [office] = grid(undefined, ['office']).filter(({ name }) => name === 'office, 20 ms, 0.85');
const { world } = office!;

describe('the experiment itself', () => {
  it('has an oracle that expects what happens, and that no simple strategy beats', () => {
    const best = oracle(world);
    const mean = (ms: readonly number[]) => ms.reduce((sum, value) => sum + value, 0) / ms.length;
    const took = mean(run(world, best, 2000));
    assert.ok(Math.abs(took / best.expectedMs - 1) < 0.02, `${took} for ${best.expectedMs}`);
    for (const simple of [fixed(0, 24), fixed(4), fixed(8), fixed(8, 24)])
      assert.ok(took < mean(run(world, simple, 2000)));
  });
  it('has an oracle for drafts that know how sure they are, better than one for those that do not', () => {
    const sure = OTHER_WORLDS['a draft that knows how sure it is']!(world, 0.85);
    const best = confidentOracle(sure);
    const took = run(sure, best, 2000).reduce((sum, ms) => sum + ms, 0) / 2000;
    assert.ok(Math.abs(took / best.expectedMs - 1) < 0.02, `${took} for ${best.expectedMs}`);
    assert.ok(best.expectedMs < 0.99 * oracle(sure).expectedMs);
  });
  it('is the same every time', () => {
    assert.deepEqual(measure(office!, 5), measure(office!, 5));
  });
});

describe('the policy, knowing nothing at the start', () => {
  const slow = grid(undefined, ['slow node']).map((cell) => measure(cell, 130));
  const found = compare([...slow, ...grid(undefined, ['office']).map((cell) => measure(cell, 130))]);

  it('commits 0.97 of the tokens per time that could be', () => assert.ok(found.ofOracle >= 0.97, text()));
  it('is 1.06 times as fast as the best fixed draft length, and 1.2 times as fast as 8', () =>
    assert.ok(found.bestFixed >= 1.06 && found.eight >= 1.2, text()));
  it('is not slower than streaming or the best fixed length in any cell, by more than learning costs', () =>
    assert.ok(found.worstToSimple.ratio <= 1.03, text()));
  it('takes 0.8 of the time of Dinkelbach’s draft length without streaming', () =>
    assert.ok(found.timeOfSpeculate <= 0.8, text()));
  it('takes 0.83 of the time of streaming where a node writes a token in 30 ms', () => {
    const { timeOfStream } = compare(slow);
    assert.ok(timeOfStream <= 0.83, String(timeOfStream));
  });
  it('takes no longer in comparison with streaming than the oracle does, by 1.5 %', () =>
    assert.ok(found.timeOfStream <= 1.015 * found.oracleOfStream, text()));

  function text(): string {
    return JSON.stringify(found);
  }
});

describe('20 rounds after a step', () => {
  for (const { name, from, to } of STEPS) {
    it(`${name}: 0.95 of what could be`, () => {
      const share = recovery({ ...world, ...from }, { ...world, ...to }, 20);
      assert.ok(share >= 0.95, String(share));
    });
  }
});

describe('an hour of typing', () => {
  it('holds its energy budget within 5 %, and uses it', () => {
    const { ofBudget, verified, completions } = hourOfTyping(world, 250);
    assert.ok(ofBudget <= 1.05 && ofBudget >= 0.95, String(ofBudget));
    assert.ok(verified > 0.1 * completions && verified < 0.9 * completions, `${verified} of ${completions}`);
  });
});
