import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { EngineError, type Engine, type EngineErrorCode, type Token } from '@foretype/models';
import { CLOSE, MAX_DRAFT_LENGTH, MAX_MORE, WIRE_VERSION } from '../../edge-node/src/protocol/index.ts';
import type { RoundFigures } from '../../edge-node/src/metrics/metrics.ts';
import { MAX_RUNNING, Session, type ClientBody, type NodeBody } from '../../edge-node/src/session.ts';
import {
  ask,
  cancel,
  sync,
  fakeTarget,
  hello,
  round,
  type HelloFields,
  type TargetFields,
} from '../support/edge-target.ts';
import { FAKE, FakeEngine, fakeNext, fakeWrite, type FakeOptions } from '../support/fake-engine.ts';

const never = () => new Promise(() => undefined);
const text = (characters: string): Token[] => [...Buffer.from(characters)];

/** A session whose world is a list. */
function open(options: FakeOptions = {}, fields: TargetFields = {}) {
  const engine = new FakeEngine(options);
  const sent: NodeBody[] = [];
  const closed: { code: number; reason: string }[] = [];
  const faults: unknown[] = [];
  const reports: RoundFigures[] = [];
  let clock = 0;
  const session = new Session({
    targets: [fakeTarget(engine, fields)],
    client: 'tests',
    conversation: 'this',
    done: (report) => void reports.push(report),
    send: (frame) => void sent.push(frame),
    close: (code, reason) => void closed.push({ code, reason }),
    report: (fault) => void faults.push(fault),
    now: () => (clock += 1.5),
  });
  /** Hands in frames and gives what was sent since, once all that could happen has. */
  const exchange = async (...frames: (ClientBody | undefined)[]) => {
    const before = sent.length;
    for (const frame of frames) session.receive(frame);
    await settle();
    return sent.slice(before);
  };
  return { session, engine, sent, closed, faults, reports, exchange };
}

async function welcomed(options: FakeOptions = {}, fields: TargetFields = {}) {
  const world = open(options, fields);
  await world.exchange(hello());
  return world;
}

/** The fake answers without timers, so that some turns of the event loop end all that is not held back. */
async function settle() {
  for (let turns = 0; turns < 20; turns++) await turn();
}

function failure(frames: readonly NodeBody[]) {
  assert.equal(frames.length, 1, `one frame, not ${JSON.stringify(frames)}`);
  const [frame] = frames;
  assert.equal(frame?.case, 'failure');
  assert.match(frame.value.message!, /^[A-Z0-9][^\n]*\.$/, 'one sentence');
  return { id: frame.value.id, code: frame.value.code };
}

/** A verdict with all that was written on, which ends where a frame says that it does. */
function verdict(frames: readonly NodeBody[]) {
  const [frame, ...rest] = frames;
  assert.equal(frame?.case, 'verdict');
  const { open, tokens, ...value } = frame.value;
  const written = rest.map((more) => {
    assert.equal(more.case, 'written', JSON.stringify(frames));
    assert.equal(more.value.id, value.id);
    return more.value;
  });
  const opens = [open, ...written.map((more) => more.open)].map(Boolean);
  assert.deepEqual(opens, [...rest.map(() => true), false], 'open until the last frame');
  return { ...value, tokens: [...tokens!, ...written.flatMap((more) => more.tokens ?? [])] };
}

describe('the hello', () => {
  it('is answered with what the node offers', async () => {
    const { exchange, closed } = open();
    assert.deepEqual(await exchange(hello()), [
      {
        case: 'welcome',
        value: {
          wireVersion: WIRE_VERSION,
          adapters: ['blue', 'red'],
          context: FAKE.context,
          draftLength: MAX_DRAFT_LENGTH,
        },
      },
    ]);
    assert.deepEqual(closed, []);
  });

  const others: HelloFields[] = [
    { wireVersion: WIRE_VERSION + 1 },
    { family: 'other' },
    { tokenizer: 'a'.repeat(64) },
    { tokenizer: 'ff' },
    { backbone: 'a'.repeat(64) },
  ];
  for (const other of others) {
    it(`is refused for another ${Object.keys(other).join()} with a sentence, then closed`, async () => {
      const { exchange, closed, engine } = open();
      const frames = await exchange(hello(other));
      assert.deepEqual(failure(frames), { id: 0, code: 'incompatible' });
      assert.equal(closed[0]?.code, CLOSE.incompatible);
      assert.equal(frames[0]?.case === 'failure' && frames[0].value.message, closed[0].reason);
      assert.deepEqual(await exchange(round({ id: 1, context: [1] })), []);
      assert.equal(engine.calls.length, 0);
    });
  }

  it('is refused where its family name would be a burden to quote', async () => {
    const { exchange, closed } = open();
    assert.deepEqual(await exchange(hello({ family: 'x'.repeat(129) })), []);
    assert.equal(closed[0]?.code, CLOSE.malformed);
  });

  it('has to come in time', () => {
    const { session, closed } = open();
    session.overdue();
    assert.equal(closed[0]?.code, CLOSE.timeout);
  });

  it('is in time also while the model still loads', async () => {
    const loaded = Promise.withResolvers<undefined>();
    const facts = async () => {
      await loaded.promise;
      return { vocabulary: FAKE.vocabulary, context: FAKE.context, tokenizer: FAKE.tokenizer };
    };
    const { session, closed, exchange } = open({ facts });
    assert.deepEqual(await exchange(hello()), []);
    session.overdue();
    assert.deepEqual(closed, []);
    loaded.resolve(undefined);
    assert.equal((await exchange())[0]?.case, 'welcome');
  });

  it('is turned away where the engine cannot be asked', async () => {
    const facts = () => Promise.reject(new EngineError('engine-lost', 'The engine restarts.'));
    const { exchange, closed, faults } = open({ facts });
    assert.deepEqual(failure(await exchange(hello())), { id: 0, code: 'unavailable' });
    assert.deepEqual(closed, [{ code: CLOSE.unavailable, reason: 'The engine restarts.' }]);
    assert.deepEqual(faults, []);
  });

  it('that meets a fault of the node closes this connection and is reported', async () => {
    const bug = new TypeError('a bug');
    const { exchange, closed, faults } = open({ facts: () => Promise.reject(bug) });
    await exchange(hello());
    assert.equal(closed[0]?.code, CLOSE.fault);
    assert.deepEqual(faults, [bug]);
  });
});

describe('a frame that is none, or out of turn,', () => {
  const cases: [string, (ClientBody | undefined)[]][] = [
    ['bytes that are no frame', [undefined]],
    ['bytes that are no frame after the welcome', [hello(), undefined]],
    ['a round before the hello', [round({ id: 1, context: [1] })]],
    ['a cancel before the hello', [cancel(1)]],
    ['a context before the hello', [sync({ id: 1, context: [1] })]],
    ['a second hello', [hello(), hello()]],
  ];
  for (const [name, frames] of cases) {
    it(`closes the connection: ${name}`, async () => {
      const { exchange, closed } = open();
      for (const frame of frames) await exchange(frame);
      assert.deepEqual(
        closed.map(({ code }) => code),
        [CLOSE.malformed],
      );
    });
  }
});

describe('a context to read ahead', () => {
  it('is answered at once, read, and let go for the round that needs it', async () => {
    const { exchange, engine } = await welcomed({ delay: async ({ kind }) => kind === 'read' && never() });
    const context = text('const ');
    const [frame, ...rest] = await exchange(sync({ id: 1, context }));
    assert.ok(frame?.case === 'synced' && frame.value.id === 1 && rest.length === 0, JSON.stringify(frame));
    verdict(await exchange(round({ id: 2, context: [...context, 97] }, context)));
    assert.deepEqual(
      engine.calls.map(({ kind, outcome }) => `${kind} ${outcome}`),
      ['read aborted', 'write done'],
    );
  });

  it('gives way to the next one', async () => {
    const { exchange, engine } = await welcomed({ delay: async ({ kind }) => kind === 'read' && never() });
    await exchange(sync({ id: 1, context: text('a') }));
    await exchange(sync({ id: 2, context: text('ab') }, text('a')));
    assert.deepEqual(
      engine.calls.map(({ context, outcome }) => `${Buffer.from(context).toString()} ${outcome}`),
      ['a aborted', 'ab running'],
    );
  });

  it('that cannot be read is no matter: the round says why', async () => {
    const fail = () => {
      throw new EngineError('engine-lost', 'The engine restarts.');
    };
    const { exchange, faults } = await welcomed({ fail });
    assert.equal((await exchange(sync({ id: 1, context: [1] })))[0]?.case, 'synced');
    const round2 = await exchange(round({ id: 2, context: [1, 2] }, [1]));
    assert.deepEqual(failure(round2), { id: 2, code: 'unavailable' });
    assert.deepEqual(faults, []);
  });

  it('ends with the connection', async () => {
    const { exchange, engine, session } = await welcomed({ delay: never });
    await exchange(sync({ id: 1, context: [1] }));
    session.end();
    await exchange();
    assert.equal(engine.calls[0]?.outcome, 'aborted');
  });

  const refused: [string, ClientBody, string][] = [
    ['of another base', sync({ id: 1, context: [1, 2] }, [1]), 'resync'],
    ['without a token', sync({ id: 1, context: [] }), 'invalid'],
    ['with a foreign token', sync({ id: 1, context: [FAKE.vocabulary] }), 'invalid'],
    ['for an adapter that is not there', sync({ id: 1, context: [1], adapter: 'x' }), 'unknown-adapter'],
    ['that the target cannot hold', sync({ id: 1, context: new Array<Token>(600).fill(1) }), 'context-full'],
  ];
  for (const [name, frame, code] of refused) {
    it(`is refused ${name}`, async () => {
      const { exchange, engine } = await welcomed();
      assert.deepEqual(failure(await exchange(frame)), { id: 1, code });
      assert.deepEqual(engine.calls, []);
    });
  }
});

describe('a round', () => {
  it('begins with the text of what was taken back, and stops at the end of its line', async () => {
    const { exchange, engine } = await welcomed();
    const leading = text('le');
    const frame = round({ id: 1, context: text('const va'), more: 200, leading, untilLine: true });
    const { tokens } = verdict(await exchange(frame));
    const written = Buffer.from(tokens.filter((token) => token < 256)).toString();
    assert.match(written, /^le/);
    assert.ok(tokens.at(-1) === FAKE.end || /^le\s*\S[^\n]*\n$/.test(written), written);
    assert.equal(engine.calls.length, 1);
  });

  it('is answered with what the target makes of the draft and the time that took', async () => {
    const { exchange } = await welcomed();
    const context = text('hello');
    const [first, second] = fakeWrite(context, 2);
    const wrong = (second! + 1) % 256;
    const { spentUs, ...rest } = verdict(
      await exchange(round({ id: 7, context, drafted: [first!, wrong], more: 3 })),
    );
    const tokens = fakeWrite([...context, first!], 4);
    assert.deepEqual(rest, { id: 7, accepted: 1, tokens, fresh: context.length - 1 });
    assert.equal(spentUs, 1500);
  });

  it('reads its context as a change to the context and the draft of the round before', async () => {
    const { exchange, engine } = await welcomed();
    const first = text('function ');
    const drafted = text('name');
    await exchange(round({ id: 1, context: first, drafted }));
    const second = [...first, ...text('naming')];
    const frame = round({ id: 2, context: second }, [...first, ...drafted]);
    assert.equal(frame.case === 'verify' && frame.value.tokens.length, 3, 'only "ing" travels');
    verdict(await exchange(frame));
    assert.deepEqual(engine.calls.at(-1)?.context, second);
  });

  it('remembers its tokens from when it came, answered or not', async () => {
    const { exchange, engine } = await welcomed({ delay: never });
    await exchange(
      round({ id: 1, context: text('ab') }),
      round({ id: 2, context: text('abc') }, text('ab')),
      cancel(2),
      round({ id: 3, context: text('abcd') }, text('abc')),
    );
    assert.deepEqual(
      engine.calls.map(({ context }) => Buffer.from(context).toString()),
      // The second was cancelled before its turn came.
      ['ab', 'abcd'],
    );
  });

  it('on a base that differs is refused, and forgets the base', async () => {
    const { exchange, engine } = await welcomed();
    const base = text('abcdef');
    await exchange(round({ id: 1, context: base }));
    const other = text('abcdeX');
    assert.deepEqual(failure(await exchange(round({ id: 2, context: [...other, 1] }, other))), {
      id: 2,
      code: 'resync',
    });
    assert.deepEqual(failure(await exchange(round({ id: 3, context: [...base, 1] }, base))), {
      id: 3,
      code: 'resync',
    });
    verdict(await exchange(round({ id: 4, context: [...base, 1] })));
    assert.equal(engine.calls.length, 2);
  });

  it('is made with the adapter it asks for', async () => {
    const { exchange, engine } = await welcomed();
    const context = text('with an adapter');
    const { tokens } = verdict(await exchange(round({ id: 1, context, adapter: 'blue' })));
    assert.deepEqual(tokens, [fakeNext(context, 'blue')]);
    await exchange(round({ id: 2, context }));
    assert.deepEqual(
      engine.calls.map(({ adapter }) => adapter),
      ['blue', undefined],
    );
  });

  const full = FAKE.context;
  const long = new Array<Token>(full).fill(1);
  const refused: [string, ClientBody, { id: number; code: string }][] = [
    ['without a context', round({ id: 1, context: [] }), { id: 1, code: 'invalid' }],
    ['with the id of the connection', round({ id: 0, context: [1] }), { id: 0, code: 'invalid' }],
    [
      'with an id past the vocabulary',
      round({ id: 1, context: [FAKE.vocabulary] }),
      { id: 1, code: 'invalid' },
    ],
    [
      'with a drafted id past it',
      round({ id: 1, context: [1], drafted: [FAKE.vocabulary] }),
      { id: 1, code: 'invalid' },
    ],
    [
      'with a draft too long',
      round({ id: 1, context: [1], drafted: long.slice(0, MAX_DRAFT_LENGTH + 1) }),
      { id: 1, code: 'invalid' },
    ],
    [
      'with too much to write',
      round({ id: 1, context: [1], more: MAX_MORE + 1 }),
      { id: 1, code: 'invalid' },
    ],
    [
      'with an adapter nobody has',
      round({ id: 1, context: [1], adapter: 'green' }),
      { id: 1, code: 'unknown-adapter' },
    ],
    ['that leaves no room for a token', round({ id: 1, context: long }), { id: 1, code: 'context-full' }],
    [
      'that leaves no room with its draft',
      round({ id: 1, context: long.slice(2), drafted: [1, 1] }),
      { id: 1, code: 'context-full' },
    ],
    [
      'that leaves no room for more',
      round({ id: 1, context: long.slice(10), more: 10 }),
      { id: 1, code: 'context-full' },
    ],
  ];
  for (const [name, frame, expected] of refused) {
    it(`${name} is refused before the engine hears of it, and the next one is served`, async () => {
      const { exchange, engine, closed } = await welcomed();
      assert.deepEqual(failure(await exchange(frame)), expected);
      assert.equal(engine.calls.length, 0);
      const context = [1, 2];
      verdict(await exchange(round({ id: 2, context })));
      assert.deepEqual(closed, []);
    });
  }

  it('is served up to each of the bounds', async () => {
    const { exchange } = await welcomed();
    const drafted = new Array<Token>(MAX_DRAFT_LENGTH).fill(FAKE.vocabulary - 1);
    verdict(await exchange(round({ id: 0xffff_ffff, context: long.slice(MAX_DRAFT_LENGTH + 1), drafted })));
    verdict(await exchange(round({ id: 2, context: long.slice(MAX_MORE + 1), more: MAX_MORE })));
  });

  it('cannot make the node remember more than a context', async () => {
    const { exchange } = await welcomed();
    await exchange(round({ id: 1, context: long }));
    const grown = [...long, 1];
    assert.equal(failure(await exchange(round({ id: 2, context: grown }, long))).code, 'context-full');
    assert.equal(failure(await exchange(round({ id: 3, context: [...grown, 1] }, grown))).code, 'resync');
  });

  it('that comes a second time while it is under way is answered once', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { exchange } = await welcomed({ delay: () => gate.promise });
    const context = [1];
    await exchange(round({ id: 1, context }));
    assert.deepEqual(await exchange(round({ id: 1, context })), []);
    gate.resolve(undefined);
    assert.equal(verdict(await exchange()).id, 1);
    verdict(await exchange(round({ id: 1, context })));
  });

  it('is refused as busy past those that may be under way, until one is done', async () => {
    const { exchange, engine } = await welcomed({ delay: never });
    for (let id = 1; id <= MAX_RUNNING; id++)
      assert.deepEqual(await exchange(round({ id, context: [1] })), []);
    assert.deepEqual(failure(await exchange(round({ id: 9, context: [1] }))), { id: 9, code: 'busy' });
    assert.deepEqual(failure(await exchange(cancel(1))), { id: 1, code: 'cancelled' });
    assert.deepEqual(await exchange(round({ id: 10, context: [1] })), []);
    assert.equal(engine.calls.length, MAX_RUNNING + 1);
  });

  it('that is cancelled stops the engine and is answered so, once', async () => {
    const { exchange, engine, faults } = await welcomed({ delay: never });
    await exchange(round({ id: 1, context: [1] }), round({ id: 2, context: [1] }));
    assert.deepEqual(failure(await exchange(cancel(1))), { id: 1, code: 'cancelled' });
    assert.deepEqual(await exchange(cancel(1)), []);
    assert.deepEqual(
      engine.calls.map(({ outcome }) => outcome),
      ['aborted', 'running'],
    );
    assert.deepEqual(faults, []);
  });

  it('that is cancelled while the engine loads is answered, and so is the next', async () => {
    const { exchange, engine } = await welcomed({ delay: never });
    const loading: Engine['detokenize'] = (_tokens, signal) =>
      new Promise((_resolve, reject) =>
        signal!.addEventListener('abort', () => reject(signal!.reason as Error)),
      );
    engine.detokenize = loading;
    for (const id of [1, 2]) {
      assert.deepEqual(await exchange(round({ id, context: [1, 2], leading: [2] })), []);
      assert.deepEqual(failure(await exchange(cancel(id))), { id, code: 'cancelled' });
    }
  });

  it('that is cancelled while the target writes on stops there', async () => {
    let evaluations = 0;
    const { exchange, engine } = await welcomed({ delay: async () => ++evaluations > 1 && never() });
    const [frame, ...rest] = await exchange(round({ id: 1, context: [1], more: 9 }));
    assert.ok(frame?.case === 'verdict' && frame.value.open && rest.length === 0);
    assert.deepEqual(failure(await exchange(cancel(1))), { id: 1, code: 'cancelled' });
    assert.deepEqual([engine.calls.length, engine.calls[0]?.outcome, evaluations], [1, 'aborted', 2]);
  });

  it('that is cancelled when its verdict is as good as there is answered as cancelled too', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { exchange, engine, faults } = await welcomed({ delay: () => gate.promise, deaf: true });
    await exchange(round({ id: 1, context: [1] }));
    await exchange(cancel(1));
    gate.resolve(undefined);
    assert.deepEqual(failure(await exchange()), { id: 1, code: 'cancelled' });
    assert.equal(engine.calls[0]?.outcome, 'aborted');
    assert.deepEqual(faults, []);
  });

  it('waits until one that was cancelled is out of the engine, and so does a context to read', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { exchange, engine } = await welcomed({ delay: () => gate.promise, deaf: true });
    await exchange(round({ id: 1, context: [1] }));
    await exchange(cancel(1), round({ id: 2, context: [1, 2] }, [1]));
    assert.equal(engine.calls.length, 1, 'it would be read again where the cache is not');
    gate.resolve(undefined);
    await exchange();
    assert.deepEqual(engine.calls.at(-1)?.context, [1, 2]);
  });

  it('writes on in frames of the tokens of 40 ms each, without a gap, the last of which says so', async () => {
    const { exchange } = await welcomed({ seed: 3 });
    const [first, ...rest] = await exchange(round({ id: 1, context: [1], more: 40, untilLine: false }));
    assert.equal(first?.case, 'verdict');
    let own = 1;
    for (const [index, frame] of rest.entries()) {
      assert.equal(frame.case, 'written');
      const { start, tokens, open } = frame.value;
      assert.deepEqual([start, open], [own, index < rest.length - 1]);
      own += tokens!.length;
      // The clock goes on by 1.5 ms whenever it is read, at least once a token.
      assert.ok(tokens!.length <= 27);
    }
    assert.ok(own > 12 && rest.length <= 2, `${own} tokens in ${rest.length + 1} frames`);
  });

  it('that nobody knows may be cancelled', async () => {
    const { exchange, closed } = await welcomed();
    assert.deepEqual(await exchange(cancel(5)), []);
    assert.deepEqual(closed, []);
  });

  const failures: [EngineErrorCode, string][] = [
    ['context-full', 'context-full'],
    ['unknown-adapter', 'unknown-adapter'],
    ['unknown-token', 'invalid'],
    ['model-invalid', 'unavailable'],
    ['engine-lost', 'unavailable'],
    ['engine-failed', 'unavailable'],
    ['engine-disposed', 'unavailable'],
  ];
  for (const [engineCode, code] of failures) {
    it(`that meets ${engineCode} in the engine is answered with ${code}, and the next one is served`, async () => {
      let failing = true;
      const fail = () => {
        if (failing) throw new EngineError(engineCode, 'The engine says why.');
      };
      const { exchange, faults } = await welcomed({ fail });
      const frames = await exchange(round({ id: 3, context: [1] }));
      assert.deepEqual(frames, [
        { case: 'failure', value: { id: 3, code, message: 'The engine says why.' } },
      ]);
      assert.deepEqual(faults, []);
      failing = false;
      verdict(await exchange(round({ id: 4, context: [1] })));
    });
  }

  it('that meets a fault of the node is answered, reported, and the next one is served', async () => {
    const bug = new TypeError('a bug');
    let failing = true;
    const fail = () => {
      if (failing) throw bug;
    };
    const { exchange, faults, closed } = await welcomed({ fail });
    assert.deepEqual(failure(await exchange(round({ id: 3, context: [1] }))), { id: 3, code: 'unavailable' });
    assert.deepEqual(faults, [bug]);
    failing = false;
    verdict(await exchange(round({ id: 4, context: [1] })));
    assert.deepEqual(closed, []);
  });
});

describe('the end of a session', () => {
  it('of which the client is gone stops all that is under way, without a word', async () => {
    const { session, engine, exchange, closed, faults } = await welcomed({ delay: never });
    await exchange(round({ id: 1, context: [1] }), round({ id: 2, context: [1] }));
    session.end();
    assert.deepEqual(await exchange(round({ id: 3, context: [1] })), []);
    assert.deepEqual(
      engine.calls.map(({ outcome }) => outcome),
      ['aborted', 'aborted'],
    );
    assert.deepEqual({ closed, faults }, { closed: [], faults: [] });
  });

  it('that drains lets verdicts finish, takes no new round, then says goodbye', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { session, exchange, closed } = await welcomed({ delay: () => gate.promise });
    await exchange(round({ id: 1, context: [1] }));
    session.drain();
    assert.deepEqual(failure(await exchange(round({ id: 2, context: [1] }))), { id: 2, code: 'unavailable' });
    assert.deepEqual(closed, []);
    gate.resolve(undefined);
    assert.equal(verdict(await exchange()).id, 1);
    assert.deepEqual(
      closed.map(({ code }) => code),
      [CLOSE.goingAway],
    );
  });

  it('that drains with nothing under way comes at once', async () => {
    const { session, closed } = await welcomed();
    session.drain();
    assert.deepEqual(
      closed.map(({ code }) => code),
      [CLOSE.goingAway],
    );
  });

  it('that cannot wait stops what is under way', async () => {
    const { session, exchange, engine, closed } = await welcomed({ delay: never });
    await exchange(round({ id: 1, context: [1] }));
    session.drain();
    session.leave();
    assert.deepEqual(await exchange(), []);
    assert.equal(engine.calls[0]?.outcome, 'aborted');
    assert.deepEqual(
      closed.map(({ code }) => code),
      [CLOSE.goingAway],
    );
  });
});

describe('an adapter', () => {
  const versions = (...numbers: number[]) =>
    numbers.map((number) => ({
      adapter: 'green',
      number,
      sha256: String(number).repeat(64),
      bytes: 10,
      backbone: 'b'.repeat(64),
      pinned: false,
    }));
  const project = 'e'.repeat(64);
  const assigned = (frames: readonly NodeBody[]) =>
    frames.map((frame) => {
      assert.equal(frame.case, 'assigned');
      return frame.value.adapter;
    });

  it('is told by name and by project, and told again when a new version is there', async () => {
    let stored = { versions: versions(1), projects: new Map([[project, 'green']]) };
    const { session, exchange, sent } = await welcomed({}, { stored: () => stored });
    assert.deepEqual(assigned(await exchange(ask({ name: 'green' }))), ['green@1']);
    assert.deepEqual(assigned(await exchange(ask({ project }))), ['green@1']);
    assert.deepEqual(
      assigned(await exchange(ask({ name: 'blue' }))),
      ['blue'],
      "a family's own has no version",
    );
    assert.deepEqual(assigned(await exchange(ask({ name: 'grey' }))), [''], 'the backbone answers');
    const before = sent.length;
    session.renew();
    assert.equal(sent.length, before, 'nothing is said where nothing changed');
    stored = { versions: versions(1, 2), projects: new Map([[project, 'blue']]) };
    session.renew();
    assert.deepEqual(assigned(sent.slice(before)), ['green@2', 'blue']);
  });

  it('that was replaced still answers who began with it, by its id', async () => {
    const stored = { versions: versions(1, 2), projects: new Map() };
    const { exchange, engine } = await welcomed({}, { stored: () => stored });
    const answer = await exchange(round({ id: 1, context: text('a'), adapter: 'green@1' }));
    assert.deepEqual(verdict(answer).tokens, [fakeNext(text('a'), 'green@1')]);
    assert.equal(engine.calls.at(-1)?.adapter, 'green@1');
    const removed = await exchange(round({ id: 2, context: text('a'), adapter: 'green@3' }));
    assert.deepEqual(failure(removed), { id: 2, code: 'unknown-adapter' });
  });

  it('that is not in memory is waited for, but not for ever', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const loading = Promise.withResolvers<undefined>();
    const { exchange, reports } = await welcomed(
      {},
      { prepare: (adapter) => (adapter === 'red' ? loading.promise : Promise.resolve()) },
    );
    assert.deepEqual(await exchange(round({ id: 1, context: text('a'), adapter: 'red' })), []);
    t.mock.timers.tick(300);
    assert.deepEqual(failure(await exchange()), { id: 1, code: 'loading' });
    const answer = verdict(await exchange(round({ id: 2, context: text('a') }, text('a'))));
    assert.deepEqual(answer.tokens, [fakeNext(text('a'))], 'the backbone answers meanwhile');
    loading.resolve(undefined);
    const later = await exchange(round({ id: 3, context: text('a'), adapter: 'red' }, text('a')));
    assert.deepEqual(verdict(later).tokens, [fakeNext(text('a'), 'red')]);
    assert.deepEqual(
      reports.map(({ adapter, outcome }) => [adapter, outcome]),
      [
        ['red', 'loading'],
        ['', 'verified'],
        ['red', 'verified'],
      ],
    );
  });

  it('that is being loaded for a context to read ahead keeps nobody waiting either', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const prepare = (adapter: string) =>
      adapter === 'red' ? new Promise<void>(() => undefined) : Promise.resolve();
    const { exchange } = await welcomed({}, { prepare });
    const [synced] = await exchange(sync({ id: 1, context: text('ab'), adapter: 'red' }));
    assert.equal(synced?.case, 'synced');
    await exchange(round({ id: 2, context: text('ab'), adapter: 'red' }, text('ab')));
    t.mock.timers.tick(300);
    assert.deepEqual(failure(await exchange()), { id: 2, code: 'loading' });
    const answer = verdict(await exchange(round({ id: 3, context: text('ab') }, text('ab'))));
    assert.deepEqual(answer.tokens, [fakeNext(text('ab'))]);
  });

  it('is asked for in a question that makes sense, and not too often', async () => {
    const { exchange, closed } = await welcomed();
    const code = () => closed.map((one) => one.code);
    for (let asked = 0; asked < 256; asked++) await exchange(ask({ name: `name-${asked}` }));
    await exchange(ask({ name: 'name-0' }));
    assert.deepEqual(code(), [], 'the same again is no new question');
    await exchange(ask({ name: 'one-more' }));
    assert.deepEqual(code(), [CLOSE.malformed]);
    const short = await welcomed();
    await short.exchange(ask({ project: 'ab' }));
    assert.equal(short.closed[0]?.code, CLOSE.malformed);
  });
});

describe('a node with more to do than it can', () => {
  it('says so at once where too many wait, and takes on the next when there is room', async () => {
    const held = Promise.withResolvers<undefined>();
    const scheduling = { running: 1, waiting: 1 };
    const { exchange } = await welcomed({ delay: () => held.promise }, { scheduling });
    assert.deepEqual(await exchange(round({ id: 1, context: text('a') })), []);
    assert.deepEqual(await exchange(round({ id: 2, context: text('ab') }, text('a'))), []);
    const refused = await exchange(round({ id: 3, context: text('abc') }, text('ab')));
    assert.deepEqual(failure(refused), { id: 3, code: 'busy' });
    held.resolve(undefined);
    const answered = await exchange();
    assert.deepEqual(
      answered.map((frame) => frame.case === 'verdict' && frame.value.id),
      [1, 2],
    );
  });

  it('forgets who cancels while waiting', async () => {
    const held = Promise.withResolvers<undefined>();
    const { exchange, engine } = await welcomed(
      { delay: () => held.promise },
      { scheduling: { running: 1 } },
    );
    await exchange(round({ id: 1, context: text('a') }), round({ id: 2, context: text('b') }));
    assert.deepEqual(failure(await exchange(cancel(2))), { id: 2, code: 'cancelled' });
    held.resolve(undefined);
    await exchange();
    assert.equal(engine.calls.length, 1, 'the engine never saw it');
  });
});

it('a token that is not valid any more ends its connection with the reason', async () => {
  const { session, exchange, closed, sent } = await welcomed();
  session.revoke('The token was revoked.');
  await exchange();
  assert.deepEqual(failure(sent.slice(-1)), { id: 0, code: 'unauthorized' });
  assert.deepEqual(closed, [{ code: CLOSE.unauthorized, reason: 'The token was revoked.' }]);
});
