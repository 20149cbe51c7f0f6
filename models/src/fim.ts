import type { Token } from './engine.ts';

/** The special tokens of fill-in-the-middle and the order in which the model was trained to read its parts. */
export interface FimTokens {
  readonly prefix: Token;
  readonly suffix: Token;
  readonly middle: Token;
  /**
   * `suffix-first`: suffix, prefix, then the middle is written, so that typing only appends to the prompt;
   * `prefix-first`: the classic order of arXiv 2207.14255.
   */
  readonly order: 'suffix-first' | 'prefix-first';
}

export interface FimParts {
  /** Tokens before the cursor. */
  readonly prefix: readonly Token[];
  /** Tokens after the cursor. */
  readonly suffix: readonly Token[];
}

/** The prompt whose continuation is the text at the cursor. `bos` is absent for models that have none. */
export function fimPrompt(fim: FimTokens, parts: FimParts, bos?: Token): Token[] {
  const start = bos === undefined ? [] : [bos];
  const prefix = [fim.prefix, ...parts.prefix];
  const suffix = [fim.suffix, ...parts.suffix];
  return fim.order === 'suffix-first'
    ? [...start, ...suffix, ...prefix, fim.middle]
    : [...start, ...prefix, ...suffix, fim.middle];
}

/**
 * The parts cut to at most `budget` tokens together, markers not counted: the tokens nearest the cursor stay, and the
 * suffix gets at most `suffixShare` of the budget, or what the prefix leaves of it.
 */
export function fitParts(parts: FimParts, budget: number, suffixShare: number): FimParts {
  const reserved = Math.min(parts.suffix.length, Math.floor(budget * suffixShare));
  const prefix = parts.prefix.slice(Math.max(0, parts.prefix.length - (budget - reserved)));
  return { prefix, suffix: parts.suffix.slice(0, budget - prefix.length) };
}
