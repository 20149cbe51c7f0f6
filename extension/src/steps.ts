/** Pure: which steps of the walkthrough are done. */
import type { Memento } from 'vscode';
import type { Situation } from './status.ts';

/** What is done when each is: names of context keys, by which the manifest says what checks a step. */
const STEPS = ['foretype.offered', 'foretype.accepted', 'foretype.joined', 'foretype.quieted'] as const;

export type Step = (typeof STEPS)[number];

/**
 * VS Code checks a step by what happens while it looks, which is from the first time on that a walkthrough is opened in a
 * window; what is so already by then never counts. So what was done is remembered, and said again when that may be.
 */
export class Steps {
  readonly #memory: Pick<Memento, 'get' | 'update'>;
  readonly #check: (step: Step) => void;
  readonly #done = new Set<Step>();

  /** @param check - has VS Code, where it looks, see that a step is being done. */
  constructor(memory: Pick<Memento, 'get' | 'update'>, check: (step: Step) => void) {
    this.#memory = memory;
    this.#check = check;
    for (const step of STEPS) if (memory.get(step) === true) this.#done.add(step);
  }

  reached(step: Step): void {
    if (this.#done.has(step)) return;
    this.#done.add(step);
    this.#check(step);
    void this.#memory.update(step, true);
  }

  /** Takes note of what shows in how things are. */
  observe({ condition, automatic, snooze }: Pick<Situation, 'condition' | 'automatic' | 'snooze'>): void {
    if (typeof condition !== 'string' && condition.edge === 'connected') this.reached('foretype.joined');
    if (snooze || !automatic) this.reached('foretype.quieted');
  }

  /** A walkthrough has been opened, or may have been. */
  opened(): void {
    for (const step of this.#done) this.#check(step);
  }
}
