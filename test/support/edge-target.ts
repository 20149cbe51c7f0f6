import type { Engine, Token } from '@foretype/models';
import type { ClientBody } from '../../edge-node/src/session.ts';
import type { Target } from '../../edge-node/src/target.ts';
import {
  contextDelta,
  decodeClientFrame,
  encodeClientFrame,
  WIRE_VERSION,
} from '../../edge-node/src/protocol/index.ts';
import { FAKE } from './fake-engine.ts';

/** A target whose engine is a fake. */
export function fakeTarget(engine: Engine): Target {
  return {
    engine,
    identity: {
      wireVersion: WIRE_VERSION,
      family: 'fake-1',
      tokenizer: FAKE.tokenizer,
      backbone: 'b'.repeat(64),
    },
    adapters: ['blue', 'red'],
    context: FAKE.context,
    end: new Set([FAKE.end]),
  };
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

export function cancel(id: number): ClientBody {
  return asReceived(encodeClientFrame({ case: 'cancel', value: { id } }));
}

function asReceived(bytes: Uint8Array): ClientBody {
  const body = decodeClientFrame(bytes);
  if (!body) throw new Error('A frame made for a test cannot be read back.');
  return body;
}
