import { tokensOf, type EngineState } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RestingEngine } from '../../server/src/resting-engine.ts';
import { FakeEngine, fakeWrite, type FakeOptions } from '../support/fake-engine.ts';

const IDLE = 600_000;
const CONTEXT = [1, 2, 3];

describe('a resting engine', () => {
  it('comes up when it is asked, and sleeps when nobody has asked for a while', async (t) => {
    const { engine, started, states } = resting(t);
    assert.equal(started.length, 0);
    assert.deepEqual(await engine.tokenize('a'), [97]);
    t.mock.timers.tick(IDLE - 1);
    assert.equal(started[0]!.disposed, false);
    t.mock.timers.tick(1);
    assert.equal(started[0]!.disposed, true);
    assert.deepEqual(await engine.tokenize('b'), [98]);
    assert.equal(started.length, 2);
    assert.deepEqual(states, ['loading', 'ready', 'asleep', 'loading', 'ready']);
  });

  it('every call begins the while anew, and so does a sign of life', async (t) => {
    const { engine, started } = resting(t);
    await engine.tokenize('a');
    const stirs: (() => unknown)[] = [
      () => engine.tokenize('b'),
      () => {
        engine.wake();
      },
      () => engine.read({ context: [1] }),
    ];
    for (const stir of stirs) {
      t.mock.timers.tick(IDLE - 1);
      await stir();
    }
    t.mock.timers.tick(IDLE - 1);
    assert.deepEqual([started.length, started[0]!.disposed], [1, false]);
    t.mock.timers.tick(1);
    assert.equal(started[0]!.disposed, true);
  });

  it('does not sleep while something is written, however long that takes', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const { engine, started } = resting(t, { delay: () => gate.promise });
    const written = tokensOf(engine.write({ context: CONTEXT, limit: 4 }));
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(IDLE * 3);
    await engine.sleep();
    assert.equal(started[0]!.disposed, false);
    gate.resolve(undefined);
    assert.deepEqual(await written, fakeWrite(CONTEXT, 4));
    t.mock.timers.tick(IDLE);
    assert.equal(started[0]!.disposed, true);
  });

  it('a reader that leaves its loop is a call that ended', async (t) => {
    const { engine, started } = resting(t);
    for await (const { token } of engine.write({ context: CONTEXT, limit: 9 })) {
      assert.equal(token, fakeWrite(CONTEXT, 1)[0]);
      break;
    }
    t.mock.timers.tick(IDLE);
    assert.equal(started[0]!.disposed, true);
  });

  it('a call that fails or is aborted is one that ended too', async (t) => {
    const { engine, started } = resting(t, {
      fail: () => {
        throw new Error('no');
      },
    });
    await assert.rejects(engine.choose({ context: CONTEXT, drafted: [] }), /no/u);
    await assert.rejects(engine.score({ context: CONTEXT, tokens: [1] }, AbortSignal.abort()));
    t.mock.timers.tick(IDLE);
    assert.equal(started[0]!.disposed, true);
  });

  it('an engine that was put to sleep has no say any more', async (t) => {
    const { engine, states, say } = resting(t);
    await engine.facts();
    await engine.sleep();
    say[0]!({ status: 'restarting', reason: 'late' });
    assert.deepEqual(states, ['loading', 'ready', 'asleep']);
    engine.wake();
    say[0]!({ status: 'restarting', reason: 'later' });
    assert.equal(states.at(-1), 'ready');
  });

  it('does not sleep while it comes up, and stays for a while when it is there', async (t) => {
    const { engine, started, say } = resting(t);
    await engine.facts();
    say[0]!({ status: 'restarting', reason: 'was ended' });
    t.mock.timers.tick(IDLE * 2);
    say[0]!({ status: 'ready', reason: null });
    t.mock.timers.tick(IDLE - 1);
    assert.equal(started[0]!.disposed, false);
    t.mock.timers.tick(1);
    assert.equal(started[0]!.disposed, true);
  });

  it('one that failed stays as it is: no start mends a file', async (t) => {
    const { engine, states, started, say } = resting(t);
    await engine.facts();
    say[0]!({ status: 'failed', reason: 'damaged' });
    t.mock.timers.tick(IDLE);
    engine.wake();
    assert.deepEqual([states.at(-1), started.length], ['failed', 1]);
  });

  it('never sleeps by itself where that is set', async (t) => {
    const { engine, started } = resting(t, {}, () => 0);
    await engine.facts();
    t.mock.timers.tick(IDLE * 100);
    assert.equal(started[0]!.disposed, false);
  });

  it('is not brought up again once it was disposed of', async (t) => {
    const { engine, started, states } = resting(t);
    await engine.facts();
    await engine.dispose();
    engine.wake();
    await assert.rejects(engine.tokenize('a'), { name: 'EngineError', code: 'engine-disposed' });
    t.mock.timers.tick(IDLE);
    assert.deepEqual([started.length, started[0]!.disposed, states.at(-1)], [1, true, 'ready']);
  });
});

/** A resting engine over fake ones, on a clock that the test moves. */
function resting(t: TestContext, options: FakeOptions = {}, idleMs = () => IDLE) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const started: FakeEngine[] = [];
  const say: ((state: EngineState) => void)[] = [];
  const states: string[] = [];
  const engine = new RestingEngine({
    start: (onState) => {
      const fake = new FakeEngine(options);
      started.push(fake);
      say.push(onState);
      onState({ status: 'ready', reason: null });
      return fake;
    },
    onState: ({ status }) => states.push(status),
    idleMs,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });
  return { engine, started, say, states };
}
