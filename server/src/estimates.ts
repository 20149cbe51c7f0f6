/**
 * Pure: what is measured about channel, node and draft, smoothed and forgotten. Times are milliseconds on one clock that
 * only moves forward, given with every observation; the state is plain data of a few kilobytes.
 *
 * Three kinds of memory. A quantity that each round shows directly (round trip, drafting speed, rates) keeps its last
 * samples. The node's time for a verdict is a regression. Acceptance is counted by position. The last two remember some sixty rounds,
 * and forget at once where the last few contradict them: a long memory makes them exact, the short one makes them follow.
 * Whatever is not seen for minutes (a channel) or longer (the rest) returns to its prior.
 */
import {
  acceptanceOf,
  countAgreement,
  roundPasses,
  type Acceptance,
  type Agreement,
  type Curves,
  type Source,
} from './estimates/acceptance.ts';
import { countLength, lengthsOf } from './estimates/lengths.ts';
import { half } from './estimates/memory.ts';
import { countRound, nodeAt, startFit, type Fit } from './estimates/node-time.ts';
import { add, believed, NONE, seenLately, type Samples } from './estimates/samples.ts';

export { DEPTH, trust, type Acceptance, type Agreement, type Source } from './estimates/acceptance.ts';
export { HORIZON } from './estimates/lengths.ts';

/** Something that happened at `at`, in milliseconds. */
export type Observation =
  | RoundObservation
  /** A context that was sent ahead, and that the node said it has, at once. */
  | (Crossing & { readonly kind: 'sync' })
  /** A round that was given up `waitedMs` after it was sent. */
  | { readonly kind: 'lost'; readonly at: number; readonly waitedMs: number }
  | {
      readonly kind: 'drafting';
      readonly at: number;
      readonly source: Source;
      readonly tokens: number;
      readonly ms: number;
      /** Until the first token: what it took to read what was new in the prompt. Null where it is not known. */
      readonly startMs: number | null;
    }
  /** A draft compared with the target's text without being sent: another source's, or an earlier completion. */
  | ({ readonly kind: 'agreement'; readonly at: number } & Agreement)
  /** A completion of `tokens` committed tokens came to its own end. */
  | { readonly kind: 'completion'; readonly at: number; readonly tokens: number };

/** Something sent at `sentAt` and answered at `at`. */
interface Crossing {
  readonly at: number;
  readonly sentAt: number;
  /** The node's own time, queue and evaluation, until its last token; the rest of the round trip is the channel's. */
  readonly nodeSpentMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface RoundObservation extends Agreement, Crossing {
  readonly kind: 'round';
  /** That part of it which it took to judge the draft. */
  readonly judgedMs: number;
  /** Drafted tokens that the node judged (K). */
  readonly sent: number;
  /** Tokens the node wrote on after its own. */
  readonly more: number;
  /** Context tokens that the node had not seen before and evaluated with the draft. */
  readonly fresh: number;
}

/** What the policy decides by. */
export interface Conditions {
  /** The channel's share of a round, without the node's time. */
  readonly rttMs: number;
  /** Share of rounds that are lost or stalled, and the time that each of them costs. */
  readonly loss: number;
  readonly lostMs: number;
  readonly upBytesPerMs: number;
  readonly downBytesPerMs: number;
  readonly draftMs: Readonly<Record<Source, number>>;
  /** Until the draft model's first token. */
  readonly draftStartMs: number;
  /** A round on the node takes fixedMs + tokenMs · sent + streamMs · more; reading ahead is not planned for. */
  readonly verify: { readonly fixedMs: number; readonly tokenMs: number };
  readonly streamMs: number;
  /** Whether the node wrote on lately, so that the time of it is more than a guess. */
  readonly streamKnown: boolean;
  readonly acceptance: Readonly<Record<Source, Acceptance>>;
  /** P(a completion has exactly n tokens), at index n − 1. */
  readonly lengths: readonly number[];
  /** Rounds answered so far. */
  readonly rounds: number;
}

/** Rounds, and those of them that were lost or stalled. */
interface Losses {
  readonly lost: number;
  readonly rounds: number;
  readonly at: number;
}

export interface Estimates {
  readonly rtt: Samples;
  readonly lost: Samples;
  readonly up: Samples;
  readonly down: Samples;
  readonly draft: Readonly<Record<Source, Samples>>;
  readonly draftStart: Samples;
  readonly losses: Losses;
  readonly node: Fit;
  readonly stream: Samples;
  readonly curves: Curves;
  readonly lengths: readonly number[];
  readonly rounds: number;
}

/** What is believed before anything was seen: an office's channel, and a small draft on a laptop. */
export const PRIOR = {
  rttMs: 30,
  loss: 0.002,
  lostMs: 1000,
  bytesPerMs: 1000,
  draftMs: { neural: 4, lookup: 0.05, memory: 0.01 },
  draftStartMs: 8,
} as const;

/** Losses are seldom, so it takes hundreds of rounds to know how seldom; the prior is worth twenty. */
const LOSS_LIFE = 300;
const LOSS_WEIGHT = 20;
/** Half-life of what is known of losses (ms). */
const LOSS_MEMORY = 300_000;
/** Smaller rounds say nothing of the rate, larger ones nothing of the round trip (bytes). */
const BULK = 8192;
/** Milliseconds beyond the usual that make a round a stalled one. */
const STALL_MS = 250;
/** Tokens of fresh context beyond which a round is a prefill and no verification. */
const PREFILL = 64;

export function startEstimates(): Estimates {
  return {
    rtt: NONE,
    lost: NONE,
    up: NONE,
    down: NONE,
    draft: { neural: NONE, lookup: NONE, memory: NONE },
    draftStart: NONE,
    losses: { lost: 0, rounds: 0, at: 0 },
    node: startFit(),
    stream: NONE,
    curves: {},
    lengths: [],
    rounds: 0,
  };
}

/** The estimates after one more observation. */
export function observe(estimates: Estimates, seen: Observation): Estimates {
  switch (seen.kind) {
    case 'round':
      return observeRound(estimates, seen);
    case 'sync':
      return cross(estimates, seen);
    case 'lost':
      return {
        ...estimates,
        lost: add(estimates.lost, seen.waitedMs, seen.at),
        losses: countLoss(estimates.losses, 1, seen.at),
      };
    case 'drafting': {
      const { at, source, tokens, ms, startMs } = seen;
      const { draft, draftStart } = estimates;
      return {
        ...estimates,
        draft: tokens > 0 ? { ...draft, [source]: add(draft[source], ms / tokens, at) } : draft,
        draftStart: startMs === null ? draftStart : add(draftStart, startMs, at),
      };
    }
    case 'agreement':
      return { ...estimates, curves: countAgreement(estimates.curves, seen, seen.at) };
    case 'completion':
      return { ...estimates, lengths: countLength(estimates.lengths, seen.tokens) };
  }
}

/** What is believed at `now` about work with one adapter. */
export function conditionsAt(estimates: Estimates, adapter: string, now: number): Conditions {
  const { rtt, lost, up, down, draft, draftStart, node, stream, curves } = estimates;
  const losses = olderLosses(estimates.losses, now);
  const rttMs = believed(rtt, PRIOR.rttMs, now);
  const verify = nodeAt(node, now);
  const of = <T>(view: (source: Source) => T): Record<Source, T> => ({
    neural: view('neural'),
    lookup: view('lookup'),
    memory: view('memory'),
  });
  return {
    rttMs,
    loss: (losses.lost + LOSS_WEIGHT * PRIOR.loss) / (losses.rounds + LOSS_WEIGHT),
    lostMs: believed(lost, PRIOR.lostMs, now),
    upBytesPerMs: believed(up, PRIOR.bytesPerMs, now),
    downBytesPerMs: believed(down, PRIOR.bytesPerMs, now),
    draftStartMs: believed(draftStart, PRIOR.draftStartMs, now),
    draftMs: of((source) => believed(draft[source], PRIOR.draftMs[source], now)),
    verify,
    // Writing one token on is one evaluation, so a verdict's fixed time is the best guess for it.
    streamMs: believed(stream, verify.fixedMs, now),
    streamKnown: seenLately(stream, now),
    acceptance: of((source) => acceptanceOf(curves, source, adapter, now)),
    lengths: lengthsOf(estimates.lengths),
    rounds: estimates.rounds,
  };
}

/** The tokens that a completion has on average, and the milliseconds in which the draft model has written them. */
export function lineAt(
  { draft, draftStart, lengths }: Estimates,
  now: number,
): { tokens: number; ms: number } {
  const tokens = lengthsOf(lengths).reduce((sum, share, index) => sum + share * (index + 1), 0);
  const tokenMs = believed(draft.neural, PRIOR.draftMs.neural, now);
  return { tokens, ms: believed(draftStart, PRIOR.draftStartMs, now) + tokenMs * tokens };
}

function observeRound(estimates: Estimates, seen: RoundObservation): Estimates {
  const { at, more } = seen;
  const judged = seen.sent + seen.fresh;
  const streamed = Math.max(0, seen.nodeSpentMs - seen.judgedMs) / more;
  const curves = roundPasses(estimates.curves, seen.adapter);
  return {
    ...cross(estimates, seen),
    node: seen.fresh <= PREFILL ? countRound(estimates.node, { ...seen, judged }) : estimates.node,
    stream: more > 0 ? add(estimates.stream, streamed, at) : estimates.stream,
    curves: seen.drafted > 0 ? countAgreement(curves, seen, at) : curves,
    rounds: estimates.rounds + 1,
  };
}

/** What a way there and back tells of the channel. */
function cross(estimates: Estimates, { at, sentAt, nodeSpentMs, bytesUp, bytesDown }: Crossing): Estimates {
  const channelMs = Math.max(0, at - sentAt - nodeSpentMs);
  const bulk = Math.max(bytesUp, bytesDown) >= BULK;
  const excess = channelMs - believed(estimates.rtt, PRIOR.rttMs, at);
  const stalled = !bulk && excess > STALL_MS;
  const rate = (samples: Samples, bytes: number, others: number) =>
    bytes >= BULK && others < BULK && excess > 1 ? add(samples, bytes / excess, at) : samples;
  return {
    ...estimates,
    rtt: bulk ? estimates.rtt : add(estimates.rtt, channelMs, at),
    up: rate(estimates.up, bytesUp, bytesDown),
    down: rate(estimates.down, bytesDown, bytesUp),
    // A stall leaves the round trip as it is, and costs what a lost round costs: seldom, and much.
    lost: stalled ? add(estimates.lost, excess, at) : estimates.lost,
    losses: countLoss(estimates.losses, stalled ? 1 : 0, at),
  };
}

/** Losses fade with rounds, and with time: a network that was bad an hour ago is another one now. */
function countLoss(losses: Losses, more: number, at: number): Losses {
  const { lost, rounds } = olderLosses(losses, at);
  const keep = half(1, LOSS_LIFE);
  return { lost: lost * keep + more, rounds: rounds * keep + 1, at };
}

function olderLosses({ lost, rounds, at }: Losses, now: number): Losses {
  const keep = half(now - at, LOSS_MEMORY);
  return { lost: lost * keep, rounds: rounds * keep, at: now };
}
