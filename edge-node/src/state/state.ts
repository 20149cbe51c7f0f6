import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Blocks } from '../adapters/blocks.ts';
import { AdapterStore } from '../adapters/store.ts';
import { openDatabase } from './database.ts';
import { Tokens, type TokensOptions } from './tokens.ts';

/** Where the adapters' blocks lie in the state directory. */
export function blocksIn(state: string): string {
  return join(state, 'blocks');
}

/** Where families lie that were pulled. */
export function familiesIn(state: string): string {
  return join(state, 'families');
}

export interface State extends Disposable {
  readonly database: DatabaseSync;
  readonly tokens: Tokens;
  readonly adapters: AdapterStore;
}

/**
 * What the node remembers, which may be open in a running node as well; made where it is not there.
 * @throws StartError `state-invalid`
 */
export function openState(directory: string, { random, now }: Pick<TokensOptions, 'random' | 'now'>): State {
  const database = openDatabase(directory);
  const blocks = blocksIn(directory);
  return {
    database,
    tokens: new Tokens({ database, random, now }),
    adapters: new AdapterStore({ database, blocks: new Blocks(blocks), directory: blocks, now }),
    [Symbol.dispose]: () => database.close(),
  };
}
