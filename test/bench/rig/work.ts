/** Pure: from traces to what completions cost in bytes and in evaluations. */
import type { CompletionTrace } from '../../../server/src/trace.ts';
import { quantile } from '../statistics.ts';

/** What one verified completion took. */
export interface Work {
  /** Bytes of each round both ways, without framing, and of the context that was sent ahead. */
  readonly roundBytes: readonly number[];
  readonly aheadBytes: number;
  /** Tokens of the text. */
  readonly committed: number;
  /** Evaluations of the target: a verdict is one, and so is each token written after it. */
  readonly evaluations: number;
}

export function workOf({ rounds, ahead }: CompletionTrace): Work {
  const parts = rounds.flatMap((round) => round.parts);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
  return {
    roundBytes: rounds.map(({ bytesUp, bytesDown }) => bytesUp + bytesDown),
    aheadBytes: (ahead?.bytesUp ?? 0) + (ahead?.bytesDown ?? 0),
    committed: sum(parts.map(({ accepted, tokens }) => accepted + tokens)),
    evaluations: sum(parts.map(({ tokens }) => tokens)),
  };
}

export interface WorkFigures {
  readonly completions: number;
  readonly roundsEach: number;
  /** Median of the rounds. */
  readonly bytesARound: number;
  /** All bytes, those of the contexts included, by all tokens. */
  readonly bytesAToken: number;
  readonly evaluationsAToken: number;
}

export function figuresOf(all: readonly Work[]): WorkFigures {
  const total = (of: (one: Work) => number) => all.reduce((sum, one) => sum + of(one), 0);
  const bytes = total(({ roundBytes, aheadBytes }) => roundBytes.reduce((sum, one) => sum + one, aheadBytes));
  return {
    completions: all.length,
    roundsEach: total(({ roundBytes }) => roundBytes.length) / all.length,
    bytesARound: quantile(
      all.flatMap(({ roundBytes }) => roundBytes),
      0.5,
    ),
    bytesAToken: bytes / total(({ committed }) => committed),
    evaluationsAToken: total(({ evaluations }) => evaluations) / total(({ committed }) => committed),
  };
}
