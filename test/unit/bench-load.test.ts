import { FakeEngine } from '../support/fake-engine.ts';
import type { Written } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recalling } from '../bench/rig/recalling.ts';
import { reportOf, type Pass } from '../bench/load/report.ts';
import { ARMS } from '../bench/peer/report.ts';

describe('a recalling engine', () => {
  const request = { context: [1, 2], limit: 6 };
  it('says again what it wrote to the end, without asking for it again', async () => {
    const engine = new FakeEngine({});
    const draft = recalling(engine, () => 0);
    const first = await Array.fromAsync(draft.write(request));
    const { length } = engine.calls;
    assert.deepEqual(await Array.fromAsync(draft.write({ ...request })), first);
    assert.equal(engine.calls.length, length);
    assert.equal(first.length, 6);
  });

  it('takes its time, as it did before', async () => {
    let ms = 0;
    const engine = new FakeEngine({ delay: () => Promise.resolve(void (ms += 5)) });
    const draft = recalling(engine, () => ms);
    await Array.fromAsync(draft.write(request));
    const again: Written[] = [];
    const began = performance.now();
    for await (const written of draft.write(request)) again.push(written);
    assert.ok(performance.now() - began >= 4, 'it came at once');
    assert.equal(again.length, 6);
  });

  it('asks for what it was not asked for to the end', async () => {
    const engine = new FakeEngine({});
    const draft = recalling(engine, () => 0);
    await draft.write(request)[Symbol.asyncIterator]().next();
    const { length } = engine.calls;
    await Array.fromAsync(draft.write(request));
    assert.ok(engine.calls.length > length);
  });
});

it('the table has the rate of each arm and the ratio pass by pass', () => {
  const pass = (wallMs: number): Pass => ({ wallMs, times: [10, 20, 30, 40] });
  const passes = {
    foretype: [pass(100), pass(200)],
    'llama.vim': [pass(400), pass(800)],
    'llama-server, one line': [pass(150), pass(300)],
  };
  const results = { family: 'f', release: 'b1', roundTripMs: 20, laptops: 8, pinned: true, passes };
  const { text } = reportOf(results, 'a machine');
  for (const arm of ARMS) assert.ok(text.includes(`| ${arm} `), arm);
  assert.match(text, /\| foretype +\| +8 \| +30\.0 \| +20\.0–40\.0 \| +– \| +25 \| +40 \|/u);
  assert.match(text, /\| llama\.vim +\| +8 \| +7\.5 \| +5\.0–10\.0 \| +4\.00 \|/u);
  assert.match(text, /one line +\| +8 \| +20\.0 \| +13\.3–26\.7 \| +1\.50 \|/u);
});
