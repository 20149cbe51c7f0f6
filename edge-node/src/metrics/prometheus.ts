import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { adapterLabel, firstOnes, MAX_ADAPTERS, MAX_CODES, OTHER } from './labels.ts';
import type { Memory } from './memory.ts';
import type { Metrics } from './metrics.ts';

/** What is not counted but looked at, at the moment when somebody asks. */
export interface Moment {
  /** Open WebSockets. */
  readonly sessions: number;
  readonly families: readonly {
    readonly family: string;
    /** Whether its engine can be asked. */
    readonly ready: boolean;
    readonly running: number;
    readonly waiting: number;
  }[];
  readonly memory: Memory;
}

/** Metrics that Prometheus can read. */
export interface Prometheus extends Metrics {
  readonly contentType: string;
  /** All of them as text (Prometheus exposition format 0.0.4). */
  expose(moment: Moment): Promise<string>;
}

export interface PrometheusOptions {
  readonly version: string;
  /** Whether Node's own metrics (`process_…`, `nodejs_…`) are among them; they measure as long as the process lives. */
  readonly ofProcess?: boolean;
}

const PREFIX = 'foretype_edge_';

/** Seconds: from a round that is all in the cache to a prompt that nobody waits for any more. */
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Tokens: from one to as many as a context holds. */
const TOKENS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

/** Names and units as https://prometheus.io/docs/practices/naming/ wants them: base units, and `total` for what is counted. */
export function createPrometheus({ version, ofProcess = true }: PrometheusOptions): Prometheus {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name: `${PREFIX}${name}_total`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
    new Histogram({ name: PREFIX + name, help, buckets, labelNames, registers });

  const rounds = counter('rounds', 'Rounds and completions, by how they ended.', 'family', 'outcome');
  const roundSeconds = histogram('round_duration_seconds', 'Time to the whole verdict.', SECONDS, 'family');
  const drafted = counter('drafted_tokens', 'Tokens that were drafted and judged.', 'family', 'adapter');
  const accepted = counter(
    'accepted_tokens',
    'Those that the target would have written.',
    'family',
    'adapter',
  );
  const written = counter('written_tokens', 'Tokens of the target’s own.', 'family', 'adapter');
  const context = counter('context_tokens', 'Tokens of the contexts of verified rounds.', 'family');
  const cached = counter('context_cached_tokens', 'Those of them that were in the KV cache.', 'family');
  const evaluated = counter('evaluated_tokens', 'Tokens that engines evaluated.', 'family');
  const batch = histogram('evaluation_tokens', 'Tokens evaluated in one piece.', TOKENS, 'family');
  const evaluation = histogram('evaluation_duration_seconds', 'Time for one piece.', SECONDS, 'family');
  const lookups = counter(
    'adapter_lookups',
    'Requests by whether their adapter was in memory.',
    'family',
    'result',
  );
  const loaded = counter('adapter_loaded_bytes', 'Adapters that were brought into memory.', 'family');
  const evictions = counter('adapter_evictions', 'Adapters that had to leave memory.', 'family');
  const recycles = counter(
    'engine_recycles',
    'Engine processes that were replaced or ended to free memory.',
    'family',
  );
  const errors = counter('errors', 'Errors that clients were told of outside rounds, by code.', 'code');
  const requests = histogram(
    'http_request_duration_seconds',
    'HTTP requests.',
    SECONDS,
    'method',
    'route',
    'status',
  );

  const sessions = gauge('sessions', 'Open WebSockets.');
  const ready = gauge('engine_ready', 'Whether the engine of a family can be asked.', 'family');
  const running = gauge('requests_running', 'Requests that are in an engine.', 'family');
  const waiting = gauge('requests_waiting', 'Requests that wait for a place in an engine.', 'family');
  const resident = gauge('memory_resident_bytes', 'Resident memory of a process.', 'process', 'family');
  const budget = gauge(
    'memory_budget_bytes',
    'What backbones, adapters and KV may take together; +Inf where that is not bounded.',
  );
  const placed = gauge('memory_placed_bytes', 'What they take, by the node’s own account.');
  gauge('build_info', 'Always 1; the label says which version runs.', 'version').set({ version }, 1);
  if (ofProcess) collectDefaultMetrics({ register: registry });

  const adapterOf = firstOnes(MAX_ADAPTERS);
  const codeOf = firstOnes(MAX_CODES);

  return {
    contentType: registry.contentType,
    round: ({ family, outcome, ...figures }) => {
      rounds.inc({ family, outcome: codeOf(outcome) });
      // What others took says how patient clients are, and what they had read is not known.
      if (outcome !== 'verified') return;
      const adapter = adapterOf(adapterLabel(figures.adapter));
      roundSeconds.observe({ family }, figures.spentMs / 1000);
      drafted.inc({ family, adapter }, figures.drafted);
      accepted.inc({ family, adapter }, figures.accepted);
      written.inc({ family, adapter }, figures.own);
      context.inc({ family }, figures.context);
      cached.inc({ family }, Math.max(0, figures.context - figures.fresh));
    },
    evaluation: ({ family, tokens, spentMs }) => {
      evaluated.inc({ family }, tokens);
      batch.observe({ family }, tokens);
      evaluation.observe({ family }, spentMs / 1000);
    },
    hosting: ({ kind, family, bytes = 0, evicted = 0 }) => {
      if (kind === 'hit' || kind === 'miss') lookups.inc({ family, result: kind });
      if (kind === 'loaded') loaded.inc({ family }, bytes);
      if (kind !== 'recycled' && kind !== 'unloaded') return;
      recycles.inc({ family });
      evictions.inc({ family }, evicted);
    },
    // Where there is no such route, the method too is whatever a client made up.
    request: ({ method, route, status, spentMs }) =>
      requests.observe({ method: route ? method : OTHER, route: route ?? OTHER, status }, spentMs / 1000),
    failure: (code) => errors.inc({ code: codeOf(code) }),
    expose: (moment) => {
      sessions.set(moment.sessions);
      // A family that is served no more must not stay as it was last.
      for (const each of [ready, running, waiting, resident]) each.reset();
      for (const { family, ...now } of moment.families) {
        ready.set({ family }, now.ready ? 1 : 0);
        running.set({ family }, now.running);
        waiting.set({ family }, now.waiting);
      }
      const { memory } = moment;
      resident.set({ process: 'node', family: '' }, memory.node);
      for (const [family, bytes] of memory.engines) resident.set({ process: 'engine', family }, bytes);
      budget.set(memory.budget);
      placed.set(memory.placed);
      return registry.metrics();
    },
  };
}
