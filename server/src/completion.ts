import {
  endsLine,
  firstLine,
  speculate,
  type Engine,
  type Family,
  type Token,
  type Verdict,
} from '@foretype/models';
import { LIMIT, promptFor } from './prompt.ts';
import type { CompletionReport } from './protocol.ts';

/** Tokens drafted a round (K). The policy will choose it from channel and acceptance; this suits a near node. */
const DRAFT_LENGTH = 8;

/** Judges drafts with a target; what the server asks of an edge node. */
export interface Verifier {
  verify(
    request: {
      readonly adapter: string;
      readonly context: readonly Token[];
      readonly drafted: readonly Token[];
    },
    signal: AbortSignal,
  ): Promise<Verdict & { readonly bytesUp: number; readonly bytesDown: number }>;
}

export interface CompletionParts {
  readonly family: Family;
  /** The draft model; its tokenizer is the target's. */
  readonly draft: Engine;
  /** Absent while there is no edge node to ask. */
  readonly verifier: Verifier | undefined;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
}

export interface CompletionRequest {
  readonly text: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
  /** Name of the adapter, or empty for the backbone. */
  readonly adapter: string;
}

/** A text to insert at the cursor, line ends as `\n`, and how it came about. */
export interface Candidate {
  readonly text: string;
  readonly report: CompletionReport;
}

/**
 * Completes at the cursor: first what the local draft writes, then, where a verifier is given, the target's own text.
 * The second is exactly what the target alone would write greedily, cut by the same rule.
 * Ends early when `signal` is aborted (rejecting with its reason) or the consumer leaves.
 */
export async function* complete(
  parts: CompletionParts,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<Candidate, void> {
  const { draft, family, verifier, now } = parts;
  const started = now();
  const prompt = await promptFor({ family, tokenizer: draft }, request);

  const written: Token[] = [];
  for await (const token of draft.write({ context: prompt, limit: LIMIT, until: 'line' }, signal))
    written.push(token);
  const end = new Set(family.tokenizer.end);
  const textOf = async (tokens: readonly Token[]) => {
    const text = await draft.detokenize(tokens.filter((token) => !end.has(token)));
    // The limit may leave only some bytes of the last character.
    return text.replace(/\uFFFD+$/u, '');
  };
  const drafted: CompletionReport = {
    path: 'draft',
    rounds: 0,
    drafted: written.length,
    accepted: 0,
    committed: 0,
    firstTextMs: now() - started,
    verifiedMs: null,
    bytesUp: 0,
    bytesDown: 0,
    adapter: null,
  };
  yield { text: firstLine(await textOf(written)), report: drafted };
  if (!verifier) return;

  const output: Token[] = [];
  const sum = { rounds: 0, drafted: 0, accepted: 0, bytesUp: 0, bytesDown: 0 };
  const rounds = speculate({
    prompt,
    limit: LIMIT,
    draftLength: DRAFT_LENGTH,
    end,
    draft: async (context, count) => {
      // What was written above stays a draft for as long as the target agrees with it.
      const agreed = context.slice(prompt.length);
      if (agreed.length < written.length && agreed.every((token, index) => token === written[index])) {
        return written.slice(agreed.length, agreed.length + count);
      }
      return await Array.fromAsync(draft.write({ context, limit: count, until: 'line' }, signal));
    },
    verify: async (context, drafted) => {
      const verdict = await verifier.verify({ adapter: request.adapter, context, drafted }, signal);
      sum.bytesUp += verdict.bytesUp;
      sum.bytesDown += verdict.bytesDown;
      return verdict;
    },
  });
  for await (const round of rounds) {
    output.push(...round.committed);
    sum.rounds++;
    sum.drafted += round.drafted;
    sum.accepted += round.accepted;
    if (endsLine(await textOf(output))) break;
  }
  yield {
    text: firstLine(await textOf(output)),
    report: {
      ...drafted,
      ...sum,
      path: 'speculated',
      committed: output.length,
      verifiedMs: now() - started,
      adapter: request.adapter || null,
    },
  };
}
