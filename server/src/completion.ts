import {
  endsLine,
  firstLine,
  speculate,
  type Engine,
  type Family,
  type Plan,
  type Token,
  type VerdictPart,
} from '@foretype/models';
import { LIMIT, promptFor, type Prompt } from './prompt.ts';
import type { CompletionReport } from './protocol.ts';
import { WriteAhead } from './write-ahead.ts';

/** How every round is made. The policy will choose it from channel and acceptance; this suits a near node. */
const PLAN: Plan = { draft: 8, more: 0 };

export interface VerifyRequest {
  /** Name of the adapter, or empty for the backbone. */
  readonly adapter: string;
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** The most tokens the target may write on after its own. */
  readonly more: number;
  /** Tokens whose text the continuation must begin with. */
  readonly leading: readonly Token[];
  /** How many of the last tokens of `context` are the beginning of the continuation. */
  readonly begun: number;
}

/** A part of a verdict as it came over the wire. */
export interface Answer extends VerdictPart {
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Judges drafts with a target; what the server asks of an edge node. */
export interface Verifier {
  /** The verdict on a draft and what the target writes on until the line ends. Rejects with the signal's reason. */
  verify(request: VerifyRequest, signal: AbortSignal): AsyncIterable<Answer>;
  /** Lets the target read a context ahead of the round that will need it; never rejects. */
  sync(request: Pick<VerifyRequest, 'adapter' | 'context'>, signal: AbortSignal): void;
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
 * Completes at the cursor: what the local draft writes and, where a verifier is given, the target's own text; where the
 * target is first, it alone. The target's is exactly what it would write greedily without a draft, cut by the same rule.
 * Ends early when `signal` is aborted (rejecting with its reason) or the consumer leaves.
 */
export async function* complete(
  parts: CompletionParts,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<Candidate, void> {
  const { draft, family, verifier, now } = parts;
  const started = now();
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  try {
    const prompt = await promptFor({ family, tokenizer: draft }, request);
    // While the draft is being written the target reads what it will judge it by.
    verifier?.sync({ adapter: request.adapter, context: prompt.context }, stop);
    const limit = LIMIT + prompt.leading.tokens.length;
    const ahead = new WriteAhead(draft, prompt, limit, stop);
    const local = ahead.whole().then(async (written): Promise<Candidate> => {
      const report = { ...NOTHING, drafted: written.length, firstTextMs: now() - started };
      return { text: firstLine(await textOf(parts, prompt, written)), report };
    });
    if (!verifier) {
      yield await local;
      return;
    }
    const target = verified(
      { ...parts, verifier },
      { prompt, limit, ahead, adapter: request.adapter },
      stop,
    ).then(({ text, report }): Candidate => ({ text, report: { ...report, verifiedMs: now() - started } }));
    // Whichever loses the race may fail later, when nobody waits for it any more.
    for (const running of [local, target]) running.catch(() => undefined);
    const first = await Promise.race([local, target.catch(() => local)]);
    yield first.report.path === 'draft' ? first : timed(first, first.report.verifiedMs);
    if (first.report.path === 'draft') yield timed(await target, first.report.firstTextMs);
  } finally {
    left.abort();
  }
}

function timed({ text, report }: Candidate, firstTextMs: number | null): Candidate {
  return { text, report: { ...report, firstTextMs } };
}

interface Verification {
  readonly prompt: Prompt;
  /** The most tokens of the continuation. */
  readonly limit: number;
  readonly ahead: WriteAhead;
  readonly adapter: string;
}

/** The target's own text, by rounds of drafts and verdicts. */
async function verified(
  parts: CompletionParts & { readonly verifier: Verifier },
  { prompt, limit, ahead, adapter }: Verification,
  signal: AbortSignal,
): Promise<Candidate> {
  const sum = { rounds: 0, drafted: 0, accepted: 0, bytesUp: 0, bytesDown: 0 };
  const commits = speculate({
    prompt: prompt.context,
    limit,
    end: new Set(parts.family.tokenizer.end),
    plan: () => PLAN,
    draft: (context, count) => ahead.draft(context, count),
    verify: async function* (context, drafted, more) {
      const begun = context.length - prompt.context.length;
      const request = { adapter, context, drafted, more, leading: prompt.leading.tokens, begun };
      for await (const answer of parts.verifier.verify(request, signal)) {
        sum.bytesUp += answer.bytesUp;
        sum.bytesDown += answer.bytesDown;
        yield answer;
      }
    },
  });
  const output: Token[] = [];
  let text = '';
  for await (const { first, drafted, accepted, committed } of commits) {
    output.push(...committed);
    if (first) sum.rounds++;
    sum.drafted += drafted;
    sum.accepted += accepted;
    text = await textOf(parts, prompt, output);
    if (endsLine(text)) break;
  }
  const report = {
    ...NOTHING,
    ...sum,
    path: 'speculated',
    committed: output.length,
    adapter: adapter || null,
  } as const;
  return { text: firstLine(text), report };
}

/** What of a continuation comes after the cursor. */
async function textOf(
  { draft, family }: CompletionParts,
  { leading }: Prompt,
  tokens: readonly Token[],
): Promise<string> {
  const end = new Set(family.tokenizer.end);
  const text = await draft.detokenize(tokens.filter((token) => !end.has(token)));
  // The limit may leave only some bytes of the last character, and a text that is not begun yet has nothing after it.
  return text.slice(leading.text.length).replace(/\uFFFD+$/u, '');
}

const NOTHING: CompletionReport = {
  path: 'draft',
  rounds: 0,
  drafted: 0,
  accepted: 0,
  committed: 0,
  firstTextMs: null,
  verifiedMs: null,
  bytesUp: 0,
  bytesDown: 0,
  adapter: null,
};
