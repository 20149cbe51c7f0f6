import type { Engine, Token, WriteRequest, Written } from '@foretype/models';
import type { Verifier } from '../../../server/src/verifier.ts';
import { writingBy } from '../rig/engine.ts';

/**
 * A draft engine that rests while the verifier is asked, so that what drafting meanwhile is worth can be told. What was
 * written stays; it goes on from there, or is begun anew, once the verdict is there.
 */
export function resting(engine: Engine, verifier: Verifier): { engine: Engine; verifier: Verifier } {
  let asked = 0;
  let pause = new AbortController();
  let over = Promise.withResolvers<undefined>();
  over.resolve(undefined);

  async function* verify(...args: Parameters<Verifier['verify']>) {
    if (asked++ === 0) {
      over = Promise.withResolvers();
      pause.abort();
    }
    try {
      yield* verifier.verify(...args);
    } finally {
      if (--asked === 0) {
        pause = new AbortController();
        over.resolve(undefined);
      }
    }
  }

  async function* write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    const { context, begun = 0, limit } = request;
    const written: Token[] = [];
    while (written.length < limit) {
      await over.promise;
      const paused = pause.signal;
      const rest = {
        ...request,
        context: [...context, ...written],
        begun: begun + written.length,
        limit: limit - written.length,
      };
      try {
        for await (const one of engine.write(rest, signal ? AbortSignal.any([signal, paused]) : paused)) {
          written.push(one.token);
          yield one;
        }
        return;
      } catch (error) {
        if (!paused.aborted || signal?.aborted) throw error;
      }
    }
  }

  return {
    engine: writingBy(write, engine),
    verifier: { verify, sync: (...args) => verifier.sync(...args) },
  };
}
