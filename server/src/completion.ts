import {
  COMPLETION_LIMIT,
  continuationOf,
  type Engine,
  type Family,
  firstLine,
  type Place,
  promptFor,
  type Sampling,
  type Token,
} from '@foretype/models';
import type { Control } from './control.ts';
import { Drafts, type Remembered } from './drafts.ts';
import type { CompletionReport } from './protocol.ts';
import { emptyTrace, reportOf, type CompletionTrace } from './trace.ts';
import { verified } from './verification.ts';
import type { Verifier, VerifyRequest } from './verifier.ts';
import { WriteAhead } from './write-ahead.ts';

export interface Edge {
  readonly verifier: Verifier;
  readonly control: Control;
}

type Tokenizer = Pick<Engine, 'tokenize' | 'detokenize'>;

export interface CompletionParts {
  readonly family: Family;
  /** The draft model; its tokenizer is the target's. One that cannot write leaves all of the text to the target. */
  readonly draft: Tokenizer | (Tokenizer & Pick<Engine, 'write'>);
  /** The edge node, and what is known of work with it; absent while there is none to ask. */
  readonly edge: Edge | undefined;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** Told what was done, once it is over. */
  readonly onTrace?: (trace: CompletionTrace) => void;
}

export interface CompletionRequest extends Place {
  /** Name of the adapter, or empty for the backbone. */
  readonly adapter: string;
  /** Absent for the greedy choice. */
  readonly sampling?: Sampling | undefined;
  /** Milliseconds beyond the first text for which anybody waits for a verified one; for ever if absent. */
  readonly patience?: number;
  /** Tokens of other texts that drafts may be copied from, the nearest last. */
  readonly others?: readonly (readonly Token[])[];
  readonly remembered?: Remembered | undefined;
}

/** A text to insert at the cursor, line ends as `\n`, and how it came about. */
export interface Candidate {
  readonly text: string;
  readonly report: CompletionReport;
}

const NEVER = new AbortController().signal;
/** Made once, as in `write-ahead.ts`. */
const OVER = new DOMException('The completion is over.', 'AbortError');

/**
 * Completes at the cursor: what the local draft writes and, where a verifier is given, the target's own text; where the
 * target is first, or there is no local draft, it alone. The target's is exactly what it would write without a draft, cut
 * by the same rule. Ends early when `signal` is aborted (rejecting with its reason) or the consumer leaves.
 */
export async function* complete(
  parts: CompletionParts,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<Candidate, void> {
  const { draft, family, edge } = parts;
  const { adapter, sampling, patience = Infinity, others = [], remembered } = request;
  const began = parts.now();
  const now = () => parts.now() - began;
  const trace = emptyTrace(adapter);
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  let ahead: WriteAhead | undefined;
  try {
    const prompt = await promptFor({ family, tokenizer: draft, signal: stop }, request);
    stop.throwIfAborted();
    trace.promptMs = now();
    trace.context = prompt.context.length;
    trace.leading = prompt.leading.tokens.length;
    const asked = edge && !edge.control.rests ? edge : undefined;
    if (edge && !asked) trace.unverified = 'energy budget used up';
    // While the draft is being written the target reads what it will judge it by.
    if (asked) void readAhead(asked, { adapter, context: prompt.context }, parts.now, trace);
    const limit = COMPLETION_LIMIT + prompt.leading.tokens.length;
    ahead =
      'write' in draft
        ? new WriteAhead({ engine: draft, prompt, limit, sampling, now: parts.now, signal: stop })
        : undefined;
    const local = ahead?.whole().then(async (written) => {
      const text = firstLine(await continuationOf({ family, tokenizer: draft }, prompt, written));
      trace.drafted = written.length;
      trace.draftMs = now();
      return { path: 'draft' as const, text };
    });
    const verifying = asked && {
      ...asked,
      prompt,
      family,
      tokenizer: draft,
      clock: parts.now,
      limit,
      sampling,
      drafts: new Drafts({ tokenizer: draft, prompt, ahead, others, remembered }),
      trace,
      now,
      // Nobody's patience runs before there is something to see, which is soon.
      patience: () => {
        // Without a draft there will be nothing to see but what is asked for.
        if (!local) return Infinity;
        const sinceShown =
          trace.draftMs === null ? Math.min(0, now() - asked.control.lineMs) : now() - trace.draftMs;
        return patience - sinceShown;
      },
    };
    const target =
      verifying &&
      verified(verifying, stop).then(async (text) => {
        if (text === undefined) return local;
        trace.verifiedMs = now();
        return { path: 'speculated' as const, text };
      });
    // Whichever loses the race may fail later, when nobody waits for it any more.
    for (const running of [local, target]) running?.catch(() => undefined);
    // A failure of either is not the other's, as long as that has something to say.
    const first = await (target && local
      ? Promise.race([local.catch(() => target), target.catch(() => local)])
      : (local ?? target));
    if (first) yield { text: first.text, report: reportOf(trace, first.path) };
    // Where it stays the draft, the report now says why.
    const last = first?.path === 'draft' ? await target : undefined;
    if (last) yield { text: last.text, report: reportOf(trace, last.path) };
    trace.outcome = 'done';
  } catch (error) {
    trace.outcome = signal.aborted ? 'left' : 'failed';
    throw error;
  } finally {
    left.abort(OVER);
    trace.endMs = now();
    if (edge) account(edge.control, trace, ahead, parts.now());
    parts.onTrace?.(trace);
  }
}

/** Sends the context ahead; the answer tells of the channel, though the completion may be over before. */
async function readAhead(
  { verifier, control }: Edge,
  request: Pick<VerifyRequest, 'adapter' | 'context'>,
  now: () => number,
  trace: CompletionTrace,
): Promise<void> {
  const sentAt = now();
  const receipt = await verifier.sync(request, NEVER);
  if (!receipt) return;
  const { nodeMs, bytesUp, bytesDown } = receipt;
  trace.ahead = { ms: now() - sentAt, nodeMs, bytesUp, bytesDown };
  control.observe({ kind: 'sync', at: now(), sentAt, nodeSpentMs: nodeMs, bytesUp, bytesDown });
}

/** What the completion took, to be weighed when the next one is planned. */
function account(control: Control, trace: CompletionTrace, ahead: WriteAhead | undefined, at: number): void {
  const pace = ahead?.pace ?? { tokens: 0, ms: 0, startMs: null };
  if (pace.startMs !== null) control.observe({ kind: 'drafting', at, source: 'neural', ...pace });
  const sent = trace.rounds.filter(({ sentMs }) => sentMs !== null);
  const waits = sent.map(({ sentMs, parts }) => (parts.at(-1)?.ms ?? trace.endMs!) - sentMs!);
  control.spend({
    drafted: trace.draftMs === null ? 0 : Math.max(0, pace.tokens - trace.drafted),
    // A context sent ahead wakes the radio for the round behind it.
    rounds: Math.max(sent.length, trace.ahead ? 1 : 0),
    waitMs: waits.reduce((sum, ms) => sum + ms, 0),
  });
}
