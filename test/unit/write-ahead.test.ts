import type { Token, WriteRequest, Written } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Prompt } from '../../models/src/prompt.ts';
import { WriteAhead } from '../../server/src/write-ahead.ts';

const prompt: Prompt = {
  context: [1],
  leading: { text: '', tokens: [] },
  around: { prefix: [1], suffix: [] },
};

/** An engine whose writings are told one by one what to write, and that may not hear that they should stop. */
function engineByHand() {
  const calls: { request: WriteRequest; put: (token: Token) => void; end: (error?: Error) => void }[] = [];
  const write = (request: WriteRequest): AsyncIterable<Written> => {
    let out!: ReadableStreamDefaultController<Written>;
    const stream = new ReadableStream<Written>({ start: (controller) => void (out = controller) });
    calls.push({
      request,
      put: (token) => out.enqueue({ token, probability: 0.5, evaluated: 1 }),
      end: (error) => (error ? out.error(error) : out.close()),
    });
    return stream;
  };
  return { calls, write };
}

const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
};
const tokensOf = (drafted: readonly { token: Token }[]) => drafted.map(({ token }) => token);
const first = (count: number) => (so: readonly unknown[]) => so.length < count;

function start() {
  const engine = engineByHand();
  const abort = new AbortController();
  const ahead = new WriteAhead({
    engine,
    prompt,
    limit: 10,
    sampling: undefined,
    now: () => 0,
    signal: abort.signal,
  });
  return { ahead, calls: engine.calls };
}

describe('a draft that is written ahead', () => {
  it('begins anew behind a departure once the old writing has let go, and is not ended by it', async () => {
    const { ahead, calls } = start();
    await settle();
    calls[0]!.put(5);
    await settle();
    const drafted = ahead.draft([7], first(2));
    await settle();
    assert.equal(calls.length, 1, 'the engine still has the cache of the prompt in its hands');
    // It ends as if nothing had happened.
    calls[0]!.end();
    await settle();
    assert.deepEqual([calls[1]!.request.context, calls[1]!.request.begun], [[1, 7], 1]);
    calls[1]!.put(8);
    calls[1]!.put(9);
    assert.deepEqual(tokensOf(await drafted), [8, 9]);
  });

  it('does not wait for what is committed already, where it differs or is far behind', async () => {
    for (const begun of [[6], [5, 6, 7, 8]]) {
      const { ahead, calls } = start();
      await settle();
      calls[0]!.put(5);
      await settle();
      const drafted = ahead.draft(begun, first(1));
      calls[0]!.end();
      await settle();
      assert.deepEqual(calls[1]?.request.context, [1, ...begun]);
      calls[1].put(9);
      assert.deepEqual(tokensOf(await drafted), [9]);
    }
  });

  it('goes on where it agrees, also a little behind', async () => {
    const { ahead, calls } = start();
    await settle();
    const drafted = ahead.draft([5, 6], first(1));
    for (const token of [5, 6, 7]) calls[0]!.put(token);
    assert.deepEqual(tokensOf(await drafted), [7]);
    assert.equal(calls.length, 1);
    assert.deepEqual(tokensOf(ahead.hand([5])), [6, 7]);
    assert.deepEqual(ahead.hand([5, 6, 7, 8]), []);
  });

  it('rejects with the failure of the engine, and may begin anew after it', async () => {
    const { ahead, calls } = start();
    await settle();
    calls[0]!.end(new Error('lost'));
    await assert.rejects(ahead.draft([], first(1)), /lost/);
    const drafted = ahead.draft([5, 6, 7], first(1));
    await settle();
    calls[1]!.put(9);
    assert.deepEqual(tokensOf(await drafted), [9]);
  });
});
