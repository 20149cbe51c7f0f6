import type { Engine, Token, WriteRequest, Written } from '@foretype/models';

/**
 * An engine that answers at once what it was asked before, from memory: what is computed while it is used is not the
 * engine's work, nor that of carrying messages to its process.
 */
export function remembered(engine: Engine): Engine {
  const texts = new Map<string, Promise<Token[]>>();
  const tokens = new Map<string, Promise<string>>();
  const written = new Map<string, readonly Written[]>();
  const once = <T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> => {
    const found = known.get(key) ?? ask();
    known.set(key, found);
    return found;
  };
  return {
    facts: () => engine.facts(),
    tokenize: (text) => once(texts, text, () => engine.tokenize(text)),
    detokenize: (ids) => once(tokens, ids.join(), () => engine.detokenize(ids)),
    choose: (...args) => engine.choose(...args),
    read: (...args) => engine.read(...args),
    score: (...args) => engine.score(...args),
    dispose: () => engine.dispose(),
    write: async function* (request: WriteRequest, signal?: AbortSignal) {
      const { context, begun, limit, leading } = request;
      const key = [leading, begun, limit, ...context].join();
      const again = written.get(key);
      if (again) {
        yield* again;
        return;
      }
      const made: Written[] = [];
      for await (const one of engine.write(request, signal)) {
        made.push(one);
        yield one;
      }
      written.set(key, made);
    },
  };
}
