/**
 * The one abstraction in the middle: something that knows a model's tokens and makes the model's own choices.
 * Everything above it (speculation, server, edge node) is written against this interface only, so that a rule-based
 * model drives the same code in tests as `node-llama-cpp` does in production.
 */

import type { Sampling } from './sampling.ts';

/** An id of the model's vocabulary, 0 ≤ id < {@link ModelFacts.vocabulary}. */
export type Token = number;

/** What a loaded model says of itself. */
export interface ModelFacts {
  /** Number of ids in the vocabulary. */
  readonly vocabulary: number;
  /** Tokens that a sequence can hold, prompt and completion together. */
  readonly context: number;
  /** SHA-256 (hex) over the tokenizer's tables; two models with equal fingerprints share every id. */
  readonly tokenizer: string;
}

export interface ChooseRequest {
  /** Name of the LoRA adapter; absent for the backbone itself. */
  readonly adapter?: string | undefined;
  /** The tokens the model has read so far: at least one. */
  readonly context: readonly Token[];
  /** Tokens a draft model proposes after `context`; may be empty. */
  readonly drafted: readonly Token[];
  /** See {@link WriteRequest.leading}. */
  readonly leading?: string | undefined;
}

export interface WriteRequest {
  readonly adapter?: string | undefined;
  readonly context: readonly Token[];
  /**
   * A guess at the continuation, judged in one evaluation. It never changes what is written: what of it the model would
   * have written itself comes at once, and the model goes on from there.
   */
  readonly drafted?: readonly Token[] | undefined;
  /** The most tokens to write beyond those of the guess that stand: at least one. */
  readonly limit: number;
  /**
   * How many of the last tokens of `context` are the beginning of this continuation, written by an earlier call (0 if
   * absent): `until` and `leading` are about the whole of it.
   */
  readonly begun?: number | undefined;
  /** `line` stops after the token that ends the first line with something on it; see `endsLine`. */
  readonly until?: 'line' | undefined;
  /**
   * Text that the continuation must begin with, so that a prompt may end before the cursor, at a token boundary. While
   * some of it is left, the choice is the best among the tokens that begin with what is left or are a part of it; ids
   * without text are none of them. It is part of what is written, and `until` looks only at what comes after it.
   */
  readonly leading?: string | undefined;
  /** Chooses by chance instead of greedily; the same request has the same continuation all the same. */
  readonly sampling?: Sampling | undefined;
}

export interface Written {
  readonly token: Token;
  /** The probability the model gave it, at temperature 1; not known of tokens that were guessed, or had to fit a text. */
  readonly probability: number | null;
  /** Tokens that were not in the KV cache and were evaluated to get it; 0 where it came with the one before. */
  readonly evaluated: number;
}

export interface ReadRequest {
  readonly adapter?: string | undefined;
  readonly context: readonly Token[];
}

export interface ScoreRequest {
  readonly adapter?: string | undefined;
  /** The tokens the model has read so far: at least one. */
  readonly context: readonly Token[];
  /** The tokens whose probabilities are asked for, each after `context` and those before it. */
  readonly tokens: readonly Token[];
}

/**
 * A model, ready or on its way. Calls wait while it loads.
 *
 * Every call takes the whole context: which part of it is still in the KV cache is the engine's affair.
 * Errors: {@link EngineError}; an aborted `signal` rejects with the signal's reason, which is not an error.
 */
export interface Engine {
  facts(): Promise<ModelFacts>;
  /** Ids of plain text; text that looks like a special token is never read as one. */
  tokenize(text: string, signal?: AbortSignal): Promise<Token[]>;
  /** Text of ids; bytes that do not yet form a character come out as U+FFFD. */
  detokenize(tokens: readonly Token[], signal?: AbortSignal): Promise<string>;
  /**
   * The model's own greedy choice after `context` and after each token of `drafted`, in one evaluation.
   * @returns `drafted.length + 1` tokens; element i is chosen given `context` and `drafted[0..i)`.
   */
  choose(request: ChooseRequest, signal?: AbortSignal): Promise<Token[]>;
  /**
   * The model's own continuation, token by token, greedy where the request says nothing else. An end token is given out
   * and is the last one.
   */
  write(request: WriteRequest, signal?: AbortSignal): AsyncIterable<Written>;
  /** Reads a context ahead of a call that will need it; there is nothing to see of it but that call's haste. */
  read(request: ReadRequest, signal?: AbortSignal): Promise<void>;
  /**
   * How likely the model finds a text that is already there: the whole softmax, at temperature 1 and uncut.
   * @returns `tokens.length` natural logarithms of probabilities, each ≤ 0; exact to about 1e-5.
   */
  score(request: ScoreRequest, signal?: AbortSignal): Promise<number[]>;
  dispose(): Promise<void>;
}

/** The tokens of a continuation, once it is there whole. */
export async function tokensOf(written: AsyncIterable<Written>): Promise<Token[]> {
  return Array.fromAsync(written, ({ token }) => token);
}

export type EngineErrorCode =
  /** A model file is missing, damaged or not what the manifest says; trying again will not help. */
  | 'model-invalid'
  /** The engine's process ended; it is being restarted. */
  | 'engine-lost'
  /** The prompt and the draft do not fit the model's context. */
  | 'context-full'
  /** An id is not in the vocabulary. */
  | 'unknown-token'
  /** The backbone, alone or with the adapter, is larger than the memory that may be used. */
  | 'memory-full'
  /** What is asked for is not in memory, and others are worth more of it. */
  | 'not-placed'
  /** No adapter of that name is loaded. */
  | 'unknown-adapter'
  /** The engine was disposed of. */
  | 'engine-disposed'
  /** The native library reported a failure that has no code of its own. */
  | 'engine-failed';

/** A failure of the engine; `message` is one sentence that a user can act on. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
