import type { Engine, Family, Token } from '@foretype/models';
import { identityOf, type Identity } from './protocol/index.ts';

/** What this node verifies with: a family's backbone, its adapters, and the engine that runs them. */
export interface Target {
  readonly engine: Engine;
  readonly identity: Identity;
  /** Names of the adapters that a request may ask for. */
  readonly adapters: readonly string[];
  /** Tokens of context the family was made for. */
  readonly context: number;
  /** Tokens that end a completion. */
  readonly end: ReadonlySet<Token>;
}

export function targetOf(family: Family, engine: Engine): Target {
  return {
    engine,
    identity: identityOf(family),
    adapters: family.adapters.map(({ name }) => name),
    context: family.context,
    end: new Set(family.tokenizer.end),
  };
}
