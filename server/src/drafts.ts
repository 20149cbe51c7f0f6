/** Where the drafts of one completion come from. Any of them may be wrong: the target judges, and the rounds teach. */
import { type Engine, LONGEST_MATCH, lookUp, type Prompt, type Token } from '@foretype/models';
import { DEPTH, type Source } from './estimates.ts';
import type { Drafted, WriteAhead } from './write-ahead.ts';

/** What a source has to say at one place. */
export interface Offer {
  readonly source: Source;
  /** What is there without waiting. */
  readonly hand: readonly Drafted[];
  /** Whether it writes on when it is waited for. */
  readonly writes: boolean;
  /** Milliseconds since it began to get ready, where its first token is not there yet; else null. */
  readonly waitedMs: number | null;
}

/** What an earlier completion said would come after the cursor. */
export interface Remembered {
  readonly text: string;
  /** Whether the target had written it. */
  readonly verified: boolean;
}

export interface DraftParts {
  readonly tokenizer: Pick<Engine, 'tokenize' | 'detokenize'>;
  readonly prompt: Prompt;
  /** Absent where there is no draft model. */
  readonly ahead: WriteAhead | undefined;
  /** Tokens of other texts that may be copied from, the nearest last. */
  readonly others: readonly (readonly Token[])[];
  readonly remembered: Remembered | undefined;
}

export class Drafts {
  readonly #parts: DraftParts;
  readonly #remembered: Promise<readonly Token[]>;

  constructor(parts: DraftParts) {
    this.#parts = parts;
    const { tokenizer, prompt, remembered } = parts;
    this.#remembered = remembered
      ? tokenizer.tokenize(prompt.leading.text + remembered.text)
      : Promise.resolve([]);
    // It is awaited at the first round, which may never come.
    this.#remembered.catch(() => undefined);
  }

  /** What each source says after `begun`, the continuation so far: one at least, if it has nothing to say. */
  async offers(begun: readonly Token[]): Promise<readonly Offer[]> {
    const copied: Offer[] = [
      { source: 'memory', hand: await this.#recall(begun), writes: false, waitedMs: null },
      { source: 'lookup', hand: await this.#copy(begun), writes: false, waitedMs: null },
    ];
    const spoken = copied.filter(({ hand }) => hand.length > 0);
    const { ahead } = this.#parts;
    if (!ahead) return spoken.length > 0 ? spoken : copied.slice(0, 1);
    const waitedMs = ahead.pace.startMs === null ? ahead.age : null;
    const own: Offer = { source: 'neural', hand: this.ahead(begun), writes: !ahead.failed, waitedMs };
    return [own, ...spoken];
  }

  /** What the draft model has written after `begun` by now. */
  ahead(begun: readonly Token[]): readonly Drafted[] {
    return this.#parts.ahead?.hand(begun) ?? [];
  }

  /** Takes a draft from an offer, as far as `wanted` says of what there is so far. Rejects with the engine's error. */
  async take(
    { source, hand }: Offer,
    begun: readonly Token[],
    wanted: (drafted: readonly Drafted[]) => boolean,
  ): Promise<readonly Drafted[]> {
    const { ahead } = this.#parts;
    if (source === 'neural' && ahead) return ahead.draft(begun, wanted);
    const drafted: Drafted[] = [];
    while (drafted.length < hand.length && wanted(drafted)) drafted.push(hand[drafted.length]!);
    return drafted;
  }

  async #recall(begun: readonly Token[]): Promise<readonly Drafted[]> {
    const remembered = await this.#remembered;
    if (begun.some((token, index) => token !== remembered[index])) return [];
    const rest = remembered.slice(begun.length, begun.length + DEPTH);
    const sureness = this.#parts.remembered?.verified ? 1 : 0.5;
    return rest.map((token) => ({ token, sureness }));
  }

  async #copy(begun: readonly Token[]): Promise<readonly Drafted[]> {
    const { tokenizer, prompt, others } = this.#parts;
    const before = [...prompt.around.prefix, ...begun];
    const match = lookUp([...others, prompt.around.suffix, before], before, DEPTH);
    if (!match) return [];
    const { text: leading } = prompt.leading;
    if (begun.length < prompt.leading.tokens.length) {
      // A match knows nothing of the text that must come first.
      const text = await tokenizer.detokenize([...begun, ...match.tokens]);
      if (!text.startsWith(leading) && !leading.startsWith(text)) return [];
    }
    return match.tokens.map((token) => ({ token, sureness: match.length / LONGEST_MATCH }));
  }
}
