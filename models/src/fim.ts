import type { Token } from './engine.ts';

/** The special tokens of fill-in-the-middle and the order in which the model was trained to read its parts. */
export interface FimTokens {
  readonly prefix: Token;
  readonly suffix: Token;
  readonly middle: Token;
  /**
   * `joined`: suffix, marker of the middle, prefix, and the middle goes on with nothing between (the SPM of arXiv
   * 2207.14255), so that typing only appends to the prompt; `suffix-first`: suffix, prefix, marker of the middle;
   * `prefix-first`: that paper's PSM, what most models know.
   */
  readonly order: 'joined' | 'suffix-first' | 'prefix-first';
  /**
   * How the model was trained to read several files of one project: a marker and the name before each, and before all of
   * them a marker and the name of the project, where there is one. Absent where it was not.
   */
  readonly files?: { readonly separator: Token; readonly repository?: Token };
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
  switch (fim.order) {
    case 'joined':
      return [...start, ...suffix, fim.middle, ...parts.prefix];
    case 'suffix-first':
      return [...start, ...suffix, ...prefix, fim.middle];
    case 'prefix-first':
      return [...start, ...prefix, ...suffix, fim.middle];
  }
}

/**
 * Tokens by which a prompt moves on when it has become too long. Its front stays as it is for that many typed tokens,
 * so that KV caches and deltas stay good; a front that moved with each keystroke would have all of it read again.
 */
const STEP = 64;

/**
 * The parts cut to at most `budget` tokens together, markers not counted: the tokens nearest the cursor stay, and the
 * suffix gets `suffixShare` of the budget, or what the prefix leaves of it in whole steps.
 */
export function fitParts(parts: FimParts, budget: number, suffixShare: number): FimParts {
  const share = Math.min(parts.suffix.length, Math.floor(budget * suffixShare));
  const excess = Math.max(0, parts.prefix.length + share - budget);
  const prefix = parts.prefix.slice(Math.ceil(excess / STEP) * STEP);
  // By the prefix before it was cut, or the suffix would grow and shrink with every step of the front.
  const left = Math.floor(Math.max(0, budget - parts.prefix.length) / STEP) * STEP;
  return { prefix, suffix: parts.suffix.slice(0, Math.max(share, left)) };
}
