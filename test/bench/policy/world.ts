/**
 * A made-up channel, node and draft with known parameters, on a virtual clock: what a policy costs can be computed here
 * instead of measured, the same on every machine. Chance comes from a seed; the text of a completion (its length, and
 * where a draft agrees) is the same for every strategy that is run on it.
 */
import { DEPTH, type Observation } from '../../../server/src/estimates.ts';

export interface World {
  readonly rttMs: number;
  /** Standard deviation of the logarithm of a round trip. */
  readonly jitter: number;
  /** P(a round trip takes a second longer). */
  readonly stall: number;
  /** Drafting, ms per token; the node: fixed, per token judged, per token written on (ms). */
  readonly draftMs: number;
  readonly fixedMs: number;
  readonly judgeMs: number;
  readonly streamMs: number;
  /** P(drafted token k stands | all before it do), at index k − 1, where the draft does not say. */
  readonly acceptance: readonly number[];
  /** Kinds of token, each with P(it stands) that the draft knows once it has written it; replaces `acceptance`. */
  readonly confidence?: readonly Kind[];
  /** Kinds of line, each with an acceptance of its own that nobody knows; replaces `acceptance`. */
  readonly lines?: readonly Kind[];
  /** P(a completion has exactly n tokens), at index n − 1. */
  readonly lengths: readonly number[];
  /** Whether the device drafts on while a verdict is on its way. */
  readonly overlap: boolean;
  /** Whether a ghost text is drafted while the node streams, which shows what would have been accepted. */
  readonly ghost: boolean;
}

export interface Kind {
  readonly share: number;
  readonly acceptance: number;
}

/** What a strategy decides for one round. */
export interface Action {
  readonly draft: number;
  readonly more: number;
  /** Decides token by token instead of by `draft`: is token `position` worth drafting if all before it stand so likely? */
  readonly worth?: (position: number, prefix: number) => boolean;
  /** No round at all: the draft is left as it is. */
  readonly declined?: boolean;
}

export interface Strategy {
  next(at: { readonly committed: number; readonly atHand: number; readonly now: number }): Action;
  observe?(seen: Observation): void;
}

/** What was spent on one completion. */
export interface Spent {
  tokens: number;
  ms: number;
  rounds: number;
  drafted: number;
  waitMs: number;
  /** The strategy left the draft unverified; `tokens` are those of the ghost text then. */
  declined: boolean;
}

export type Random = () => number;

/** mulberry32: a number from 0 to 1, the same sequence for the same seed. */
export function seeded(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All lengths from `least` to `most` equally likely. */
export function between(least: number, most: number): number[] {
  return Array.from({ length: most }, (_, index) => (index + 1 < least ? 0 : 1 / (most - least + 1)));
}

export function geometric(rate: number): number[] {
  return Array<number>(DEPTH).fill(rate);
}

/** One completion from `now` on; `world` says what is true, `seed` which text it is. */
export function complete(world: World, strategy: Strategy, seed: number, start: number): Spent {
  const text = textOf(world, seed);
  const chance = seeded(seed * 7919 + 13);
  const around = (ms: number, spread: number) => ms * Math.exp(spread * normal(chance));
  const { length } = text;
  const spent: Spent = { tokens: length, ms: 0, rounds: 0, drafted: 0, waitMs: 0, declined: false };
  let committed = 0;
  let atHand = 0;
  while (committed < length) {
    const action = strategy.next({ committed, atHand, now: start + spent.ms });
    if (action.declined) return { ...spent, declined: true };
    const { draft, more, worth } = action;
    // The draft: it ends by itself where it has written the last token and was right so far.
    let count = 0;
    let stood = 0;
    let prefix = 1;
    let draftingMs = 0;
    while (count < DEPTH && (worth ? worth(count + 1, prefix) : count < draft)) {
      if (stood === count && committed + stood >= length) break;
      if (count >= atHand) draftingMs += around(world.draftMs, 0.1);
      const kind = text.stands(committed + count, count + 1);
      prefix *= kind.confidence;
      if (stood === count && kind.stands) stood++;
      count++;
    }
    const fromScratch = Math.max(0, count - atHand);
    if (draftingMs > 0) {
      spent.ms += draftingMs;
      strategy.observe?.({
        kind: 'drafting',
        at: start + spent.ms,
        source: 'neural',
        tokens: fromScratch,
        ms: draftingMs,
        startMs: null,
      });
    }
    const own = Math.min(1, length - committed - stood);
    const written = Math.min(more, length - committed - stood - own);
    const judgedMs = around(world.fixedMs + world.judgeMs * count, 0.1);
    const nodeSpentMs = judgedMs + around(world.streamMs * written, 0.1);
    const channelMs = around(world.rttMs, world.jitter) + (chance() < world.stall ? 1000 : 0);
    const sentAt = start + spent.ms;
    spent.ms += channelMs + nodeSpentMs;
    spent.waitMs += channelMs + nodeSpentMs;
    spent.rounds++;
    spent.drafted += fromScratch;
    // Meanwhile the device drafts on, for the ghost text or the next round; all of that shows what would have stood.
    const waitMs = channelMs + nodeSpentMs;
    const meanwhile =
      world.overlap || (world.ghost && committed === 0) ? Math.floor(waitMs / world.draftMs) : 0;
    const compared = agreement(text, committed, stood, count, Math.min(meanwhile, own + written));
    strategy.observe?.({
      kind: 'round',
      at: start + spent.ms,
      sentAt,
      nodeSpentMs,
      judgedMs,
      bytesUp: 40 + 3 * count,
      bytesDown: 20 + 3 * (own + written),
      sent: count,
      more: written,
      fresh: 0,
      source: 'neural',
      adapter: '',
      ...compared,
    });
    // What was drafted meanwhile is of use if the node's own tokens are the draft's.
    const bridged = world.overlap && count > 0 && compared.accepted === count + own + written;
    atHand = bridged ? Math.min(DEPTH, meanwhile - own - written) : 0;
    committed += stood + own + written;
  }
  strategy.observe?.({ kind: 'completion', at: start + spent.ms, tokens: length });
  return spent;
}

interface Text {
  readonly length: number;
  /** Whether a draft's token for this place stands, as number `position` of the draft, and how sure the draft is. */
  stands(place: number, position: number): { readonly stands: boolean; readonly confidence: number };
}

function textOf({ lengths, acceptance, confidence, lines }: World, seed: number): Text {
  const chance = seeded(seed);
  const length = pickIndex(lengths, chance()) + 1;
  const line = lines && lines[pickIndex(shares(lines), chance())]!;
  const places = Array.from({ length: length + 2 * DEPTH }, () => ({ luck: chance(), kind: chance() }));
  return {
    length,
    stands: (place, position) => {
      const { luck, kind } = places[Math.min(place, places.length - 1)]!;
      if (confidence) {
        const sure = confidence[pickIndex(shares(confidence), kind)]!.acceptance;
        return { stands: luck < sure, confidence: sure };
      }
      const rate = line ? line.acceptance : (acceptance[position - 1] ?? acceptance.at(-1)!);
      return { stands: luck < rate, confidence: acceptance[position - 1] ?? acceptance.at(-1)! };
    },
  };
}

/** A draft of which `count` tokens were sent and `stood` stand, compared with what the node wrote as far as `further`. */
function agreement(text: Text, from: number, stood: number, count: number, further: number) {
  let accepted = stood;
  let drafted = Math.min(count, text.length - from);
  for (; stood === count && drafted < count + further; drafted++) {
    if (!text.stands(from + drafted, drafted + 1).stands) return { drafted: drafted + 1, accepted };
    accepted++;
  }
  return { drafted, accepted };
}

/** Acceptance by position as it is on average, whatever the draft or the lines are made of. */
export function averageAcceptance({ acceptance, confidence, lines }: World): number[] {
  if (confidence) {
    return geometric(confidence.reduce((sum, kind) => sum + kind.share * kind.acceptance, 0));
  }
  if (!lines) return [...acceptance];
  const standing = (k: number) => lines.reduce((sum, kind) => sum + kind.share * kind.acceptance ** k, 0);
  return Array.from({ length: DEPTH }, (_, index) => standing(index + 1) / standing(index));
}

export function shares(kinds: readonly Kind[]): number[] {
  return kinds.map(({ share }) => share);
}

function pickIndex(weights: readonly number[], at: number): number {
  let left = at;
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

/** Box and Muller. */
function normal(chance: Random): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
}
