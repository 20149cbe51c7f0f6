import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { speculate, type Token } from '@foretype/models';
import { CLOSE, encodeClientFrame, MAX_FRAME_BYTES } from '../../edge-node/src/protocol/index.ts';
import { startEdge, WireClient, type Edge } from '../support/edge-node.ts';
import { cancel, round, type HelloFields } from '../support/edge-target.ts';
import { FAKE, fakeWrite } from '../support/fake-engine.ts';
import { inOnePart } from '../support/verdict.ts';

const never = () => new Promise(() => undefined);
const text = (characters: string): Token[] => [...Buffer.from(characters)];

async function welcomed(t: TestContext, { url }: Edge): Promise<WireClient> {
  const client = await WireClient.connect(t, url);
  assert.equal((await client.hello()).case, 'welcome');
  return client;
}

/** Fails unless `client` is still served. */
async function served(client: WireClient): Promise<void> {
  const context = text('still here');
  const { tokens } = await client.verify({ id: 99, context, more: 3 });
  assert.deepEqual(tokens, fakeWrite(context, 4));
}

describe('a hello', () => {
  const others: [HelloFields, RegExp][] = [
    [{ wireVersion: 7 }, /wire version/],
    [
      { family: 'a family of another name, long enough that its sentence is cut'.padEnd(120, '.') },
      /model family/,
    ],
    [{ tokenizer: 'a'.repeat(64) }, /tokenizer/],
    [{ backbone: 'a'.repeat(64) }, /backbone/],
  ];
  for (const [other, sentence] of others) {
    it(`of another ${Object.keys(other).join()} gets the whole sentence in a frame and its start as the close reason`, async (t) => {
      const edge = await startEdge(t);
      const client = await WireClient.connect(t, edge.url);
      const frame = await client.hello(other);
      assert.equal(frame.case, 'failure');
      assert.deepEqual({ id: frame.value.id, code: frame.value.code }, { id: 0, code: 'incompatible' });
      assert.match(frame.value.message, sentence);
      const { code, reason } = await client.closed;
      assert.equal(code, CLOSE.incompatible);
      assert.ok(frame.value.message.startsWith(reason.replace(/…$/, '')) && reason.length > 20, reason);
      await served(await welcomed(t, edge));
    });
  }

  it('that does not come in time ends the connection', async (t) => {
    const { url } = await startEdge(t, { helloWithin: 30 });
    const client = await WireClient.connect(t, url);
    assert.equal((await client.closed).code, CLOSE.timeout);
  });

  it('that came in time leaves the connection open past that time', async (t) => {
    const edge = await startEdge(t, { helloWithin: 30 });
    const client = await welcomed(t, edge);
    await sleep(60);
    await served(client);
  });
});

describe('rounds over the wire', () => {
  for (const adapter of ['', 'blue']) {
    for (const draftLength of [0, 1, 4, 8]) {
      it(`with K = ${draftLength} and adapter "${adapter}" give what the target alone writes`, async (t) => {
        const edge = await startEdge(t);
        const client = await welcomed(t, edge);
        let id = 0;
        for (const line of ['import { ', 'const answer = ', 'for (let i']) {
          const committed: Token[] = [];
          const rounds = speculate({
            prompt: text(line),
            limit: 50,
            plan: () => ({ draft: draftLength, more: 2 }),
            end: new Set([FAKE.end]),
            // Right about the start of each draft, wrong about its end.
            draft: (context, count) =>
              Promise.resolve(fakeWrite(context, count, adapter).map((token, at) => (at > 2 ? 1 : token))),
            verify: (context, drafted, more) =>
              inOnePart(client.verify({ id: ++id, context, drafted, more, adapter })),
          });
          for await (const { committed: tokens } of rounds) committed.push(...tokens);
          assert.deepEqual(committed, fakeWrite(text(line), 50, adapter));
        }
        assert.ok(id > 3, 'more than one round a prompt');
      });
    }
  }

  it('of several connections do not meet', async (t) => {
    const edge = await startEdge(t, { engine: { delay: 1 } });
    const clients = await Promise.all(['a', 'b', 'c'].map(async () => welcomed(t, edge)));
    await Promise.all(
      clients.map(async (client, index) => {
        let context = text(`client ${index}: `);
        for (let id = 1; id <= 10; id++) {
          const { tokens } = await client.verify({ id, context, more: 3 });
          assert.deepEqual(tokens, fakeWrite(context, 4));
          context = [...context, ...tokens];
        }
      }),
    );
  });

  it('on a lost base are told to send the context whole, which works', async (t) => {
    const edge = await startEdge(t);
    const client = await welcomed(t, edge);
    const context = text('a context');
    client.send(round({ id: 1, context: [...context, 1] }, context));
    const frame = await client.next();
    assert.deepEqual(frame.case === 'failure' && [frame.value.id, frame.value.code], [1, 'resync']);
    await served(client);
  });

  it('that are cancelled stop the engine and are answered so, and the connection goes on', async (t) => {
    let slow = true;
    const edge = await startEdge(t, { engine: { delay: async () => slow && never() } });
    const client = await welcomed(t, edge);
    client.begin({ id: 1, context: [1] });
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'running'));
    client.send(cancel(1));
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'aborted'));
    const frame = await client.next();
    assert.deepEqual(frame.case === 'failure' && [frame.value.id, frame.value.code], [1, 'cancelled']);
    slow = false;
    await served(client);
  });

  it('of a client that goes away stop in the engine', async (t) => {
    const edge = await startEdge(t, { engine: { delay: never } });
    const client = await welcomed(t, edge);
    client.begin({ id: 1, context: [1] });
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'running'));
    client.socket.terminate();
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'aborted'));
  });
});

describe('what cannot be read closes that connection with a code, and the others are served:', () => {
  const bad: [string, Uint8Array | string, number][] = [
    ['a frame too large', new Uint8Array(MAX_FRAME_BYTES + 1), CLOSE.tooLarge],
    [
      'a truncated frame',
      encodeClientFrame(round({ id: 1, context: text('whole') })).subarray(0, 9),
      CLOSE.malformed,
    ],
    ['no bytes at all', new Uint8Array(), CLOSE.malformed],
    ['a frame sent as text', Buffer.from(encodeClientFrame(cancel(1))).toString(), CLOSE.malformed],
  ];
  for (const [name, data, code] of bad) {
    it(name, async (t) => {
      const edge = await startEdge(t);
      const other = await welcomed(t, edge);
      const client = await welcomed(t, edge);
      client.socket.send(data);
      assert.equal((await client.closed).code, code);
      await served(other);
      await served(await welcomed(t, edge));
    });
  }

  it('a frame that breaks the WebSocket protocol itself', async (t) => {
    const edge = await startEdge(t);
    const other = await welcomed(t, edge);
    const client = await welcomed(t, edge);
    // A text message that is not UTF-8, which `ws` would not send.
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    assert.equal((await client.closed).code, 1007);
    await served(other);
  });

  it('200 random messages, before the hello and after', async (t) => {
    const edge = await startEdge(t);
    const other = await welcomed(t, edge);
    const random = mulberry32(20260101);
    for (let run = 0; run < 200; run++) {
      const client = run % 2 === 0 ? await WireClient.connect(t, edge.url) : await welcomed(t, edge);
      const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256);
      client.send(bytes);
      // Bytes may happen to be a frame; what counts is that the next message is certainly none.
      client.send(new Uint8Array([0xff]));
      const { code } = await client.closed;
      assert.ok(code === CLOSE.malformed || code === CLOSE.incompatible, `run ${run} closed with ${code}`);
    }
    await served(other);
    assert.equal(edge.log.filter((line) => line.includes('fault')).length, 0);
  });
});

describe('a node that closes', () => {
  it('lets a verdict under way finish, then says that it goes away, and takes no new connection', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const edge = await startEdge(t, { patience: 5_000, engine: { delay: () => gate.promise } });
    const busy = await welcomed(t, edge);
    const idle = await welcomed(t, edge);
    const context = text('nearly done');
    busy.begin({ id: 1, context });
    await t.waitFor(() => assert.equal(edge.engine.calls.length, 1));
    const closed = edge.http.close();
    assert.equal((await idle.closed).code, CLOSE.goingAway);
    await assert.rejects(WireClient.connect(t, edge.url));
    gate.resolve(undefined);
    const frame = await busy.next();
    assert.deepEqual(frame.case === 'verdict' && frame.value.tokens, fakeWrite(context, 1));
    assert.equal((await busy.closed).code, CLOSE.goingAway);
    await closed;
  });

  it('waits no longer than its patience', async (t) => {
    const edge = await startEdge(t, { patience: 50, engine: { delay: never } });
    const client = await welcomed(t, edge);
    client.begin({ id: 1, context: [1] });
    await t.waitFor(() => assert.equal(edge.engine.calls.length, 1));
    const started = performance.now();
    await edge.http.close();
    assert.ok(performance.now() - started < 2_000);
    assert.equal((await client.closed).code, CLOSE.goingAway);
    assert.equal(edge.engine.calls[0]?.outcome, 'aborted');
  });

  it('drops a client that does not answer the goodbye', async (t) => {
    const edge = await startEdge(t, { patience: 50 });
    const client = await welcomed(t, edge);
    client.socket.pause();
    await edge.http.close();
    client.socket.resume();
    await client.closed;
  });
});

/** A seeded generator of numbers in [0, 1), so that a failing run can be had again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
