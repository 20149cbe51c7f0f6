import type { Engine } from '@foretype/models';

/** An engine that writes in another way, and does all else as it is. */
export function writingBy(write: Engine['write'], engine: Engine): Engine {
  return {
    facts: () => engine.facts(),
    tokenize: (text) => engine.tokenize(text),
    detokenize: (tokens) => engine.detokenize(tokens),
    choose: (...args) => engine.choose(...args),
    read: (...args) => engine.read(...args),
    score: (...args) => engine.score(...args),
    dispose: () => engine.dispose(),
    write,
  };
}
