/** Pure: what every API of the facade asks for, and what comes of it. */
import { MAX_TEMPERATURE, MIN_TEMPERATURE, type Sampling } from '@foretype/models';

/** A text that is to be written at a place. */
export interface TextRequest {
  /** Id of the adapter; absent for the backbone itself. */
  readonly adapter?: string | undefined;
  readonly prefix: string;
  /** Text after the place; absent where the prefix is simply to be continued. */
  readonly suffix?: string | undefined;
  /** Texts of other places, the one that matters most last: read where prefix and suffix leave room. */
  readonly extra: readonly string[];
  /** The most tokens to write, see {@link answerLimit}; at 0 the prompt is read ahead and nothing is written. */
  readonly limit: number;
  /** Texts before which the answer ends. */
  readonly stop: readonly string[];
  /** White space, in characters, that each further line must begin with, or the answer ends before it; 0 for any. */
  readonly indent: number;
  /** Milliseconds from the first token on after which the next line end is the last; absent for no such limit. */
  readonly lineAfterMs?: number | undefined;
  /** Absent for the greedy choice. */
  readonly sampling?: Sampling | undefined;
}

/** Some of the text, as soon as it is certain that it stays. */
export interface Piece {
  readonly text: string;
  /** Tokens written so far, those of this piece included. */
  readonly written: number;
}

export interface Outcome {
  /** `end`: the model came to an end; `word`: at a stop text; `limit`: of tokens, time or indentation. */
  readonly reason: 'end' | 'word' | 'limit';
  /** The stop text, where one was met. */
  readonly word: string;
  /** Tokens of the prompt, and those of them that were in no cache. */
  readonly prompt: number;
  readonly evaluated: number;
  /** Tokens written, without what only repeats text before the place. */
  readonly written: number;
  /** Milliseconds until the first token, waiting for a place in the engine not counted, and from it to the last. */
  readonly promptMs: number;
  readonly writtenMs: number;
}

/** Share of the context that an answer may take, so that whoever asks for thousands of tokens still has a prompt. */
const ANSWER_SHARE = 0.25;

/** The most tokens that are written where `wanted` are asked for. */
export function answerLimit(wanted: number, context: number): number {
  return Math.min(wanted, Math.floor(context * ANSWER_SHARE));
}

/**
 * How to choose, of all the knobs that the APIs have: temperature and seed are the engine's only ones. Without a
 * temperature, and up to the least one there is, the choice is greedy: what is wanted is a completion, not variety.
 * Without a seed, or with a negative one, chance decides.
 * @param draw 32 bits that nobody foresees.
 */
export function samplingOf(
  { temperature, seed }: { readonly temperature?: number | null; readonly seed?: number | null },
  draw: () => number,
): Sampling | undefined {
  if (typeof temperature !== 'number' || temperature <= MIN_TEMPERATURE) return undefined;
  const given = typeof seed === 'number' && seed >= 0;
  return { temperature: Math.min(temperature, MAX_TEMPERATURE), seed: (given ? seed : draw()) >>> 0 };
}
