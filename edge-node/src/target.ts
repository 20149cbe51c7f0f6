import type { Engine, Family, Token } from '@foretype/models';
import { identityOf, type Identity } from './protocol/index.ts';
import type { Roster } from './roster.ts';
import type { Scheduler } from './scheduler.ts';

/** What a node verifies with: a family's backbone and its adapters, the engine that runs them, and who may use it next. */
export interface Target {
  readonly family: Family;
  readonly engine: Engine;
  readonly scheduler: Scheduler;
  readonly identity: Identity;
  /** The adapters as they are now: another moment, another roster. */
  readonly roster: () => Roster;
  /** Told whenever the roster is another one, until what it returns is called. */
  readonly onRoster: (listener: () => void) => () => void;
  /** Brings an adapter, by its id, into memory, or the backbone alone where it is empty. @throws EngineError */
  readonly prepare: (adapter: string) => Promise<void>;
  /** Tokens that end a completion. */
  readonly end: ReadonlySet<Token>;
}

export function targetOf(family: Family, parts: Omit<Target, 'family' | 'identity' | 'end'>): Target {
  return { ...parts, family, identity: identityOf(family), end: new Set(family.tokenizer.end) };
}
