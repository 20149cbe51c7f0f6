import type { Engine, WriteRequest, Written } from '@foretype/models';
import type { Metrics } from './metrics.ts';

export interface MeasuredOptions {
  readonly family: string;
  readonly metrics: Pick<Metrics, 'evaluation'>;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** An engine that reports what it evaluates when it writes; all else of it stays as it is. */
export function measured(engine: Engine, { family, metrics, now }: MeasuredOptions): Engine {
  async function* write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    let began = now();
    for await (const written of engine.write(request, signal)) {
      // Tokens of a guess come with the one before.
      if (written.evaluated > 0)
        metrics.evaluation({ family, tokens: written.evaluated, spentMs: now() - began });
      yield written;
      // What the reader does meanwhile is not the engine's work.
      began = now();
    }
  }
  return {
    facts: () => engine.facts(),
    tokenize: (text, signal) => engine.tokenize(text, signal),
    detokenize: (tokens, signal) => engine.detokenize(tokens, signal),
    choose: (request, signal) => engine.choose(request, signal),
    score: (request, signal) => engine.score(request, signal),
    read: (request, signal) => engine.read(request, signal),
    write,
    dispose: () => engine.dispose(),
  };
}
