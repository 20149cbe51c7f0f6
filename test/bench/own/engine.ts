import type { Engine } from '@foretype/models';
import { recalling } from '../rig/recalling.ts';

/**
 * An engine that answers at once what it was asked before, from memory: what is computed while it is used is not the
 * engine's work, nor that of carrying messages to its process.
 */
export function remembered(engine: Engine): Engine {
  const tokenize = memo((text: string) => engine.tokenize(text), String);
  const detokenize = memo((ids: readonly number[]) => engine.detokenize(ids), String);
  return { ...recalling(engine, () => 0), tokenize, detokenize };
}

function memo<A, R>(ask: (about: A) => Promise<R>, keyOf: (about: A) => string): (about: A) => Promise<R> {
  const known = new Map<string, Promise<R>>();
  return (about) => {
    const key = keyOf(about);
    const answer = known.get(key) ?? ask(about);
    known.set(key, answer);
    return answer;
  };
}
