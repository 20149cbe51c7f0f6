import type { Engine, Family, Token } from '@foretype/models';
import type { ClientBody } from '../../edge-node/src/session.ts';
import { rosterOf, type Stored } from '../../edge-node/src/roster.ts';
import { Scheduler, type SchedulerOptions } from '../../edge-node/src/scheduler.ts';
import { Seats } from '../../edge-node/src/seats.ts';
import { targetOf, type Target } from '../../edge-node/src/target.ts';
import {
  contextDelta,
  decodeClientFrame,
  encodeClientFrame,
  WIRE_VERSION,
} from '../../edge-node/src/protocol/index.ts';
import { FAKE } from './fake-engine.ts';

const weights = (name: string, sha256: string) => ({
  file: `${name}.gguf`,
  path: `/nowhere/${name}.gguf`,
  bytes: 1000,
  sha256,
});

/** A family that fits the fake engine; its files are not there. */
export const FAKE_FAMILY: Family = {
  format: 1,
  id: 'fake-1',
  licence: 'MIT',
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'joined' },
  backbone: weights('backbone', 'b'.repeat(64)),
  draft: weights('draft', 'd'.repeat(64)),
  adapters: ['blue', 'red'].map((name) => ({ ...weights(name, 'a'.repeat(64)), name, licence: 'MIT' })),
};

export interface TargetFields {
  readonly family?: Family;
  readonly scheduling?: Partial<SchedulerOptions>;
  /** What the database has; changed by a test, it shows at the next look. */
  readonly stored?: () => Stored;
  readonly onRoster?: Target['onRoster'];
  readonly prepare?: Target['prepare'];
}

/** A target with any engine, by default one that has all adapters in memory and places for everybody. */
export function fakeTarget(engine: Engine, fields: TargetFields = {}): Target {
  const {
    family = FAKE_FAMILY,
    scheduling,
    stored = () => ({ versions: [], projects: new Map() }),
    onRoster = () => () => undefined,
    prepare = () => Promise.resolve(),
  } = fields;
  const seats = new Seats({ count: 1000, idleMs: 1000, tenureMs: 1000, soonMs: 1000, readMs: Infinity });
  const now = () => 0;
  const options = { running: 32, waiting: 64, waitingEach: 16, patienceMs: 2000, seats, now, ...scheduling };
  const scheduler = new Scheduler(options);
  return targetOf(family, { engine, scheduler, roster: () => rosterOf(family, stored()), onRoster, prepare });
}

export interface HelloFields {
  readonly wireVersion?: number;
  readonly family?: string;
  readonly tokenizer?: string;
  readonly backbone?: string;
}

/** A hello that fits {@link fakeTarget}, but for what `fields` change. */
export function hello(fields: HelloFields = {}): ClientBody {
  const { wireVersion, family, tokenizer, backbone } = {
    wireVersion: WIRE_VERSION,
    family: 'fake-1',
    tokenizer: FAKE.tokenizer,
    backbone: 'b'.repeat(64),
    ...fields,
  };
  const value = {
    wireVersion,
    family,
    tokenizer: Buffer.from(tokenizer, 'hex'),
    backbone: Buffer.from(backbone, 'hex'),
  };
  return asReceived(encodeClientFrame({ case: 'hello', value }));
}

export interface RoundFields {
  readonly id: number;
  readonly context: readonly Token[];
  readonly drafted?: readonly Token[];
  readonly more?: number;
  readonly adapter?: string;
  readonly leading?: readonly Token[];
  readonly begun?: number;
  readonly untilLine?: boolean;
}

/** A sync frame for a node that remembers `base`. */
export function sync(
  { id, context, adapter = '' }: Pick<RoundFields, 'id' | 'context' | 'adapter'>,
  base: readonly Token[] = [],
): ClientBody {
  const value = { id, ...contextDelta(base, context), adapter };
  return asReceived(encodeClientFrame({ case: 'sync', value }));
}

/** A verify frame for a node that remembers `base`. */
export function round(fields: RoundFields, base: readonly Token[] = []): ClientBody {
  const {
    id,
    context,
    drafted = [],
    more = 0,
    adapter = '',
    leading = [],
    begun = 0,
    untilLine = false,
  } = fields;
  const rest = { drafted: [...drafted], more, adapter, leading: [...leading], begun, untilLine };
  const value = { id, ...contextDelta(base, context), ...rest };
  return asReceived(encodeClientFrame({ case: 'verify', value }));
}

/** A question whose adapter a project or a name means. */
export function ask(whose: { readonly project: string } | { readonly name: string }): ClientBody {
  const value =
    'project' in whose
      ? { case: 'project' as const, value: Buffer.from(whose.project, 'hex') }
      : { case: 'name' as const, value: whose.name };
  return asReceived(encodeClientFrame({ case: 'ask', value: { whose: value } }));
}

export function cancel(id: number): ClientBody {
  return asReceived(encodeClientFrame({ case: 'cancel', value: { id } }));
}

function asReceived(bytes: Uint8Array): ClientBody {
  const body = decodeClientFrame(bytes);
  if (!body) throw new Error('A frame made for a test cannot be read back.');
  return body;
}
