import {
  continuationOf,
  endsLine,
  type Engine,
  type Family,
  firstLine,
  type Prompt,
  type Sampling,
  speculate,
  type Token,
} from '@foretype/models';
import type { Control, Decision } from './control.ts';
import type { Drafts, Offer } from './drafts.ts';
import { DEPTH, type Agreement } from './estimates.ts';
import { EdgeError } from './rounds.ts';
import type { CompletionTrace } from './trace.ts';
import type { Answer, Verifier } from './verifier.ts';
import type { Drafted } from './write-ahead.ts';

export interface Verification {
  readonly family: Family;
  readonly tokenizer: Pick<Engine, 'tokenize' | 'detokenize'>;
  readonly verifier: Verifier;
  readonly control: Control;
  /** Milliseconds on the clock of {@link Control}. */
  readonly clock: () => number;
  readonly prompt: Prompt;
  /** The most tokens of the continuation. */
  readonly limit: number;
  readonly sampling: Sampling | undefined;
  readonly drafts: Drafts;
  readonly trace: CompletionTrace;
  /** Milliseconds since the completion began. */
  readonly now: () => number;
  /** Milliseconds that anybody will still wait. */
  readonly patience: () => number;
}

/** The round under way. */
interface Round extends Decision {
  readonly offers: readonly Offer[];
  drafted: readonly Drafted[];
}

/**
 * The target's own text, by rounds of drafts and verdicts, each made as is best by what the earlier ones taught.
 * @returns undefined where the rest is not worth a round; `trace.unverified` says why.
 */
export async function verified(verification: Verification, signal: AbortSignal): Promise<string | undefined> {
  const { control, verifier, prompt, limit, sampling, drafts, trace, now, patience } = verification;
  const adapter = trace.adapter ?? '';
  const end = new Set(verification.family.tokenizer.end);
  const begunOf = (context: readonly Token[]) => context.slice(prompt.context.length);
  // The node ends a round where the line ends, so that the text is asked for once a round, not at each streamed token.
  const lineEnded = async (begun: readonly Token[]) =>
    begun.length > 0 && endsLine(await continuationOf(verification, prompt, begun));
  let round: Round | undefined;
  let ended = false;
  const commits = speculate({
    prompt: prompt.context,
    limit,
    end,
    plan: async (context, room) => {
      signal.throwIfAborted();
      const begun = begunOf(context);
      ended = await lineEnded(begun);
      if (ended) return undefined;
      const offers = await drafts.offers(begun);
      const decision = control.decide({ adapter, written: begun.length, offers, deadlineMs: patience() });
      round = { ...decision, offers, drafted: [] };
      const { plan, offer } = decision;
      if (plan.kind === 'draft-only') {
        trace.unverified = plan.why;
        return undefined;
      }
      const draft = plan.kind === 'speculate' ? plan.draft : 0;
      trace.rounds.push({
        source: draft > 0 ? offer.source : null,
        draft,
        more: plan.more,
        why: plan.why,
        startMs: now(),
        sentMs: null,
        drafted: 0,
        bytesUp: 0,
        bytesDown: 0,
        parts: [],
      });
      // A draft that is surer than usual may become longer than was planned.
      return { draft: draft > 0 ? Math.min(room, DEPTH) : 0, more: plan.more };
    },
    draft: async (context, count) => {
      const { offer, wanted } = round!;
      const drafted = await drafts
        .take(offer, begunOf(context), (so) => so.length < count && wanted(so))
        .catch((): readonly Drafted[] => {
          signal.throwIfAborted();
          // The draft engine failed, which is no reason for the target to.
          return [];
        });
      round!.drafted = drafted;
      return drafted.map(({ token }) => token);
    },
    verify: (context, drafted, more) =>
      measured({ verification, round: round!, begun: begunOf(context) }, () => {
        const leading = prompt.leading.tokens;
        const begun = context.length - prompt.context.length;
        return verifier.verify({ adapter, context, drafted, more, leading, begun, sampling }, signal);
      }),
  });
  const output: Token[] = [];
  for await (const { committed } of commits) output.push(...committed);
  if (trace.unverified !== null) return undefined;
  // One that was cut at the limit is as long as any that is counted.
  ended ||= end.has(output.at(-1)!);
  if (ended || output.length >= limit)
    control.observe({ kind: 'completion', at: verification.clock(), tokens: output.length });
  return firstLine(await continuationOf(verification, prompt, output));
}

/** A round's answers as they come; what they tell of channel, node and drafts is observed when they end. */
async function* measured(
  { verification, round, begun }: { verification: Verification; round: Round; begun: readonly Token[] },
  ask: () => AsyncIterable<Answer>,
): AsyncGenerator<Answer, void> {
  const { control, clock, trace, now } = verification;
  const record = trace.rounds.at(-1)!;
  const known: Token[] = [];
  const sentAt = clock();
  record.sentMs = now();
  record.drafted = round.drafted.length;
  let fresh = 0;
  try {
    for await (const answer of ask()) {
      const { accepted, tokens, nodeMs } = answer;
      fresh += answer.fresh;
      record.bytesUp += answer.bytesUp;
      record.bytesDown += answer.bytesDown;
      record.parts.push({ ms: now(), nodeMs, accepted, tokens: tokens.length });
      known.push(...round.drafted.slice(0, accepted).map(({ token }) => token), ...tokens);
      yield answer;
    }
  } catch (error) {
    // Nobody knows how long a round would have taken that the user cut short; where patience did, it was as good as lost.
    const gone = (error instanceof EdgeError && error.code === 'away') || verification.patience() <= 0;
    if (gone && record.parts.length === 0)
      control.observe({ kind: 'lost', at: clock(), waitedMs: clock() - sentAt });
    throw error;
  } finally {
    const last = record.parts.at(-1);
    if (last) {
      const { agreement, others } = compared(verification, round, begun, known);
      const own = record.parts.reduce((sum, { tokens }) => sum + tokens, 0);
      control.observe({
        kind: 'round',
        at: sentAt + last.ms - record.sentMs,
        sentAt,
        nodeSpentMs: last.nodeMs,
        judgedMs: record.parts[0]!.nodeMs,
        bytesUp: record.bytesUp,
        bytesDown: record.bytesDown,
        sent: record.drafted,
        more: own - 1,
        fresh,
        ...agreement,
      });
      for (const other of others) control.observe({ kind: 'agreement', at: clock(), ...other });
    }
  }
}

/** How every source, asked or not, compares with what is `known` now to come after `begun`. */
function compared(
  { drafts, trace }: Verification,
  { offer, offers, drafted }: Round,
  begun: readonly Token[],
  known: readonly Token[],
) {
  const adapter = trace.adapter ?? '';
  const compare = (source: Offer['source'], proposed: readonly Drafted[]): Agreement => {
    const length = Math.min(proposed.length, known.length);
    const wrong = proposed.findIndex(({ token }, index) => index >= length || token !== known[index]);
    return {
      adapter,
      source,
      drafted: length,
      accepted: wrong === -1 ? length : wrong,
      sureness: proposed.slice(0, length).map(({ sureness }) => sureness),
    };
  };
  const proposedBy = ({ source, hand }: Offer) => {
    // The draft model has written on meanwhile.
    const now = source === 'neural' ? drafts.ahead(begun) : hand;
    return source === offer.source && drafted.length > now.length ? drafted : now;
  };
  const agreements = offers.map((one) => compare(one.source, proposedBy(one)));
  return {
    agreement: agreements.find(({ source }) => source === offer.source)!,
    others: agreements.filter(({ source, drafted: length }) => source !== offer.source && length > 0),
  };
}
