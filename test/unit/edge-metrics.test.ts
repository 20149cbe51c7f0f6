import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adapterLabel, firstOnes, MAX_ADAPTERS, OTHER } from '../../edge-node/src/metrics/labels.ts';
import { measured } from '../../edge-node/src/metrics/measured.ts';
import { memoryOf, residentBytes } from '../../edge-node/src/metrics/memory.ts';
import type { EvaluationFigures, RoundFigures } from '../../edge-node/src/metrics/metrics.ts';
import { createPrometheus, type Moment } from '../../edge-node/src/metrics/prometheus.ts';
import { tokensOf } from '@foretype/models';
import { FakeEngine, fakeWrite } from '../support/fake-engine.ts';

const MOMENT: Moment = {
  sessions: 3,
  families: [{ family: 'one', ready: true, running: 2, waiting: 5 }],
  memory: { node: 1000, engines: new Map([['one', 2000]]), budget: 9000, placed: 500 },
};

const ROUND: RoundFigures = {
  family: 'one',
  adapter: 'mine',
  outcome: 'verified',
  drafted: 8,
  accepted: 6,
  own: 1,
  context: 100,
  fresh: 10,
  spentMs: 30,
};

/** Lines of the exposition that are samples, by name and labels. */
function samples(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ')).replace('+Inf', 'Infinity')),
    ]),
  );
}

describe('the exposition', () => {
  it('counts what it was told', async () => {
    const metrics = createPrometheus({ version: '1.2.3', ofProcess: false });
    metrics.round(ROUND);
    metrics.round({ ...ROUND, adapter: 'mine@7', fresh: 100, accepted: 0 });
    metrics.round({ ...ROUND, adapter: '' });
    metrics.round({ ...ROUND, outcome: 'busy' });
    metrics.evaluation({ family: 'one', tokens: 18, spentMs: 20 });
    metrics.hosting({ kind: 'hit', family: 'one' });
    metrics.hosting({ kind: 'loaded', family: 'one', bytes: 77 });
    metrics.hosting({ kind: 'recycled', family: 'one', evicted: 3 });
    metrics.hosting({ kind: 'state', family: 'one' });
    metrics.request({ method: 'GET', route: '/v1/models', status: 200, spentMs: 3 });
    metrics.request({ method: 'BREW', route: undefined, status: 404, spentMs: 3 });
    metrics.failure('unauthorized');
    const told = samples(await metrics.expose(MOMENT));
    const expected: Record<string, number> = {
      'foretype_edge_rounds_total{family="one",outcome="verified"}': 3,
      'foretype_edge_rounds_total{family="one",outcome="busy"}': 1,
      'foretype_edge_round_duration_seconds_count{family="one"}': 3,
      'foretype_edge_drafted_tokens_total{family="one",adapter="mine"}': 16,
      'foretype_edge_accepted_tokens_total{family="one",adapter="mine"}': 6,
      'foretype_edge_accepted_tokens_total{family="one",adapter="(backbone)"}': 6,
      'foretype_edge_written_tokens_total{family="one",adapter="mine"}': 2,
      'foretype_edge_context_tokens_total{family="one"}': 300,
      'foretype_edge_context_cached_tokens_total{family="one"}': 180,
      'foretype_edge_evaluated_tokens_total{family="one"}': 18,
      'foretype_edge_evaluation_tokens_bucket{le="32",family="one"}': 1,
      'foretype_edge_evaluation_tokens_bucket{le="16",family="one"}': 0,
      'foretype_edge_evaluation_duration_seconds_sum{family="one"}': 0.02,
      'foretype_edge_adapter_lookups_total{family="one",result="hit"}': 1,
      'foretype_edge_adapter_loaded_bytes_total{family="one"}': 77,
      'foretype_edge_adapter_evictions_total{family="one"}': 3,
      'foretype_edge_engine_recycles_total{family="one"}': 1,
      'foretype_edge_http_request_duration_seconds_count{method="GET",route="/v1/models",status="200"}': 1,
      'foretype_edge_http_request_duration_seconds_count{method="(other)",route="(other)",status="404"}': 1,
      'foretype_edge_errors_total{code="unauthorized"}': 1,
      foretype_edge_sessions: 3,
      'foretype_edge_engine_ready{family="one"}': 1,
      'foretype_edge_requests_running{family="one"}': 2,
      'foretype_edge_requests_waiting{family="one"}': 5,
      'foretype_edge_memory_resident_bytes{process="node",family=""}': 1000,
      'foretype_edge_memory_resident_bytes{process="engine",family="one"}': 2000,
      foretype_edge_memory_budget_bytes: 9000,
      foretype_edge_memory_placed_bytes: 500,
      'foretype_edge_build_info{version="1.2.3"}': 1,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(told.get(name), value, name);
  });

  it('has names and units as Prometheus wants them, and help for each', async () => {
    const text = await createPrometheus({ version: '1.2.3', ofProcess: false }).expose(MOMENT);
    const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gmu)].map(([, name, type]) => ({
      name: name!,
      type,
    }));
    assert.ok(types.length > 20);
    for (const { name, type } of types) {
      assert.match(name, /^foretype_edge_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.doesNotMatch(name, /_(ms|milliseconds|kb|mb|mib)(_|$)/, name);
      if (type === 'histogram') assert.match(name, /_(seconds|tokens)$/);
      assert.match(text, new RegExp(`^# HELP ${name} [A-Z].*\\.$`, 'mu'), name);
    }
  });

  it('forgets a family that is served no more, and says where nothing is bounded', async () => {
    const metrics = createPrometheus({ version: '1.2.3', ofProcess: false });
    await metrics.expose(MOMENT);
    const memory = { node: 1, engines: new Map<string, number>(), budget: Infinity, placed: 0 };
    const told = samples(await metrics.expose({ sessions: 0, families: [], memory }));
    assert.ok(![...told.keys()].some((name) => name.includes('"one"')));
    assert.equal(told.get('foretype_edge_memory_budget_bytes'), Infinity);
  });

  it('has a bounded number of time series, whatever it is told', async () => {
    const metrics = createPrometheus({ version: '1.2.3', ofProcess: false });
    for (let count = 0; count < 2000; count++) {
      metrics.round({
        ...ROUND,
        adapter: `adapter-${count}@1`,
        outcome: count % 2 ? 'verified' : `made-up-${count}`,
      });
      metrics.failure(`code-${count}`);
      metrics.request({ method: `M${count}`, route: undefined, status: 404, spentMs: 1 });
    }
    const told = samples(await metrics.expose(MOMENT));
    assert.ok(told.size < 1000, `${told.size} time series`);
    const drafted = 'foretype_edge_drafted_tokens_total';
    assert.equal(told.get(`${drafted}{family="one",adapter="${OTHER}"}`), 8 * (1000 - MAX_ADAPTERS));
    const all = [...told]
      .filter(([name]) => name.startsWith(drafted))
      .reduce((sum, [, value]) => sum + value, 0);
    assert.equal(all, 8 * 1000);
  });

  it('has the process’s own metrics beside the node’s', async () => {
    const text = await createPrometheus({ version: '1.2.3' }).expose(MOMENT);
    assert.match(text, /^process_resident_memory_bytes \d+$/mu);
    assert.match(text, /^nodejs_eventloop_lag_seconds /mu);
  });
});

describe('labels', () => {
  it('are of the first values, and of these for ever', () => {
    const label = firstOnes(2);
    assert.deepEqual(['a', 'b', 'c', 'a', 'c', 'b'].map(label), ['a', 'b', OTHER, 'a', OTHER, 'b']);
  });

  it('of adapters have no version', () => {
    assert.deepEqual(['', 'mine', 'mine@12'].map(adapterLabel), ['(backbone)', 'mine', 'mine']);
  });
});

describe('a measured engine', () => {
  it('writes what it would write, and tells what it evaluated', async () => {
    let time = 0;
    const delay = () => Promise.resolve((time += 5));
    const told: EvaluationFigures[] = [];
    const metrics = { evaluation: (figures: EvaluationFigures) => void told.push(figures) };
    const engine = measured(new FakeEngine({ delay }), { family: 'one', metrics, now: () => time });
    const context = [...Buffer.from('const a')];
    const drafted = fakeWrite(context, 2);
    const written = [];
    for await (const { token } of engine.write({ context, drafted, limit: 3 })) {
      written.push(token);
      // The reader takes its time, which is not the engine's.
      time += 1000;
    }
    assert.deepEqual(written, fakeWrite(context, 5));
    assert.deepEqual(told, [
      { family: 'one', tokens: 9, spentMs: 5 },
      { family: 'one', tokens: 1, spentMs: 5 },
      { family: 'one', tokens: 1, spentMs: 5 },
    ]);
    assert.deepEqual(await tokensOf(engine.write({ context, limit: 2 })), fakeWrite(context, 2));
  });
});

describe('memory', () => {
  it('is that of the processes that run', { skip: process.platform !== 'linux' }, async () => {
    const own = (await residentBytes(process.pid))!;
    assert.ok(Math.abs(own - process.memoryUsage.rss()) < 64 * 1024 * 1024, `${own}`);
    // The largest number that a process may have is one less (proc_sys_kernel(5), pid_max).
    assert.equal(await residentBytes(4_194_304), undefined);
    const { engines, ...rest } = await memoryOf({
      families: ['one', 'two', 'gone'],
      pid: (family) => ({ one: process.pid, gone: 4_194_304 })[family],
      budget: 10,
      placed: () => 7,
    });
    assert.deepEqual([...engines.keys()], ['one']);
    assert.deepEqual([rest.budget, rest.placed], [10, 7]);
  });
});
