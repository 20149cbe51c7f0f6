/**
 * Pure: how far ahead to draft, and how much the node shall write by itself.
 *
 * Every way of finishing a completion is priced in expected milliseconds until its text is verified. Let t tokens be
 * committed, L(t) = P(more than t are wanted), F(k) = P(the first k drafted tokens stand), F(0) = 1. A round that drafts K
 * tokens and has the node write m after its own token costs
 *
 *     rest(t; K, m) = L(t) · (RTT + a) + Σ_{k≤K} drafted(t, k) · (c_k + b)
 *                   + Σ_{A<K} (F(A) − F(A+1)) · after(t + A + 1) + F(K) · after(t + K + 1)
 *     after(u)      = stream · Σ_{i<m} L(u + i) + rest(u + m),      rest(t) = min over K, m
 *
 * in one backward pass over t. One drafted token more changes that by drafted · (c_k + b) − F(k) · gain_k, where
 * gain_k = after(t + k) − after(t + k + 1) is what one more committed token saves: drafting stops where its cost exceeds
 * λ·P(the prefix stands). That is Dinkelbach's stopping rule (arXiv 2606.20591); 1/λ, the milliseconds that a token is
 * worth, is one number in an endless text and depends on the position in one that ends. Streaming is K = 0, so no plan is
 * worse than it, nor than any fixed K, as far as the conditions are true.
 *
 * Energy enters the same currency: a virtual queue holds the joules spent beyond the budget, and each joule costs more
 * milliseconds the longer the queue (Lyapunov drift plus penalty; V·tokens/time − Q·energy/time is, for the fixed number
 * of tokens that a completion wants, time + price · energy).
 */
import { DEPTH, type Conditions, type Source } from './estimates.ts';

export interface Demand {
  readonly source: Source;
  /** P(exactly n more tokens are wanted), at index n − 1; see {@link wantedAfter}. */
  readonly wanted: readonly number[];
  /** P(it stands | all before it do) of each token drafted already; they cost no time any more. */
  readonly hand: readonly number[];
  /** The most tokens that the source can draft now: what it has at hand, or {@link DEPTH} where it writes. */
  readonly longest: number;
  /** Milliseconds until the first token that is not at hand can be begun. */
  readonly delayMs: number;
  /** Whether the caller goes on drafting while a verdict is on its way. */
  readonly overlap: boolean;
  /** Milliseconds after which nobody waits for a verified text any more. */
  readonly deadlineMs: number;
}

/** Joules: of a drafted token, of a round over the radio, of a second of waiting for the node. */
export interface EnergyCosts {
  readonly draftTokenJ: number;
  readonly roundJ: number;
  readonly waitJPerS: number;
}

/** The virtual queue: joules spent beyond what the budget allowed until `at` (ms). */
export interface EnergyBudget {
  readonly backlogJ: number;
  readonly jPerHour: number;
  readonly at: number;
}

/** When another drafted token pays, by position k at index k − 1. */
interface Stopping {
  /** Milliseconds that drafting and judging it costs. */
  readonly costs: readonly number[];
  /** Milliseconds saved if it and all before it stand, in the mean over all lengths of the text. */
  readonly gains: readonly number[];
  /** P(the text goes on so far). */
  readonly goesOn: readonly number[];
  /** P(it stands | all before it do), as far as is known before it is written. */
  readonly acceptance: readonly number[];
}

interface Planned {
  /** Expected milliseconds until the whole text is verified, energy included at its price. */
  readonly expectedMs: number;
  readonly stopping: Stopping;
  readonly why: string;
}

export type Plan =
  | { readonly kind: 'draft-only'; readonly why: string }
  | ({ readonly kind: 'stream'; readonly more: number } & Planned)
  | ({ readonly kind: 'speculate'; readonly draft: number; readonly more: number } & Planned);

/** Bytes of a round both ways besides its drafted tokens, and of one token. */
const FRAME_BYTES = 64;
const TOKEN_BYTES = 3;
/** Lengths of the node's own writing that are tried besides none and all. */
const MORE = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36];
/** The same for the rounds after this one, of which only the price is asked. */
const LATER_MORE = [1, 3, 6, 11, 20];
/** Lengths that are this seldom change no plan. */
const NEGLIGIBLE = 0.004;
/** A draft that stands this seldom is not priced: what it could save is less than what any token costs. */
const HOPELESS = 1e-3;
/** The part of a completion's time that trying one thing may cost, and the part of the rounds that may try. */
const EXPLORATION = 0.005;
const EXPLORE_MOST = 1 / 12;
/** Tokens that a trial has the node write. */
const TRIAL = 2;
/** Milliseconds of delay that one verified token is worth: energy may not make it dearer. */
const TOKEN_WORTH = 60;
/** The part of an hour's budget that the queue may reach, and the price at half of that (ms per J). */
const QUEUE_LIMIT = 0.04;
const HALF_PRICE = 150;
/** Below so many milliseconds a joule a round is dearer by less than one: energy decides nothing then. */
const LEAST_PRICE = 1;

/** Joules an hour that completions may take of the battery, on mains, on battery and where the user saves power. */
export const BUDGETS = { mains: 36_000, battery: 3600, saver: 900 } as const;

/** What is wanted after `written` tokens of a completion whose length has the distribution `lengths`. */
export function wantedAfter(lengths: readonly number[], written: number): number[] {
  const left = lengths.slice(written);
  const total = left.reduce((sum, share) => sum + share, 0);
  // Beyond the longest completion ever seen, each further token may well be the last.
  return total > 0 ? left.map((share) => share / total) : [0.5, 0.5];
}

/** How to make the next round, or none. */
export function choose(
  conditions: Conditions,
  demand: Demand,
  energy?: { readonly budget: EnergyBudget; readonly costs: EnergyCosts },
): Plan {
  const asked = energy ? priceOf(energy.budget) : 0;
  const price = asked < LEAST_PRICE ? 0 : asked;
  if (price === Infinity) return { kind: 'draft-only', why: 'energy budget used up' };
  const problem = pose(conditions, demand, price, energy?.costs);
  const best = settle(problem, conditions, demand);
  // What energy costs is no time that anybody waits.
  const { ms } = price > 0 ? settle(pose(conditions, demand, 0), conditions, demand) : best;
  const dearer = best.ms - ms;
  const tokens = problem.left.reduce((sum, share) => sum + share, 0);
  if (dearer > TOKEN_WORTH * tokens) {
    return {
      kind: 'draft-only',
      why: `energy ${dearer.toFixed(0)} ms for ${tokens.toFixed(0)} tokens at ${price.toFixed(0)} ms/J`,
    };
  }
  if (ms > demand.deadlineMs) {
    return { kind: 'draft-only', why: `${ms.toFixed(0)} ms expected, ${demand.deadlineMs.toFixed(0)} left` };
  }
  const { draft } = best;
  const tried = explore(conditions, problem, best);
  const more = best.more + tried;
  const stopping = stoppingAt(problem, { ...best, more }, demand);
  const figures = `rtt ${conditions.rttMs.toFixed(0)}, draft ${problem.draftMs.toFixed(1)}, node ${conditions.verify.fixedMs.toFixed(1)}+${conditions.verify.tokenMs.toFixed(1)}K, stream ${problem.streamMs.toFixed(0)} ms`;
  const why = `${demand.source} K ${draft} m ${more}: ${best.ms.toFixed(0)} ms of ${best.streamed.toFixed(0)} streamed; ${figures}; F4 ${(best.stands[4] ?? 0).toFixed(2)}${tried > 0 ? '; trying' : ''}`;
  const planned = { more, expectedMs: best.ms, stopping, why };
  return draft === 0 ? { kind: 'stream', ...planned } : { kind: 'speculate', draft, ...planned };
}

/**
 * Whether to draft token `position` (from 1) of a round. `prefix` is the probability that all tokens drafted before it
 * stand: the product of the draft's own calibrated confidences, or of the curve where there are none.
 */
export function worthDrafting(plan: Plan, position: number, prefix: number): boolean {
  if (plan.kind === 'draft-only' || position > DEPTH) return false;
  const { costs, gains, goesOn, acceptance } = plan.stopping;
  const index = position - 1;
  // A draft that stands ends where the text does: that it has not ended speaks a little against it.
  const made = 1 - prefix + prefix * (goesOn[index] ?? 0);
  return made * (costs[index] ?? Infinity) < prefix * (acceptance[index] ?? 0) * (gains[index] ?? 0);
}

/** The queue after `joules` were spent; what it has no room for is forgotten, so that nobody waits for hours. */
export function spend(budget: EnergyBudget, joules: number): EnergyBudget {
  return { ...budget, backlogJ: Math.min(QUEUE_LIMIT * budget.jPerHour, budget.backlogJ + joules) };
}

/** Whether the budget leaves no room for a text of so many tokens: a single bare round is dearer than all of it is worth. */
export function isUsedUp(budget: EnergyBudget, { roundJ }: EnergyCosts, tokens: number): boolean {
  return priceOf(budget) * roundJ > TOKEN_WORTH * tokens;
}

/** The queue at `now`: the budget of the time that passed is taken from it, and what was not used is not saved up. */
export function refill(budget: EnergyBudget, now: number): EnergyBudget {
  const allowed = (budget.jPerHour * Math.max(0, now - budget.at)) / 3_600_000;
  return { ...budget, backlogJ: Math.max(0, budget.backlogJ - allowed), at: now };
}

/** Milliseconds that a joule costs; without a bound, so that the queue has one. */
function priceOf({ backlogJ, jPerHour }: EnergyBudget): number {
  const limit = QUEUE_LIMIT * jPerHour;
  return backlogJ < limit ? (HALF_PRICE * backlogJ) / (limit - backlogJ) : Infinity;
}

/** The quantities of the formula above, all in milliseconds. */
interface Problem {
  readonly draftMs: number;
  readonly judgeMs: number;
  readonly roundMs: number;
  readonly streamMs: number;
  /** F(k) for k from 0, as it is on average. */
  readonly stands: readonly number[];
  /** L(t) for t from 0; after them nothing is wanted. */
  readonly left: readonly number[];
  /** Σ_{i<t} L(i). */
  readonly until: readonly number[];
  readonly mores: readonly number[];
  /** rest(t) with nothing at hand; with the tokens drafted during a round's wait at hand. */
  readonly cold: number[];
  readonly warm: number[];
  readonly ahead: number;
}

interface Best {
  readonly ms: number;
  readonly draft: number;
  readonly more: number;
  /** The least milliseconds with no draft in this round. */
  readonly streamed: number;
  /** F(k) for this round's draft, of which some is at hand. */
  readonly stands: readonly number[];
}

function pose(conditions: Conditions, demand: Demand, price: number, costs?: EnergyCosts): Problem {
  const { rttMs, loss, upBytesPerMs, downBytesPerMs, verify } = conditions;
  // Nobody waits for a lost round longer than for any other.
  const lostMs = Math.min(conditions.lostMs, Math.max(0, demand.deadlineMs));
  const waited = 1 + (price * (costs?.waitJPerS ?? 0)) / 1000;
  const frames = FRAME_BYTES / upBytesPerMs + FRAME_BYTES / downBytesPerMs;
  const left = leftAfter(demand.wanted);
  const until = [0];
  for (const share of left) until.push(until.at(-1)! + share);
  const problem: Problem = {
    draftMs: conditions.draftMs[demand.source] + price * (costs?.draftTokenJ ?? 0),
    judgeMs: (verify.tokenMs + TOKEN_BYTES / upBytesPerMs) * waited,
    // A lost round is waited for and sent again.
    roundMs:
      (rttMs + frames + verify.fixedMs + (loss * lostMs) / (1 - loss)) * waited +
      price * (costs?.roundJ ?? 0),
    streamMs: (conditions.streamMs + TOKEN_BYTES / downBytesPerMs) * waited,
    stands: [1, ...conditions.acceptance[demand.source].standing],
    left,
    until,
    mores: triedOf(MORE, left.length),
    cold: [],
    warm: [],
    // What is drafted while the verdict is awaited, less the one that the node's own token replaces.
    ahead: demand.overlap
      ? Math.floor((rttMs + verify.fixedMs) / Math.max(0.01, conditions.draftMs[demand.source])) - 1
      : 0,
  };
  const mores = triedOf(LATER_MORE, left.length);
  for (let t = left.length - 1; t >= 0; t--) {
    const { stands, ahead } = problem;
    const later = { t, delayMs: 0, stands };
    problem.cold[t] = bestAt(problem, { ...later, hand: 0 }, mores).ms;
    problem.warm[t] = ahead > 0 ? bestAt(problem, { ...later, hand: ahead }, mores).ms : problem.cold[t]!;
  }
  return problem;
}

/** P(more than t tokens are wanted) for t from 0, as long as that is worth a thought. */
function leftAfter(wanted: readonly number[]): number[] {
  const left = wanted.toReversed();
  for (let index = 1; index < left.length; index++) left[index]! += left[index - 1]!;
  return left.reverse().filter((share) => share > NEGLIGIBLE);
}

function triedOf(mores: readonly number[], longest: number): number[] {
  return [0, ...mores.filter((more) => more < longest), longest];
}

/** The best round now: of what is at hand it is known how likely it stands, of the rest what is usual at its place. */
function settle(problem: Problem, conditions: Conditions, { source, hand, delayMs, longest }: Demand): Best {
  const { standing } = conditions.acceptance[source];
  const stands = [1];
  for (let k = 1; k <= Math.min(longest, standing.length); k++) {
    stands.push(stands[k - 1]! * (hand[k - 1] ?? standing[k - 1]! / (standing[k - 2] ?? 1)));
  }
  if (problem.left.length === 0) return { ms: 0, draft: 0, more: 0, streamed: 0, stands };
  return bestAt(problem, { t: 0, hand: hand.length, delayMs, stands }, problem.mores);
}

interface Position {
  /** Tokens committed. */
  readonly t: number;
  /** Tokens of the draft that cost nothing, and what the next one costs beside its own time. */
  readonly hand: number;
  readonly delayMs: number;
  readonly stands: readonly number[];
}

function bestAt(problem: Problem, position: Position, mores: readonly number[]): Best {
  const { t, stands } = position;
  const { left, roundMs } = problem;
  let best = { ms: Infinity, draft: 0, more: 0 };
  let streamed = Infinity;
  const deepest = Math.min(DEPTH, stands.length - 1, left.length - t);
  for (const more of mores) {
    let rest = after(problem, t + 1, more);
    let ms = left[t]! * roundMs + rest;
    streamed = Math.min(streamed, ms);
    for (let draft = 0; draft <= deepest && stands[draft]! > HOPELESS; draft++) {
      if (draft > 0) {
        const next = after(problem, t + draft + 1, more);
        ms +=
          drafted(problem, stands, t, draft) * costOf(problem, draft, position) -
          stands[draft]! * (rest - next);
        rest = next;
      }
      const total = ms - savedAfter(problem, stands, t, draft, more);
      if (total < best.ms) best = { ms: total, draft, more };
    }
    // To the end is to the end, whatever more is allowed.
    if (t + 1 + more >= left.length) break;
  }
  return { ...best, streamed, stands };
}

/** Where the node's own tokens are those that were drafted meanwhile, the next draft is there already. */
function savedAfter(
  { left, cold, warm, ahead }: Problem,
  stands: readonly number[],
  t: number,
  draft: number,
  more: number,
): number {
  const next = t + draft + 1 + more;
  if (draft === 0 || ahead <= 0 || next >= left.length) return 0;
  return (stands[draft + 1 + more] ?? 0) * (cold[next]! - warm[next]!);
}

/** Milliseconds still to come once `u` tokens are committed and the node writes `more`; 0 where nothing is wanted. */
function after({ left, until, streamMs, cold }: Problem, u: number, more: number): number {
  if (u >= left.length) return 0;
  const end = Math.min(u + more, left.length);
  return streamMs * (until[end]! - until[u]!) + (cold[end] ?? 0);
}

/** P(the draft after t tokens has a token k): a draft that stands so far ends where the text does. */
function drafted({ left }: Problem, stands: readonly number[], t: number, k: number): number {
  return left[t]! * (1 - stands[k - 1]!) + stands[k - 1]! * (left[t + k - 1] ?? 0);
}

function costOf(
  { draftMs, judgeMs }: Problem,
  k: number,
  { hand, delayMs }: Pick<Position, 'hand' | 'delayMs'>,
): number {
  return (k > hand ? draftMs : 0) + (k === hand + 1 ? delayMs : 0) + judgeMs;
}

function stoppingAt(problem: Problem, { stands, more }: Best, { hand }: Demand): Stopping {
  const positions = stands.slice(1).map((_, index) => index + 1);
  return {
    // Whether to wait for the first token was decided with the plan.
    costs: positions.map((k) => costOf(problem, k, { hand: hand.length, delayMs: 0 })),
    gains: positions.map((k) => {
      const saved = savedAfter(problem, stands, 0, k, more) - savedAfter(problem, stands, 0, k - 1, more);
      return after(problem, k, more) - after(problem, k + 1, more) + saved / Math.max(1e-9, stands[k]!);
    }),
    goesOn: positions.map((k) => problem.left[k - 1] ?? 0),
    acceptance: positions.map((k) => stands[k]! / Math.max(1e-9, stands[k - 1]!)),
  };
}

/**
 * Tokens to have written beyond the best plan, now and then, where that was not done lately: a node that is never left to
 * write can never be found to be fast at it. The schedule bounds what it can cost, even if it gains nothing at all.
 * Longer drafts need no such trial, since what is drafted is compared with the target's text whether it was sent or not.
 */
function explore({ rounds, streamKnown }: Conditions, problem: Problem, best: Best): number {
  if (best.more > 0 || streamKnown) return 0;
  const cost = TRIAL * problem.streamMs;
  // Multiples of the golden ratio spread evenly: of any run of rounds, a part of about `share` is below it.
  const turn = (rounds * 0.6180339887) % 1;
  return turn < Math.min(EXPLORE_MOST, (EXPLORATION * best.ms) / cost) ? TRIAL : 0;
}
