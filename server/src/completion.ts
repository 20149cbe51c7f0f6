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
import { emptyTrace, reportOf, type CompletionTrace } from './trace.ts';
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
  /** Milliseconds that the node had spent on the round when it sent this. */
  readonly nodeMs: number;
  /** Tokens of the context, but its last, that the target had not read yet. */
  readonly fresh: number;
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
  /** Told what was done, once it is over. */
  readonly onTrace?: (trace: CompletionTrace) => void;
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
  const { draft, family, verifier } = parts;
  const began = parts.now();
  const now = () => parts.now() - began;
  const trace = emptyTrace(request.adapter);
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  try {
    const prompt = await promptFor({ family, tokenizer: draft }, request);
    trace.promptMs = now();
    trace.context = prompt.context.length;
    trace.leading = prompt.leading.tokens.length;
    // While the draft is being written the target reads what it will judge it by.
    verifier?.sync({ adapter: request.adapter, context: prompt.context }, stop);
    const limit = LIMIT + prompt.leading.tokens.length;
    const ahead = new WriteAhead(draft, prompt, limit, stop);
    const local = ahead.whole().then(async (written) => {
      const text = firstLine(await textOf(parts, prompt, written));
      trace.drafted = written.length;
      trace.draftMs = now();
      return { path: 'draft' as const, text };
    });
    const target = verifier
      ? verified({ ...parts, verifier, now }, { prompt, limit, ahead, trace }, stop).then((text) => {
          trace.verifiedMs = now();
          return { path: 'speculated' as const, text };
        })
      : undefined;
    // Whichever loses the race may fail later, when nobody waits for it any more.
    for (const running of [local, target]) running?.catch(() => undefined);
    const first = await (target ? Promise.race([local, target.catch(() => local)]) : local);
    yield { text: first.text, report: reportOf(trace, first.path) };
    if (target && first.path === 'draft') {
      yield { text: (await target).text, report: reportOf(trace, 'speculated') };
    }
    trace.outcome = 'done';
  } catch (error) {
    trace.outcome = signal.aborted ? 'left' : 'failed';
    throw error;
  } finally {
    left.abort();
    trace.endMs = now();
    parts.onTrace?.(trace);
  }
}

interface Verification {
  readonly prompt: Prompt;
  /** The most tokens of the continuation. */
  readonly limit: number;
  readonly ahead: WriteAhead;
  readonly trace: CompletionTrace;
}

/** The target's own text, by rounds of drafts and verdicts. */
async function verified(
  parts: CompletionParts & { readonly verifier: Verifier },
  { prompt, limit, ahead, trace }: Verification,
  signal: AbortSignal,
): Promise<string> {
  const { now, verifier } = parts;
  const leading = prompt.leading.tokens;
  const commits = speculate({
    prompt: prompt.context,
    limit,
    end: new Set(parts.family.tokenizer.end),
    plan: () => {
      const counts = { sentMs: null, drafted: 0, bytesUp: 0, bytesDown: 0, parts: [] };
      trace.rounds.push({ ...PLAN, why: 'fixed', startMs: now(), ...counts });
      return PLAN;
    },
    draft: (context, count) => ahead.draft(context, count),
    verify: async function* (context, drafted, more) {
      const round = trace.rounds.at(-1)!;
      round.sentMs = now();
      round.drafted = drafted.length;
      const begun = context.length - prompt.context.length;
      const request = { adapter: trace.adapter ?? '', context, drafted, more, leading, begun };
      for await (const answer of verifier.verify(request, signal)) {
        round.bytesUp += answer.bytesUp;
        round.bytesDown += answer.bytesDown;
        const { accepted, tokens, nodeMs } = answer;
        round.parts.push({ ms: now(), nodeMs, accepted, tokens: tokens.length });
        yield answer;
      }
    },
  });
  const output: Token[] = [];
  let text = '';
  for await (const { committed } of commits) {
    output.push(...committed);
    text = await textOf(parts, prompt, output);
    if (endsLine(text)) break;
  }
  return firstLine(text);
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
