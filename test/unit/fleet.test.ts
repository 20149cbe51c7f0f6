import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { EngineError, tokensOf, type EngineHost, type NamedWeights } from '@foretype/models';
import { Fleet, type FleetEvent, type Member } from '../../edge-node/src/hosting/fleet.ts';
import { policyNamed } from '../../edge-node/src/hosting/policy.ts';
import { Popularity } from '../../edge-node/src/hosting/popularity.ts';
import { FakeEngine, fakeNext, type FakeOptions } from '../support/fake-engine.ts';

/** A process that is none: it says what it was told to take on, and refuses what it was not. */
class FakeHost extends FakeEngine implements EngineHost {
  readonly state = { status: 'ready', reason: null } as const;
  readonly pid = undefined;
  readonly adopted: string[] = [];

  adopt({ name }: NamedWeights): Promise<void> {
    this.adopted.push(name);
    return Promise.resolve();
  }
}

const BACKBONE = 100;
const ADAPTER = 10;
/** So long that nobody but who asks now counts for anything; the clock is looked at twice for each request. */
const A_WHILE = 40_000;
const context = [...Buffer.from('let')];

interface World {
  readonly budget?: number;
  readonly families?: readonly string[];
  readonly engine?: FakeOptions;
  readonly policy?: 'hits-per-byte' | 'lru';
  readonly pinned?: readonly string[];
  /** Milliseconds between two requests. */
  readonly everyMs?: number;
}

function fleetOf({
  budget = Infinity,
  families = ['one'],
  engine,
  policy = 'hits-per-byte',
  pinned = [],
  everyMs = 100,
}: World = {}) {
  const hosts: FakeHost[] = [];
  const events: FleetEvent[] = [];
  const members = families.map((id): Member => ({
    id,
    facts: { vocabulary: 300, context: 512, tokenizer: '' },
    bytes: BACKBONE,
    start: () => {
      const host = new FakeHost(engine);
      hosts.push(host);
      return host;
    },
    adapter: (name) =>
      name.startsWith('none') ? undefined : { bytes: ADAPTER, pinned: pinned.includes(name) },
    pinned: () => pinned,
    fileOf: (name) => Promise.resolve({ name, file: name, path: name, bytes: ADAPTER, sha256: '' }),
  }));
  const onEvent = (event: FleetEvent) => void events.push(event);
  let time = 0;
  const now = () => (time += everyMs);
  const fleet = new Fleet({ members, budget, policy: policyNamed(policy), now, onEvent });
  const write = async (adapter: string, family = families[0]!) => {
    await fleet.prepare(family, adapter);
    return tokensOf(fleet.engine(family).write({ adapter: adapter || undefined, context, limit: 1 }));
  };
  /** Asks again, as somebody does who goes on typing, while others are worth more. */
  const ask = async (adapter: string, family?: string) => {
    for (let tries = 0; ; tries++) {
      try {
        return await write(adapter, family);
      } catch (error) {
        if (tries >= 30 || !(error instanceof EngineError) || error.code !== 'not-placed') throw error;
      }
    }
  };
  return { fleet, hosts, events, write, ask };
}

describe('a fleet', () => {
  it('loads a backbone when it is first asked for, and an adapter likewise', async () => {
    const { fleet, hosts, ask } = fleetOf();
    assert.equal(fleet.bytes, 0);
    assert.equal(fleet.state('one').status, 'unloaded');
    assert.deepEqual(await ask(''), [fakeNext(context)]);
    assert.equal(fleet.bytes, BACKBONE);
    assert.deepEqual(await ask('a'), [fakeNext(context, 'a')]);
    await Promise.all([ask('a'), ask('b'), ask('b')]);
    assert.equal(hosts.length, 1);
    assert.deepEqual(hosts[0]!.adopted, ['a', 'b'], 'each once, however many ask at once');
    assert.equal(fleet.bytes, BACKBONE + 2 * ADAPTER);
    await fleet.dispose();
    assert.ok(hosts[0]!.disposed);
  });

  it('stays within its budget, by a new process without those that had to go', async () => {
    const budget = BACKBONE + 5 * ADAPTER;
    const { fleet, hosts, events, ask } = fleetOf({ budget, everyMs: A_WHILE });
    for (let number = 0; number < 200; number++) {
      assert.deepEqual(await ask(`v${number}`), [fakeNext(context, `v${number}`)]);
      assert.ok(fleet.bytes <= budget, `${fleet.bytes} bytes`);
      assert.ok(fleet.loaded('one').includes(`v${number}`));
    }
    await turn();
    assert.equal(hosts.filter(({ disposed }) => !disposed).length, 1, 'the others ended');
    const recycled = events.filter(({ kind }) => kind === 'recycled').length;
    assert.ok(recycled >= 39 && recycled <= 130, `${recycled} new processes for 200 versions`);
  });

  it('keeps what is asked for often', async () => {
    const { fleet, ask } = fleetOf({ budget: BACKBONE + 4 * ADAPTER });
    for (let number = 0; number < 40; number++) {
      for (let times = 0; times < 5; times++) await ask('popular');
      await ask(`once-${number}`);
      assert.ok(fleet.loaded('one').includes('popular'));
    }
  });

  it('keeps what was asked for last, where it is told to', async () => {
    const { fleet, ask } = fleetOf({ budget: BACKBONE + 4 * ADAPTER, policy: 'lru' });
    for (let times = 0; times < 50; times++) await ask('popular');
    for (let number = 0; number < 8; number++) await ask(`later-${number}`);
    assert.ok(!fleet.loaded('one').includes('popular'));
    assert.ok(fleet.loaded('one').includes('later-7'));
  });

  it('keeps what is pinned', async () => {
    const { fleet, ask } = fleetOf({
      budget: BACKBONE + 4 * ADAPTER,
      pinned: ['pinned'],
      everyMs: A_WHILE,
    });
    await ask('pinned');
    for (let number = 0; number < 30; number++) {
      for (let times = 0; times < 3; times++) await ask(`v${number}`);
      assert.ok(fleet.loaded('one').includes('pinned'));
    }
  });

  it('lets a request finish in the old process while the new one answers', async () => {
    const held = Promise.withResolvers<undefined>();
    const engine: FakeOptions = {
      delay: ({ adapter }) => (adapter === 'slow' ? held.promise : Promise.resolve()),
    };
    const { hosts, ask } = fleetOf({ budget: BACKBONE + 2 * ADAPTER, engine });
    const slow = ask('slow');
    for (let number = 0; number < 6; number++) await ask(`v${number}`);
    assert.ok(hosts.length > 1);
    assert.equal(hosts[0]!.disposed, false, 'somebody waits for it');
    held.resolve(undefined);
    assert.deepEqual(await slow, [fakeNext(context, 'slow')]);
    await turn();
    assert.ok(hosts[0]!.disposed);
  });

  it('takes an adapter on again that a new process has missed', async () => {
    let missed = false;
    const engine: FakeOptions = {
      fail: ({ adapter }) => {
        if (adapter !== 'a' || missed) return;
        missed = true;
        throw new EngineError('unknown-adapter', 'There is no adapter named "a".');
      },
    };
    const { hosts, ask } = fleetOf({ engine });
    await assert.rejects(ask('a'), { code: 'unknown-adapter' });
    assert.deepEqual(await ask('a'), [fakeNext(context, 'a')]);
    assert.deepEqual(hosts[0]!.adopted, ['a', 'a']);
  });

  it('changes backbones where not all fit, and serves several where they do', async () => {
    const both = fleetOf({ families: ['one', 'two'], budget: 2 * BACKBONE + 2 * ADAPTER });
    await both.ask('a', 'one');
    await both.ask('b', 'two');
    assert.deepEqual(both.fleet.loaded('one'), ['a']);
    assert.deepEqual(both.fleet.loaded('two'), ['b']);
    const one = fleetOf({ families: ['one', 'two'], budget: BACKBONE + 2 * ADAPTER });
    for (const family of ['one', 'two', 'one']) {
      await one.ask('a', family);
      assert.ok(one.fleet.bytes <= BACKBONE + 2 * ADAPTER);
      assert.deepEqual(one.fleet.loaded(family), ['a']);
    }
    assert.equal(one.fleet.state('two').status, 'unloaded');
  });

  it('loads nothing that is worth less than what is there', async () => {
    const { fleet, hosts, write } = fleetOf({ budget: BACKBONE + 2 * ADAPTER });
    for (let times = 0; times < 10; times++) for (const adapter of ['a', 'b']) await write(adapter);
    const started = hosts.length;
    await assert.rejects(write('c'), (error) => error instanceof EngineError && error.code === 'not-placed');
    assert.equal(hosts.length, started);
    assert.deepEqual([...fleet.loaded('one')].sort(), ['a', 'b']);
    for (let times = 0; times < 15; times++) await write('c').catch(() => undefined);
    assert.ok(fleet.loaded('one').includes('c'), 'until it is asked for more often');
  });

  it('says what does not fit at all, and what is not there', async () => {
    const { ask, fleet } = fleetOf({ budget: BACKBONE + ADAPTER - 1 });
    await ask('');
    const full = (error: unknown) => error instanceof EngineError && error.code === 'memory-full';
    await assert.rejects(ask('a'), full);
    await assert.rejects(fleetOf({ budget: BACKBONE - 1 }).ask(''), full);
    await assert.rejects(
      ask('none'),
      (error) => error instanceof EngineError && error.code === 'unknown-adapter',
    );
    assert.deepEqual(await ask(''), [fakeNext(context)], 'the backbone answers as before');
    assert.equal(fleet.bytes, BACKBONE);
  });

  it('ends also what is loading, and what a request still holds', async () => {
    const never = new Promise<never>(() => undefined);
    const loading = fleetOf({ engine: { facts: () => never } });
    loading.fleet.prepare('one', '').catch(() => undefined);
    await turn();
    void loading.fleet.dispose();
    await turn();
    assert.deepEqual(
      loading.hosts.map(({ disposed }) => disposed),
      [true],
    );

    const held: FakeOptions = { delay: ({ adapter }) => (adapter === 'slow' ? never : Promise.resolve()) };
    const { fleet, hosts, ask } = fleetOf({
      budget: BACKBONE + 2 * ADAPTER,
      engine: held,
      everyMs: A_WHILE,
    });
    void ask('slow');
    for (let number = 0; number < 6; number++) await ask(`v${number}`);
    assert.ok(hosts.length > 1 && !hosts[0]!.disposed);
    await fleet.dispose();
    assert.ok(hosts.every(({ disposed }) => disposed));
  });

  it('goes on as it was where the new process cannot be started', async () => {
    let starts = 0;
    const facts = () => {
      // The first engine is asked once when it is started; every one after it fails.
      if (++starts > 1) throw new EngineError('engine-lost', 'No memory.');
      return Promise.resolve({ vocabulary: 300, context: 512, tokenizer: '' });
    };
    const { fleet, ask } = fleetOf({ budget: BACKBONE + 2 * ADAPTER, engine: { facts } });
    await ask('a');
    await ask('b');
    await assert.rejects(ask('c'), /No memory/);
    assert.deepEqual(await ask('a'), [fakeNext(context, 'a')]);
    assert.deepEqual([...fleet.loaded('one')].sort(), ['a', 'b']);
  });
});

describe('popularity', () => {
  it('counts the last requests more than those long ago', () => {
    const popularity = new Popularity();
    for (let times = 0; times < 300; times++) popularity.count('early', 0);
    const early = popularity.of('early', 0);
    for (let times = 0; times < 300; times++) popularity.count('late', 0);
    assert.ok(Math.abs(popularity.of('early', 0) - early / 2) < 1e-6 * early);
    assert.ok(Math.abs(popularity.of('late', 0) - early) < 1e-6 * early);
  });

  it('counts for next to nothing what nobody asked for within a minute', () => {
    const popularity = new Popularity();
    for (let times = 0; times < 300; times++) popularity.count('gone', 0);
    popularity.count('here', 30_000);
    assert.ok(popularity.of('gone', 60_000) > popularity.of('here', 60_000));
    assert.ok(popularity.of('gone', 60_001) < popularity.of('here', 60_001));
  });

  it('forgets what nobody asks for any more, without end', () => {
    const popularity = new Popularity();
    for (let times = 0; times < 40_000; times++) popularity.count(times < 100 ? `old-${times}` : 'new', 0);
    assert.deepEqual([...popularity.ids], ['new']);
    assert.ok(Number.isFinite(popularity.of('new', 0)) && popularity.of('new', 0) > 400);
  });
});
