/**
 * Whose tokens are evaluated next. Work that somebody waits for (judging a draft, writing a token) goes before reading
 * prompts, but each has half of the time where both wait; lanes take turns; and of the prompts the one begun first is read to
 * its end: were all read at once, all would be done only when the last is.
 */

/** One batch that a slot wants evaluated. */
export interface Job {
  /** Jobs of one lane may be evaluated together. */
  readonly lane: string;
  readonly tokens: number;
  /** Its results are waited for; otherwise it is a part of a prompt. */
  readonly urgent: boolean;
  /** When its slot began with this call: any number that grows. */
  readonly since: number;
  /** Evaluated with nobody else, see `LlamaSlot`. */
  readonly alone: boolean;
}

export interface Turn {
  /** Number of the step in which each lane had its last turn, by kind of work; absent where it had none. */
  readonly lastUrgent: ReadonlyMap<string, number>;
  readonly lastReading: ReadonlyMap<string, number>;
  /** Milliseconds by which urgent work had more than prompts while both waited. */
  readonly owedToPrompts: number;
}

/** Steps after an urgent one in which there may soon be another. */
const LATELY = 16;

/**
 * The jobs to evaluate together now.
 * @param waiting in the order in which they came, at least one.
 * @param most tokens of them all; a single job may have as many.
 */
export function nextStep<J extends Job>(waiting: readonly J[], turn: Turn, most: number): J[] {
  const urgent = waiting.filter((job) => job.urgent);
  const reading = waiting.filter((job) => !job.urgent);
  // With less than half of the time a queue of prompts would only grow where many people go from place to place.
  if (urgent.length === 0 || (reading.length > 0 && turn.owedToPrompts > 0)) {
    const lane = longestAgo(reading, turn.lastReading);
    const ofLane = reading.filter((job) => job.lane === lane);
    return [ofLane.reduce((first, job) => (job.since < first.since ? job : first))];
  }
  const lane = longestAgo(urgent, turn.lastUrgent);
  const step: J[] = [];
  let tokens = 0;
  for (const job of urgent) {
    if (job.lane !== lane || (step.length > 0 && tokens + job.tokens > most)) continue;
    if (job.alone && step.length > 0) break;
    step.push(job);
    tokens += job.tokens;
    if (job.alone) break;
  }
  return step;
}

/** The lane that had its turn longest ago; of those that never had one, the first. */
function longestAgo(jobs: readonly Job[], last: ReadonlyMap<string, number>): string {
  return jobs.reduce((best, job) => {
    return (last.get(job.lane) ?? -1) < (last.get(best.lane) ?? -1) ? job : best;
  }).lane;
}

interface Waiting extends Job {
  readonly run: () => Promise<unknown>;
}

/** Gives turns, one step at a time. */
export class Turns {
  readonly #most: number;
  readonly #clock: () => number;
  readonly #waiting: Waiting[] = [];
  readonly #lastUrgent = new Map<string, number>();
  readonly #lastReading = new Map<string, number>();
  #owedToPrompts = 0;
  #lastUrgentStep = -Infinity;
  #steps = 0;
  #running = false;

  /**
   * @param most tokens that are evaluated together.
   * @param clock milliseconds that never go back.
   */
  constructor(most: number, clock: () => number) {
    this.#most = most;
    this.#clock = clock;
  }

  /** A number that grows with each step, see {@link Job.since}. */
  get now(): number {
    return this.#steps;
  }

  /** Whether somebody was waited for just now, and may be again: a prompt had better be read in small parts. */
  get isShared(): boolean {
    return this.#steps - this.#lastUrgentStep < LATELY;
  }

  /** Runs `run` when its turn has come. @throws the reason of `signal` if that is aborted before, and what `run` throws. */
  take<T>(job: Job, run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = Promise.withResolvers<T>();
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      result.reject(signal!.reason as Error);
    };
    const waiting: Waiting = {
      ...job,
      run: () => {
        signal?.removeEventListener('abort', leave);
        return run().then(result.resolve, result.reject);
      },
    };
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    signal?.addEventListener('abort', leave, { once: true });
    this.#waiting.push(waiting);
    if (!this.#running) void this.#go();
    return result.promise;
  }

  async #go(): Promise<void> {
    this.#running = true;
    // Others that are asked for in the same breath may go together with the first.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const turn = {
        lastUrgent: this.#lastUrgent,
        lastReading: this.#lastReading,
        owedToPrompts: this.#owedToPrompts,
      };
      const step = nextStep(this.#waiting, turn, this.#most);
      const [{ urgent, lane }] = step as [Waiting];
      for (const job of step) this.#waiting.splice(this.#waiting.indexOf(job), 1);
      (urgent ? this.#lastUrgent : this.#lastReading).set(lane, ++this.#steps);
      if (urgent) this.#lastUrgentStep = this.#steps;
      const kept = this.#waiting.some((job) => job.urgent !== urgent);
      const began = this.#clock();
      await Promise.all(step.map(({ run }) => run()));
      const ms = this.#clock() - began;
      this.#owedToPrompts = kept ? this.#owedToPrompts + (urgent ? ms : -ms) : 0;
      // Whoever goes on with the next token asks for it before the next step is chosen.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = false;
  }
}
