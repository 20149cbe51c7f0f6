import { EMBEDDED_FAMILY, type EngineSpec } from '@foretype/models';
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DraftModel } from '../../server/src/draft-model.ts';
import type { RestingState } from '../../server/src/resting-engine.ts';
import { FakeEngine } from '../support/fake-engine.ts';

describe('the draft model', () => {
  it('loads a family, sleeps and wakes', async () => {
    const { model, started, states } = modelOf();
    assert.deepEqual([model.family, model.engine, model.recollection], [undefined, undefined, undefined]);
    await model.use(EMBEDDED_FAMILY);
    assert.equal(model.family!.id, 'foretype-small');
    assert.equal(started.length, 1);
    await model.sleep();
    assert.ok(started[0]!.engine.disposed);
    model.wake();
    assert.equal(started.length, 2);
    assert.deepEqual(
      states.map(({ status }) => status),
      ['loading', 'loading', 'ready', 'asleep', 'loading', 'ready'],
    );
    await model.dispose();
    assert.ok(started[1]!.engine.disposed);
  });

  it('another family takes the place of the first, whose engine ends before the next begins', async (t) => {
    const { model, started } = modelOf();
    await model.use(EMBEDDED_FAMILY);
    const { recollection } = model;
    await model.use(await familyNamed(t, 'another'));
    assert.deepEqual(
      started.map(({ endedBefore }) => endedBefore),
      [0, 1],
    );
    assert.equal(model.family!.id, 'another');
    assert.notEqual(model.recollection, recollection);
    await model.dispose();
  });

  it('of two families that are asked for at once, only the last is loaded', async (t) => {
    const { model, started } = modelOf();
    const other = await familyNamed(t, 'another');
    await Promise.all([model.use(EMBEDDED_FAMILY), model.use(other)]);
    assert.deepEqual([model.family!.id, started.length], ['another', 1]);
    await model.dispose();
  });

  it('a manifest that cannot be read: no family, and one sentence', async () => {
    const { model, started, states } = modelOf();
    await model.use('/nowhere');
    const { status, reason } = states.at(-1)!;
    assert.equal(status, 'failed');
    assert.match(reason!, /^The family manifest .* cannot be read; install the model family again\.$/u);
    assert.deepEqual([model.family, started.length], [undefined, 0]);
  });

  it('disposed of while it reads the manifest, it starts nothing', async () => {
    const { model, started } = modelOf();
    const using = model.use(EMBEDDED_FAMILY);
    await model.dispose();
    await using;
    assert.equal(started.length, 0);
  });
});

function modelOf() {
  const states: RestingState[] = [];
  const started: { spec: EngineSpec; engine: FakeEngine; endedBefore: number }[] = [];
  const model = new DraftModel({
    start: (spec, onState) => {
      const endedBefore = started.filter(({ engine }) => engine.disposed).length;
      const engine = new FakeEngine();
      started.push({ spec, engine, endedBefore });
      onState?.({ status: 'ready', reason: null });
      return engine;
    },
    onState: (state) => states.push(state),
    idleMs: () => 0,
    after: () => () => undefined,
  });
  return { model, started, states };
}

async function familyNamed(t: { after(run: () => Promise<void>): void }, id: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'foretype-family-'));
  t.after(() => rm(directory, { recursive: true }));
  await cp(join(EMBEDDED_FAMILY, 'family.json'), join(directory, 'family.json'));
  const manifest = JSON.parse(await readFile(join(directory, 'family.json'), 'utf8')) as object;
  await writeFile(join(directory, 'family.json'), JSON.stringify({ ...manifest, id }));
  return directory;
}
