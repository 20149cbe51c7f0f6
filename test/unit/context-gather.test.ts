import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeChunk, type Chunk } from '../../server/src/context/chunk.ts';
import { withEdit, type Edits } from '../../server/src/context/edits.ts';
import { gather, roomOfRing, type Clock, type ContextSources } from '../../server/src/context/gather.ts';
import { emptyRing, limitsFor, withChunk } from '../../server/src/context/ring.ts';

const ROOM = 20_000;
const PLACE = { uri: 'file:///here.ts', around: 'something else' };

const chunk = (name: string, { uri = `file:///${name}.ts`, lines = 4 } = {}) =>
  makeChunk(
    { uri, origin: 'visited', line: 0 },
    Array.from({ length: lines }, (_, at) => `${name} ${at}`),
  );

function ringOf(...chunks: Chunk[]) {
  return chunks.reduce(withChunk, emptyRing(limitsFor(roomOfRing(ROOM))));
}

function editsOf(...names: string[]): Edits {
  return names.reduce(
    (edits: Edits, name) =>
      withEdit(edits, { uri: `file:///${name}.ts`, before: 'a\nb\nc', after: `a\n${name} edited\nc` }),
    [],
  );
}

/** A clock that stands still until it is told to go on. */
class Stopped implements Clock {
  #now = 0;
  #timers: { at: number; then: () => void }[] = [];
  now = () => this.#now;
  after = (ms: number, then: () => void) => {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  };
  /** As a process that is busy does: time goes on, and nobody is told. */
  pass(ms: number) {
    this.#now += ms;
  }
  ring() {
    for (const { at, then } of this.#timers) if (at <= this.#now) then();
  }
  get waiting() {
    return this.#timers.length;
  }
}

const all: ContextSources = {
  ring: ringOf(chunk('one'), chunk('two')),
  edits: editsOf('three', 'four'),
  imports: () => Promise.resolve([chunk('five')]),
  allowed: () => Promise.resolve(true),
};
const names = (chunks: readonly Chunk[]) => chunks.map(({ uri }) => uri.slice(8, -3)).join(' ');

describe('the context of a completion', () => {
  it('is the ring, then imports, then edits with the newest last', async () => {
    const clock = new Stopped();
    const { chunks, missing } = await gather(all, PLACE, { characters: ROOM, clock });
    assert.equal(names(chunks), 'one two five three four');
    assert.deepEqual(missing, []);
    assert.equal(clock.waiting, 0);
  });

  it('begins the same whatever is edited and wherever', async () => {
    const clock = new Stopped();
    const text = async (sources: Partial<ContextSources>, place = PLACE) => {
      const { chunks } = await gather({ ...all, ...sources }, place, { characters: ROOM, clock });
      return chunks.map((one) => one.text).join('');
    };
    const ring = all.ring.chunks.map((one) => one.text).join('');
    assert.ok((await text({ edits: editsOf('six', 'seven') })).startsWith(ring));
    assert.ok((await text({}, { ...PLACE, uri: 'file:///other.ts' })).startsWith(ring));
    assert.ok((await text({ imports: () => Promise.resolve([]) })).startsWith(ring));
    assert.ok((await text({ ring: withChunk(all.ring, chunk('more')) })).startsWith(ring));
  });

  it('leaves out what the prompt shows anyway', async () => {
    const around = `${all.ring.chunks[0]!.text}a\nfour edited\nc\n`;
    const { chunks } = await gather(all, { ...PLACE, around }, { characters: ROOM, clock: new Stopped() });
    assert.equal(names(chunks), 'two five three');
  });

  it('keeps within the room, and what one leaves of it is not given to the others', async () => {
    const long = (name: string) => chunk(name, { lines: 20 });
    const size = long('aa').text.length;
    const sources = {
      ...all,
      ring: {
        ...emptyRing({ chunks: 16, characters: 1e6, lines: 64 }),
        chunks: ['a1', 'a2', 'a3', 'a4'].map(long),
      },
      imports: () => Promise.resolve(['b1', 'b2'].map(long)),
      edits: editsOf('c1', 'c2', 'c3'),
    };
    const of = async (characters: number, change: Partial<ContextSources> = {}) => {
      const { chunks } = await gather({ ...sources, ...change }, PLACE, { characters, clock: new Stopped() });
      assert.ok(chunks.reduce((sum, { text }) => sum + text.length, 0) <= characters);
      return names(chunks);
    };
    assert.equal(await of(size * 5), 'a2 a3 a4 b1 c1 c2 c3');
    assert.equal(await of(size * 5, { imports: () => Promise.resolve([]), edits: [] }), 'a2 a3 a4');
    assert.equal(await of(100), 'c3');
    assert.equal(await of(0), '');
  });

  it('asks nobody where there is no room', async () => {
    const never = () => Promise.reject(new Error('asked'));
    const { chunks } = await gather({ ...all, imports: never, allowed: never }, PLACE, {
      characters: 0,
      clock: new Stopped(),
    });
    assert.deepEqual(chunks, []);
  });

  it('has nothing of documents that may not be shown, except the one at hand', async () => {
    const here = chunk('here', { uri: PLACE.uri });
    const sources = {
      ...all,
      ring: withChunk(all.ring, here),
      allowed: (uri: string) => Promise.resolve(!/one|four|five|here/u.test(uri)),
    };
    const { chunks, missing } = await gather(sources, PLACE, { characters: ROOM, clock: new Stopped() });
    assert.equal(names(chunks), 'two here three');
    assert.deepEqual(missing, []);
  });

  it('asks once for each document', async () => {
    const asked: string[] = [];
    const allowed = (uri: string) => {
      asked.push(uri);
      return Promise.resolve(true);
    };
    const twice = withChunk(all.ring, chunk('again', { uri: 'file:///one.ts' }));
    await gather({ ...all, ring: twice, allowed }, PLACE, { characters: ROOM, clock: new Stopped() });
    assert.deepEqual(asked.toSorted(), [...new Set(asked)].toSorted());
  });
});

describe('the deadline of a context', () => {
  const limits = (clock: Clock) => ({ characters: ROOM, clock });
  const later = () => {
    const { promise, resolve } = Promise.withResolvers<readonly Chunk[]>();
    return { promise, resolve: () => resolve([chunk('five')]) };
  };
  /** Lets everything that is under way come as far as it can. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('is 50 ms: imports that take longer are left out', async () => {
    const clock = new Stopped();
    const gathered = gather({ ...all, imports: () => new Promise(() => undefined) }, PLACE, limits(clock));
    await settle();
    clock.pass(49);
    clock.ring();
    assert.equal(await Promise.race([gathered, settle().then(() => 'waiting')]), 'waiting');
    clock.pass(1);
    clock.ring();
    const { chunks, missing } = await gathered;
    assert.equal(names(chunks), 'one two three four');
    assert.deepEqual(missing, ['imports']);
  });

  it('lets in what comes before', async () => {
    const clock = new Stopped();
    const { promise, resolve } = later();
    const gathered = gather({ ...all, imports: () => promise }, PLACE, limits(clock));
    clock.pass(50);
    resolve();
    const { chunks } = await gathered;
    assert.equal(names(chunks), 'one two five three four');
  });

  it('holds though the process was too busy to notice', async () => {
    const clock = new Stopped();
    const { promise, resolve } = later();
    const gathered = gather({ ...all, imports: () => promise }, PLACE, limits(clock));
    await settle();
    clock.pass(51);
    resolve();
    const { chunks, missing } = await gathered;
    assert.equal(names(chunks), 'one two three four');
    assert.deepEqual(missing, ['imports']);
  });

  it('holds for what may be shown, though the process was too busy to notice', async () => {
    const clock = new Stopped();
    const two = Promise.withResolvers<boolean>();
    const allowed = (uri: string) => (uri.includes('two') ? two.promise : Promise.resolve(true));
    const gathered = gather({ ...all, allowed }, PLACE, limits(clock));
    await settle();
    clock.pass(51);
    two.resolve(true);
    const { chunks, missing } = await gathered;
    assert.equal(names(chunks), 'one five three four');
    assert.deepEqual(missing, ['rules']);
  });

  it('leaves out documents of which nobody said in time that they may be shown', async () => {
    const clock = new Stopped();
    const allowed = (uri: string) =>
      uri.includes('two') || uri.includes('five')
        ? new Promise<boolean>(() => undefined)
        : Promise.resolve(true);
    const gathered = gather({ ...all, allowed }, PLACE, limits(clock));
    await settle();
    clock.pass(50);
    clock.ring();
    const { chunks, missing } = await gathered;
    assert.equal(names(chunks), 'one three four');
    assert.deepEqual(missing, ['imports', 'rules']);
  });

  it('is not waited for where something fails', async () => {
    const failing = () => Promise.reject(new Error('no'));
    const { chunks, missing } = await gather({ ...all, imports: failing }, PLACE, limits(new Stopped()));
    assert.equal(names(chunks), 'one two three four');
    assert.deepEqual(missing, ['imports']);
    const none = await gather({ ...all, allowed: failing }, PLACE, limits(new Stopped()));
    assert.deepEqual(none, { chunks: [], missing: ['rules'] });
  });
});
