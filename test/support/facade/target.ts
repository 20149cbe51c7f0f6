import type { Engine, Family, Token, WriteRequest, Written } from '@foretype/models';
import type { WritingTarget } from '../../../edge-node/src/facade/models.ts';
import { rosterOf, type Stored } from '../../../edge-node/src/roster.ts';
import { Scheduler, type SchedulerOptions } from '../../../edge-node/src/scheduler.ts';
import { Seats } from '../../../edge-node/src/seats.ts';
import { FAKE, FakeEngine, type FakeCall } from '../fake-engine.ts';

export interface TargetFields {
  readonly id?: string;
  readonly order?: Family['fim']['order'];
  readonly context?: number;
  readonly bos?: Token;
  readonly stored?: Stored;
  readonly scheduler?: Partial<SchedulerOptions>;
  readonly prepare?: (adapter: string) => Promise<void>;
}

const WEIGHTS = { file: 'fake.gguf', bytes: 1, sha256: 'a'.repeat(64), path: '/nowhere/fake.gguf' };

/** A target with an engine of the fake's vocabulary, and the adapters `blue` and `red`. */
export function facadeTarget(engine: Engine, fields: TargetFields = {}): WritingTarget {
  const { id = 'fake-1', order = 'joined', context = FAKE.context, bos, prepare } = fields;
  const { prefix, suffix, middle, tokenizer, end } = FAKE;
  const adapter = (name: string) => ({ ...WEIGHTS, name, licence: 'MIT' });
  const family: Family = {
    format: 1,
    id,
    licence: 'MIT',
    context,
    tokenizer: { fingerprint: tokenizer, end: [end], ...(bos === undefined ? {} : { bos }) },
    fim: { prefix, suffix, middle, order },
    backbone: WEIGHTS,
    draft: WEIGHTS,
    adapters: [adapter('blue'), adapter('red')],
  };
  const roster = rosterOf(family, fields.stored ?? { versions: [], projects: new Map() });
  const seats = new Seats({ count: 100, idleMs: 1000, tenureMs: 1000, soonMs: 1000, readMs: Infinity });
  const free = { seats, now: () => 0 };
  const limits = { running: 4, waiting: 16, waitingEach: 8, patienceMs: 5_000, ...free, ...fields.scheduler };
  return {
    family,
    engine,
    scheduler: new Scheduler(limits),
    roster: () => roster,
    prepare: prepare ?? (() => Promise.resolve()),
    end: new Set([end]),
  };
}

export interface Script {
  /** What it writes behind the text that it must begin with; an end token follows. */
  readonly text: string | readonly Token[];
  /** Awaited before each token, with how many there are already. */
  readonly before?: (written: number, signal: AbortSignal | undefined) => Promise<unknown> | undefined;
}

/** An engine that writes what a test says, in tokens of one byte. */
export class ScriptedEngine extends FakeEngine {
  readonly requests: WriteRequest[] = [];
  readonly #script: Script;

  constructor(script: Script) {
    super();
    this.#script = script;
  }

  override async *write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    const { adapter, context, drafted = [], limit, leading = '' } = request;
    const { text, before } = this.#script;
    const call: FakeCall = { kind: 'write', adapter, context, drafted, outcome: 'running' };
    this.calls.push(call);
    this.requests.push(request);
    const tokens = [
      ...Buffer.from(leading),
      ...(typeof text === 'string' ? Buffer.from(text) : text),
      FAKE.end,
    ];
    try {
      for (const [at, token] of tokens.slice(0, drafted.length + limit).entries()) {
        signal?.throwIfAborted();
        await before?.(at, signal);
        signal?.throwIfAborted();
        yield { token, probability: null, evaluated: at === 0 ? context.length + drafted.length : 1 };
      }
      call.outcome = 'done';
    } finally {
      if (call.outcome === 'running') call.outcome = 'aborted';
    }
  }
}
