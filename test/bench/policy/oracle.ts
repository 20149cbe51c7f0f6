/**
 * The best that can be done with the true parameters, by brute force: every draft length, every length of the node's own
 * writing, at every place of a completion and with every number of tokens at hand. It shares no code with the policy.
 * The baselines of the literature are here too: a fixed draft length, and Dinkelbach's without the choice to stream.
 */
import { DEPTH } from '../../../server/src/estimates.ts';
import { averageAcceptance, type Action, type Strategy, type World } from './world.ts';

/** A strategy that knows the world, and the milliseconds it expects for a completion. */
export interface Oracle extends Strategy {
  readonly expectedMs: number;
}

/** @param allowed which rounds may be made; all by default. */
export function oracle(
  world: World,
  allowed: (action: Action, committed: number) => boolean = () => true,
): Oracle {
  const { lengths, overlap } = world;
  const limit = lengths.length;
  // P(longer than t), and F(k).
  const longer = Array.from({ length: limit + 1 }, (_, t) => lengths.slice(t).reduce((a, b) => a + b, 0));
  const stands = [1];
  const rates = averageAcceptance(world);
  for (let k = 1; k <= DEPTH + limit + 1; k++) stands.push(stands[k - 1]! * (rates[k - 1] ?? rates.at(-1)!));
  const rtt = world.rttMs * Math.exp(world.jitter ** 2 / 2) + world.stall * 1000;

  const deepest = overlap ? DEPTH : 0;
  const rest: number[][] = [];
  const plan: Action[][] = [];
  for (let t = limit - 1; t >= 0; t--) {
    rest[t] = [];
    plan[t] = [];
    for (let hand = 0; hand <= deepest; hand++) {
      let best = Infinity;
      for (let draft = 0; draft <= Math.min(DEPTH, limit - t); draft++) {
        for (let more = 0; more <= limit - t; more++) {
          if (!allowed({ draft, more }, t)) continue;
          const ms = price(t, hand, draft, more);
          if (ms < best) {
            best = ms;
            plan[t]![hand] = { draft, more };
          }
        }
      }
      rest[t]![hand] = best;
    }
  }

  /** Expected milliseconds from t on, as a share of all completions (not only of those that come so far). */
  function price(t: number, hand: number, draft: number, more: number): number {
    let ms = longer[t]! * (rtt + world.fixedMs);
    for (let k = 1; k <= draft; k++) {
      const made = longer[t]! * (1 - stands[k - 1]!) + stands[k - 1]! * (longer[t + k - 1] ?? 0);
      ms += made * (world.judgeMs + (k > hand ? world.draftMs : 0));
    }
    for (let accepted = 0; accepted <= draft; accepted++) {
      const next = t + accepted + 1;
      const chance = stands[accepted]! - (accepted < draft ? stands[accepted + 1]! : 0);
      let writing = 0;
      for (let i = 0; i < more; i++) writing += longer[next + i] ?? 0;
      const end = next + more;
      let onward = rest[end]?.[0] ?? 0;
      if (overlap && accepted === draft && draft > 0 && end < limit) {
        const wait = rtt + world.fixedMs + world.judgeMs * draft + world.streamMs * more;
        const ahead = Math.floor(wait / world.draftMs) - 1 - more;
        const agreed = stands[draft + 1 + more]! / stands[draft]!;
        onward += agreed * (rest[end]![Math.max(0, Math.min(DEPTH, ahead))]! - onward);
      }
      ms += chance * (world.streamMs * writing + onward);
    }
    return ms;
  }

  return {
    expectedMs: rest[0]![0]!,
    next: ({ committed, atHand }) => plan[Math.min(committed, limit - 1)]![Math.min(atHand, deepest)]!,
  };
}

/** Always the same round; 0 drafted and all the rest written is streaming. */
export function fixed(draft: number, more = 0): Strategy {
  return { next: () => ({ draft, more }) };
}

/**
 * The steady-state draft length that commits most tokens per time where nothing is streamed, by Dinkelbach's iteration
 * on N(K)/B(K) (arXiv 2606.20591), with the true parameters.
 */
export function alwaysSpeculate(world: World): Strategy {
  const rates = averageAcceptance(world);
  const rounds = [{ ms: world.rttMs + world.fixedMs, tokens: 1 }];
  let standing = 1;
  for (const rate of rates) {
    standing *= rate;
    const { ms, tokens } = rounds.at(-1)!;
    rounds.push({ ms: ms + world.draftMs + world.judgeMs, tokens: tokens + standing });
  }
  let msPerToken = Infinity;
  let draft = 1;
  for (;;) {
    const { ms, tokens } = rounds[draft]!;
    if (ms / tokens >= msPerToken) return fixed(draft);
    msPerToken = ms / tokens;
    const loss = (k: number) => rounds[k]!.ms - msPerToken * rounds[k]!.tokens;
    for (let k = 1; k < rounds.length; k++) if (loss(k) < loss(draft)) draft = k;
  }
}

/**
 * The best for a draft that says how sure it is of each token: optimal stopping over (position, probability that all
 * stand), for the length of the node's own writing that is best with it, at every place of a completion.
 */
export function confidentOracle(world: World): Oracle {
  const { lengths, confidence, rttMs, jitter, stall, fixedMs, judgeMs, draftMs, streamMs } = world;
  if (!confidence) throw new RangeError('Expected a world whose draft says how sure it is.');
  const kinds = confidence;
  const limit = lengths.length;
  const longer = Array.from({ length: limit + 1 }, (_, t) => lengths.slice(t).reduce((a, b) => a + b, 0));
  const round = rttMs * Math.exp(jitter ** 2 / 2) + stall * 1000 + fixedMs;
  const rest: number[] = [];
  const plan: Action[] = [];
  const after = (u: number, more: number) => {
    let ms = rest[u + more] ?? 0;
    for (let i = 0; i < more; i++) ms += streamMs * (longer[u + i] ?? 0);
    return ms;
  };
  for (let t = limit - 1; t >= 0; t--) {
    rest[t] = Infinity;
    for (let more = 0; more <= limit - t; more++) {
      const gains = Array.from({ length: DEPTH + 1 }, (_, k) => after(t + k, more) - after(t + k + 1, more));
      // What drafting on saves at best once k tokens are drafted that all stand with probability `prefix`.
      const known = new Map<string, number>();
      const saves = (k: number, prefix: number): number => {
        if (k >= DEPTH || t + k >= limit || prefix < 1e-4) return 0;
        const key = `${k} ${prefix.toFixed(4)}`;
        const found = known.get(key);
        if (found !== undefined) return found;
        const made = longer[t]! * (1 - prefix) + prefix * longer[t + k]!;
        let value = -made * (draftMs + judgeMs);
        for (const { share, acceptance } of kinds) {
          const next = prefix * acceptance;
          value += share * (next * gains[k + 1]! + saves(k + 1, next));
        }
        known.set(key, Math.max(0, value));
        return known.get(key)!;
      };
      const ms = longer[t]! * round + after(t + 1, more) - saves(0, 1);
      if (ms < rest[t]!) {
        rest[t] = ms;
        plan[t] = { draft: DEPTH, more, worth: (position, prefix) => saves(position - 1, prefix) > 0 };
      }
    }
  }
  return { expectedMs: rest[0]!, next: ({ committed }) => plan[Math.min(committed, limit - 1)]! };
}
