/** Pure: other ways of making rounds, for comparison with the policy. */
import { COMPLETION_LIMIT } from '../../../models/src/prompt.ts';
import { Control, type ControlOptions, type Decision, type Situation } from '../../../server/src/control.ts';
import type { Plan } from '../../../server/src/policy.ts';

/** What a plan that follows a fixed rule does not know. */
const BY_RULE = {
  expectedMs: 0,
  stopping: { costs: [], gains: [], goesOn: [], acceptance: [] },
  why: 'by rule',
};

/** Rounds of `draft` tokens of the draft model after which the node writes on by `more`, whatever they come to. */
export class Fixed extends Control {
  readonly #plan: Plan;
  readonly #draft: number;

  constructor(options: ControlOptions, { draft, more }: { readonly draft: number; readonly more: number }) {
    super(options);
    this.#draft = draft;
    this.#plan =
      draft > 0 ? { kind: 'speculate', draft, more, ...BY_RULE } : { kind: 'stream', more, ...BY_RULE };
  }

  override decide({ offers }: Situation): Decision {
    const wanted: Decision['wanted'] = (drafted) => drafted.length < this.#draft;
    return { plan: this.#plan, offer: neural(offers), wanted };
  }
}

/** The node is never asked. */
export class DraftOnly extends Control {
  override decide({ offers }: Situation): Decision {
    return { plan: { kind: 'draft-only', why: 'by rule' }, offer: neural(offers), wanted: () => false };
  }
}

/** The policy with the draft model as its only source: no text is copied or remembered. */
export class NeuralPolicy extends Control {
  override decide(situation: Situation): Decision {
    return super.decide({ ...situation, offers: [neural(situation.offers)] });
  }
}

/** The draft model's offer, which is always there. */
function neural(offers: Situation['offers']): Situation['offers'][number] {
  return offers.find(({ source }) => source === 'neural')!;
}

export interface Strategy {
  readonly name: string;
  readonly control: (options: ControlOptions) => Control;
  /** The draft model rests while the node is asked. */
  readonly rests?: boolean;
}

const fixed = (draft: number): Strategy => ({
  name: `fixed K = ${draft}`,
  control: (options) => new Fixed(options, { draft, more: 0 }),
});

export const POLICY = 'policy';
export const STREAM = 'stream only';
export const DRAFT_ONLY = 'draft only';
/** Fixed draft lengths, of which the best is looked for afterwards. */
export const FIXED: readonly Strategy[] = [0, 1, 4, 8, 16].map(fixed);

export const STRATEGIES: readonly Strategy[] = [
  { name: POLICY, control: (options) => new Control(options) },
  { name: 'policy, draft model alone', control: (options) => new NeuralPolicy(options) },
  { name: 'policy, no overlap', control: (options) => new Control(options), rests: true },
  ...FIXED,
  { name: STREAM, control: (options) => new Fixed(options, { draft: 0, more: COMPLETION_LIMIT }) },
  { name: DRAFT_ONLY, control: (options) => new DraftOnly(options) },
];
