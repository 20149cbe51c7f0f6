import type { Offer } from './drafts.ts';
import {
  conditionsAt,
  lineAt,
  DEPTH,
  observe,
  startEstimates,
  trust,
  type Conditions,
  type Estimates,
  type Observation,
} from './estimates.ts';
import {
  choose,
  isUsedUp,
  refill,
  spend,
  wantedAfter,
  worthDrafting,
  type EnergyBudget,
  type EnergyCosts,
  type Plan,
} from './policy.ts';
import type { Drafted } from './write-ahead.ts';

export interface ControlOptions {
  /** Milliseconds on the clock of all observations. */
  readonly now: () => number;
  /**
   * Joules an hour that completions may take, as it is now. Absent where the node's text is the only one: without it there
   * would be nothing, which is not for a budget to say.
   */
  readonly jPerHour?: (() => number) | undefined;
}

/** What a round is to be planned for. */
export interface Situation {
  /** Name of the adapter, or empty for the backbone. */
  readonly adapter: string;
  /** Tokens of the completion that are committed. */
  readonly written: number;
  readonly offers: readonly Offer[];
  /** Milliseconds after which nobody waits for a verified text any more. */
  readonly deadlineMs: number;
}

/** How to make a round, and with which offer. */
export interface Decision {
  readonly plan: Plan;
  readonly offer: Offer;
  /** Whether to draft one token more, after what there is so far. */
  readonly wanted: (drafted: readonly Drafted[]) => boolean;
}

/** What is spent on one completion beyond the local draft's line, which is written in any case. */
export interface Spent {
  /** Tokens drafted, rounds made, milliseconds of waiting for the node. */
  readonly drafted: number;
  readonly rounds: number;
  readonly waitMs: number;
}

/** Of a laptop: its CPU at some 20 W for 2 ms a token, a radio that wakes up, a screen that is on anyway. */
const COSTS: EnergyCosts = { draftTokenJ: 0.03, roundJ: 0.3, waitJPerS: 1 };

/** Remembers what work with one node was like, and decides by it how the next rounds are made. */
export class Control {
  readonly #options: ControlOptions;
  #estimates: Estimates = startEstimates();
  #budget: EnergyBudget;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#budget = { backlogJ: 0, jPerHour: options.jPerHour?.() ?? 0, at: options.now() };
  }

  /** The round that is expected to get to the end of the text first; with which source, is part of that. */
  decide({ adapter, written, offers, deadlineMs }: Situation): Decision {
    const { now: clock, jPerHour } = this.#options;
    const now = clock();
    if (jPerHour) this.#budget = { ...refill(this.#budget, now), jPerHour: jPerHour() };
    const energy = jPerHour && { budget: this.#budget, costs: COSTS };
    const conditions = conditionsAt(this.#estimates, adapter, now);
    const wanted = wantedAfter(conditions.lengths, written);
    const decisions = offers.map((offer): Decision => {
      const { source, hand, writes, waitedMs } = offer;
      const acceptance = conditions.acceptance[source];
      const demand = {
        source,
        wanted,
        hand: hand.slice(0, DEPTH).map(({ sureness }) => trust(acceptance, sureness)),
        longest: writes ? DEPTH : hand.length,
        delayMs: waitedMs === null ? 0 : Math.max(0, conditions.draftStartMs - waitedMs),
        overlap: writes,
        deadlineMs,
      };
      const plan = choose(conditions, demand, energy);
      return { plan, offer, wanted: wantedBy(plan, conditions, offer) };
    });
    return decisions.reduce((best, other) => (msOf(other) < msOf(best) ? other : best));
  }

  /** Whether the energy budget forbids whatever could be planned. */
  get rests(): boolean {
    if (!this.#options.jPerHour) return false;
    const now = this.#options.now();
    return isUsedUp(refill(this.#budget, now), COSTS, lineAt(this.#estimates, now).tokens);
  }

  /** Milliseconds until the local draft has its line, as far as is known. */
  get lineMs(): number {
    return lineAt(this.#estimates, this.#options.now()).ms;
  }

  observe(seen: Observation): void {
    this.#estimates = observe(this.#estimates, seen);
  }

  spend({ drafted, rounds, waitMs }: Spent): void {
    if (!this.#options.jPerHour) return;
    const { draftTokenJ, roundJ, waitJPerS } = COSTS;
    this.#budget = spend(this.#budget, drafted * draftTokenJ + rounds * roundJ + (waitMs / 1000) * waitJPerS);
  }
}

/** What is at hand was weighed as a whole when the plan was made; what is still to be written is weighed as it comes. */
function wantedBy(plan: Plan, conditions: Conditions, { source, hand }: Offer): Decision['wanted'] {
  if (plan.kind !== 'speculate') return () => false;
  const { draft } = plan;
  const acceptance = conditions.acceptance[source];
  return (drafted) => {
    const position = drafted.length + 1;
    if (position <= hand.length || draft < hand.length) return position <= draft;
    const prefix = drafted.reduce((all, { sureness }) => all * trust(acceptance, sureness), 1);
    return worthDrafting(plan, position, prefix);
  };
}

function msOf({ plan }: Decision): number {
  return plan.kind === 'draft-only' ? Infinity : plan.expectedMs;
}
