import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { chance, type Random } from '../../../evaluation/src/random.ts';
import { Channel } from '../../../server/src/channel.ts';
import { EdgeError } from '../../../server/src/rounds.ts';
import type { Verifier } from '../../../server/src/verifier.ts';
import { TOKEN } from '../edge-node.ts';
import { fakeTarget } from '../edge-target.ts';
import { FakeEngine } from '../fake-engine.ts';
import { Completions, type Making } from './completions.ts';
import { realClock } from './virtual-clock.ts';

/** What became of a completion. */
export type Outcome =
  /** Every text that was given is what its model writes alone, and the last one is the target's. */
  | 'verified'
  /** The verification failed by an {@link EdgeError}; the pipeline gave the draft before. */
  | 'fallback'
  /** It was cancelled, and said so. */
  | 'left'
  /** A text is not what its model writes alone. */
  | 'wrong'
  /** It came to no end in time. */
  | 'hung';
export type Tally = Record<Outcome, number>;

export interface LaptopOptions {
  /** Base URL of the node, or of what stands before it. */
  readonly url: string;
  /** Decides what is typed, and when it is cancelled. */
  readonly seed?: number;
  readonly adapter?: string;
  /** The channel's silence in milliseconds; {@link SILENCE} if absent. */
  readonly silence?: number;
  /** Milliseconds after which a completion hangs; {@link PATIENCE} if absent. */
  readonly patience?: number;
  /** Puts another verifier before the channel: a bug that has to be seen. */
  readonly spoil?: (channel: Verifier) => Verifier;
}

/** Milliseconds: above any delay that most tests make, on a busy machine too. */
export const SILENCE = 300;
/** Milliseconds: well above all the silences that a completion may have to wait for. */
const PATIENCE = 6000;
const never = new AbortController().signal;

/** Somebody who types at a laptop: the real channel, and completions whose texts are known beforehand. */
export class Laptop {
  readonly channel: Channel;
  /** Reasons for which the channel was not connected, so far. */
  readonly lost: string[] = [];
  readonly #patience: number;
  readonly #random: Random;
  readonly #head: string;
  readonly #completions: Completions;

  /** Goes with the test. */
  constructor(t: TestContext, options: LaptopOptions) {
    const { url, seed = 0, adapter = '', silence = SILENCE, patience = PATIENCE, spoil } = options;
    this.#patience = patience;
    this.#random = chance(`laptop ${seed}`);
    this.#head = `// ${seed}\n`;
    this.channel = new Channel({
      url,
      token: TOKEN,
      identity: fakeTarget(new FakeEngine()).identity,
      onState: ({ status, reason }) => {
        if (status !== 'connected') this.lost.push(`${status}: ${reason}`);
      },
      random: () => 0,
      silence,
    });
    const verifier = spoil?.(this.channel) ?? this.channel;
    this.#completions = new Completions({ verifier, adapter, random: this.#random });
    t.after(() => this.channel.dispose());
  }

  /** Milliseconds until the channel is connected; fails after 20 s, so that no test waits for one that is gone. */
  async connected(): Promise<number> {
    const started = performance.now();
    while (this.channel.state.status !== 'connected') {
      assert.ok(performance.now() - started < 20_000, JSON.stringify(this.channel.state));
      await realClock.sleep(5);
    }
    return performance.now() - started;
  }

  /** Types `keys` keys, each when the channel is connected; after each third one, typing on cancels within `pause` ms. */
  async type(keys: number, making: Making, pause = 3): Promise<Tally> {
    const tally = { verified: 0, fallback: 0, left: 0, wrong: 0, hung: 0 };
    for (let key = 0; key < keys; key++) {
      await this.connected();
      const keystroke = new AbortController();
      const outcome = this.complete(key, making, keystroke.signal);
      if (key % 3 === 0) {
        await realClock.sleep(this.#random() * pause);
        keystroke.abort(new Error('typed on'));
      }
      tally[await outcome]++;
    }
    return tally;
  }

  /** One completion, after the key `key`. Rejects with what no completion may fail by. */
  async complete(key: number, making: Making, signal: AbortSignal = never): Promise<Outcome> {
    const text = this.#head + 'let total = base + first.size; '.repeat(8).slice(0, 5 + key);
    const place = { text: `${text}\n}\n`, offset: text.length };
    const outcome = this.#completions.right(place, making, signal).then(
      (right): Outcome => (right ? 'verified' : 'wrong'),
      (error: unknown): Outcome => {
        if (signal.aborted && error === signal.reason) return 'left';
        if (error instanceof EdgeError) return 'fallback';
        throw error;
      },
    );
    const ended = new AbortController();
    const hung = (): Outcome => 'hung';
    try {
      return await Promise.race([outcome, realClock.sleep(this.#patience, ended.signal).then(hung, hung)]);
    } finally {
      ended.abort();
    }
  }
}
