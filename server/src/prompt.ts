/** Pure: from a place in a document to what a model reads there. */
import { fimPrompt, fitParts, type Engine, type Family, type FimParts, type Token } from '@foretype/models';
import { windowAt } from './window.ts';

/** The most tokens of one completion: the first line of nearly any continuation. */
export const LIMIT = 48;
/** Share of the prompt that text after the cursor may take. */
const SUFFIX_SHARE = 0.25;
/** Tokens of a FIM prompt that are not text: beginning of sequence and three markers. */
const MARKERS = 4;
/** A token is rarely longer than this many characters on average, so that a window need not be cut twice. */
const CHARACTERS_PER_TOKEN = 6;
/** Tokens that healing may take back: more than any word a person has half typed. */
const TAIL = 16;

/** What a prompt is made with: any engine of the family, since they share one tokenizer. */
export interface PromptParts {
  readonly family: Pick<Family, 'context' | 'fim' | 'tokenizer'>;
  readonly tokenizer: Pick<Engine, 'tokenize' | 'detokenize'>;
}

export interface Place {
  readonly text: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
}

/** What a model reads, and how its continuation must begin. */
export interface Prompt {
  readonly context: readonly Token[];
  /** What was taken back from before the cursor, see {@link heal}; the continuation must begin with its text. */
  readonly leading: { readonly text: string; readonly tokens: readonly Token[] };
  /** The tokens around the cursor: those that the context has, and perhaps some that did not fit. */
  readonly around: FimParts;
}

/**
 * The prompt at `place` that leaves room for `limit` tokens and those taken back, laid out in the order the family was
 * trained for. How many are taken back changes with each key, so there is always room for all that may be.
 */
export async function promptFor(parts: PromptParts, place: Place, limit = LIMIT): Promise<Prompt> {
  const around = await partsAt(parts, place, limit);
  const { prefix, leading } = await heal(parts, around.prefix);
  const tokens = around.prefix.slice(prefix.length);
  const context = layOut(parts, { ...around, prefix }, limit + TAIL);
  return { context, leading: { text: leading, tokens }, around: { ...around, prefix } };
}

/** The tokens around `place`: all that a prompt can hold, and more. */
export async function partsAt(
  { family, tokenizer }: PromptParts,
  { text, offset }: Place,
  limit = LIMIT,
): Promise<FimParts> {
  const characters = budgetOf(family.context, limit) * CHARACTERS_PER_TOKEN;
  const window = windowAt(text, offset, { before: characters, after: characters * SUFFIX_SHARE });
  const [prefix, suffix] = await Promise.all([
    tokenizer.tokenize(window.prefix),
    tokenizer.tokenize(window.suffix),
  ]);
  return { prefix, suffix };
}

/** The prompt made of `around`, which is cut to what fits. */
export function layOut({ family }: PromptParts, around: FimParts, limit = LIMIT): Token[] {
  const fitted = fitParts(around, budgetOf(family.context, limit), SUFFIX_SHARE);
  return fimPrompt(family.fim, fitted, family.tokenizer.bos);
}

/**
 * Token healing: a prefix that ends in the middle of a word ends in tokens that the model never saw before the word's
 * other half. The tokens of the word are taken back, or the last token where there is no word, and the continuation must
 * begin with the text that went (`leading`), which the model may now write with other tokens. Taking back the last token
 * alone leaves the model bound to how the first half was cut: on our holes in words that is worth half as much.
 */
export async function heal(
  { tokenizer }: PromptParts,
  prefix: readonly Token[],
): Promise<{ readonly prefix: readonly Token[]; readonly leading: string }> {
  const tail = prefix.slice(-TAIL);
  const whole = await tokenizer.detokenize(tail);
  const word = /[\p{L}\p{N}_$]*$/u.exec(whole)![0];
  for (let back = 1; back <= tail.length; back++) {
    const kept = await tokenizer.detokenize(tail.slice(0, -back));
    // What is kept must be whole characters, and so must what goes.
    const leading = whole.startsWith(kept) ? whole.slice(kept.length) : '';
    if (leading === '' || leading.length < word.length || leading.includes('\uFFFD')) continue;
    return { prefix: prefix.slice(0, -back), leading };
  }
  return { prefix, leading: '' };
}

/** What of a continuation comes after the cursor. */
export async function continuationOf(
  { tokenizer, family }: PromptParts,
  { leading }: Prompt,
  tokens: readonly Token[],
): Promise<string> {
  const end = new Set(family.tokenizer.end);
  const text = await tokenizer.detokenize(tokens.filter((token) => !end.has(token)));
  // The limit may leave only some bytes of the last character, and a text that is not begun yet has nothing after it.
  return text.slice(leading.text.length).replace(/\uFFFD+$/u, '');
}

function budgetOf(context: number, limit: number): number {
  return context - limit - MARKERS;
}
