/** Asking llama-server, and what is made of its answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lineRequest, pluginRequest, readLine, readWhole } from '../bench/peer/client.ts';
import { ARMS, reportOf, type Turn } from '../bench/peer/report.ts';

const place = { text: 'a\n  bc\nd\n', offset: 5 };

describe('the request', () => {
  it('of the plugin is llama.vim’s, with the cursor’s line as its prompt', () => {
    const { input_prefix, prompt, input_suffix, n_indent, n_predict, stream, samplers } =
      pluginRequest(place);
    assert.deepEqual([input_prefix, prompt, input_suffix, n_indent], ['a\n', '  b', 'c\nd\n', 2]);
    assert.deepEqual([n_predict, stream, samplers], [128, false, ['top_k', 'top_p', 'infill']]);
  });
  it('for one line streams, stops at its end and leaves nothing to chance', () => {
    const { stop, stream, top_k: topK, input_prefix: prefix } = lineRequest(place);
    assert.deepEqual([stop, stream, topK, prefix], [['\n'], true, 1, 'a\n']);
    assert.ok(!('response_fields' in lineRequest(place)));
  });
});

describe('the answer', () => {
  it('of the plugin is there at once', () => {
    const fields = { content: 'abc', 'timings/prompt_n': 7, 'timings/predicted_n': 3 };
    const whole = { text: 'abc', evaluated: 7, written: 3 };
    assert.deepEqual(readWhole(fields, 50), { firstMs: 50, wholeMs: 50, ...whole });
  });
  it('that streams has a first text and an end, wherever its events were cut', async () => {
    const events = [
      { content: '' },
      { content: 'ab' },
      { content: 'c', timings: { prompt_n: 7, predicted_n: 3 } },
    ];
    const sent = events.map((event) => `data: ${JSON.stringify(event)}\r\n\n: remark\n\n`).join('');
    for (let cut = 0; cut <= sent.length; cut++) {
      let clock = 0;
      const chunks = ReadableStream.from([sent.slice(0, cut), sent.slice(cut)]);
      const { firstMs, wholeMs, ...rest } = await readLine(chunks, () => ++clock);
      assert.deepEqual(rest, { text: 'abc', evaluated: 7, written: 3 });
      assert.deepEqual([firstMs, wholeMs], [1, 2]);
    }
  });
  it('that is empty shows by its end', async () => {
    const { firstMs, text } = await readLine(ReadableStream.from(['data: {"content":""}\n']), () => 9);
    assert.deepEqual([firstMs, text], [9, '']);
  });
});

describe('the report', () => {
  const answer = (ms: number, text: string) => ({ firstMs: ms, wholeMs: 2 * ms, text, bytes: 10 * ms });
  const turns: Turn[] = [1, 2, 3].map((factor) => ({
    rest: 'foo();',
    answers: {
      foretype: answer(10 * factor, 'foo();'),
      'llama.vim': { ...answer(40 * factor, 'foo(\nbar'), evaluated: 80 },
      'llama-server, one line': { ...answer(20 * factor, ''), evaluated: 2 },
    },
  }));
  const results = {
    family: 'f',
    release: 'v1',
    roundTripMs: 20,
    batch: 368,
    pinned: false,
    places: 1,
    turns,
  };
  const { text } = reportOf(results, 'a machine');
  const row = (name: string) => text.split('\n').filter((line) => line.startsWith(`| ${name} `));
  it('has everybody’s times, bytes and text', () => {
    for (const arm of ARMS) assert.ok(row(arm).length > 0);
    assert.match(row('foretype')[0]!, /20 · 28 \| +40 · 56 \| +200 · 280 \| +– \| +6 \| +100\.0 · 100\.0/u);
    assert.match(row('llama.vim')[0]!, /80 · 112 .* 80 · 80 .* 0\.0 · 66\.7/u);
  });
  it('compares key by key', () => {
    assert.match(row('llama.vim')[1]!, /4\.00 \(4\.00–4\.00\)/u);
    assert.match(row('llama-server, one line')[1]!, /2\.00 \(2\.00–2\.00\)/u);
  });
});
