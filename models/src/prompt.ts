/** Pure: from a place in a document to what a model reads there. */
import type { Engine, Token } from './engine.ts';
import type { Family } from './family.ts';
import { fimPrompt, fitParts, type FimParts } from './fim.ts';
import { toLineFeeds, windowAt, type WindowSize } from './window.ts';

/** The most tokens of one completion: the first line of nearly any continuation. */
export const COMPLETION_LIMIT = 48;
/** Share of the prompt that text after the cursor may take. */
const SUFFIX_SHARE = 0.25;
/** Share of the prompt that other files may take, however much there is of them: the file at hand says most. */
export const OTHERS_SHARE = 0.5;
/** Tokens of a FIM prompt that are not text: beginning of sequence and three markers. */
const MARKERS = 4;
/** A token is rarely longer than this many characters on average, so that a window need not be cut twice. */
const CHARACTERS_PER_TOKEN = 6;
/** Tokens that healing may take back: more than any word a person has half typed. */
const TAIL = 16;
/** Tokens between split and cursor for which there is always room, so that typing them moves nothing else. */
const TYPED = 64;

/** What a prompt is made with: any engine of the family, since they share one tokenizer. */
export interface PromptParts {
  readonly family: Pick<Family, 'context' | 'fim' | 'tokenizer'>;
  readonly tokenizer: Pick<Engine, 'tokenize' | 'detokenize'>;
  /** Ends the work; the prompt is then of no use to anybody. */
  readonly signal?: AbortSignal;
}

export interface Place {
  readonly text: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
  /** Where the text is split, at or before the cursor; the cursor if absent. See the server's `anchor.ts`. */
  readonly anchor?: number;
  /** What the prompt begins with, see `frontOf`; left out where it takes more than {@link OTHERS_SHARE}. */
  readonly front?: readonly Token[];
}

/** The tokens around a cursor. */
export interface Around extends FimParts {
  /** Of other files, before all else. */
  readonly front?: readonly Token[];
  /** Between an anchor and the cursor: the beginning of the middle. Absent where the text is split at the cursor. */
  readonly typed?: readonly Token[];
}

/** What a model reads, and how its continuation must begin. */
export interface Prompt {
  readonly context: readonly Token[];
  /** What was taken back from before the cursor, see {@link heal}; the continuation must begin with its text. */
  readonly leading: { readonly text: string; readonly tokens: readonly Token[] };
  /** The tokens before what was taken back, and those after the cursor; some of them may not be in the context. */
  readonly around: FimParts;
}

/** The most that a prompt takes of a document, for a context of so many tokens. */
export function reachOf(context: number): WindowSize {
  const characters = context * CHARACTERS_PER_TOKEN;
  return { before: characters, after: characters * SUFFIX_SHARE };
}

/**
 * The prompt at `place` that leaves room for `limit` tokens and those taken back, laid out in the order the family was
 * trained for. How many are taken back changes with each key, so there is always room for all that may be.
 */
export async function promptFor(parts: PromptParts, place: Place, limit = COMPLETION_LIMIT): Promise<Prompt> {
  const around = await partsAt(parts, place, limit);
  const { kept, leading } = await heal(parts, around);
  return {
    context: layOut(parts, kept, limit + TAIL),
    leading,
    around: { prefix: [...kept.prefix, ...(kept.typed ?? [])], suffix: kept.suffix },
  };
}

/** The tokens around `place`: all that a prompt can hold, and more. */
export async function partsAt(
  parts: PromptParts,
  { text, offset, anchor, front: wanted = [] }: Place,
  limit = COMPLETION_LIMIT,
): Promise<Around> {
  const { family, tokenizer, signal } = parts;
  const budget = budgetOf(family.context, limit);
  const front = wanted.length <= budget * OTHERS_SHARE ? wanted : [];
  const size = reachOf(budget - front.length);
  const [prefix, typed, suffix] = await Promise.all([
    tokenizer.tokenize(windowAt(text, anchor ?? offset, size).prefix, signal),
    anchor === undefined ? undefined : tokenizer.tokenize(toLineFeeds(text.slice(anchor, offset)), signal),
    tokenizer.tokenize(windowAt(text, offset, size).suffix, signal),
  ]);
  if (!typed) return { front, prefix, suffix };
  // What no longer fits behind the split is split where the cursor is.
  if (typed.length > TYPED) return partsAt(parts, { text, offset, front }, limit);
  return { front, prefix, typed, suffix };
}

/** The prompt made of `around`, which is cut to what fits. */
export function layOut(
  { family }: PromptParts,
  { front = [], typed, ...around }: Around,
  limit = COMPLETION_LIMIT,
): Token[] {
  const { bos } = family.tokenizer;
  const room = budgetOf(family.context, limit) - front.length - (typed ? TYPED : 0);
  const fitted = fitParts(around, room, SUFFIX_SHARE);
  const start = bos === undefined ? [] : [bos];
  return [...start, ...front, ...fimPrompt(family.fim, fitted), ...(typed ?? [])];
}

/**
 * Token healing: a prefix that ends in the middle of a word ends in tokens that the model never saw before the word's
 * other half. The tokens of the word are taken back, or the last token where there is no word, and the continuation must
 * begin with the text that went (`leading`), which the model may now write with other tokens. Taking back the last token
 * alone leaves the model bound to how the first half was cut: on our holes in words that is worth half as much.
 */
export async function heal(
  { tokenizer, signal }: PromptParts,
  around: Around,
): Promise<{ readonly kept: Around; readonly leading: Prompt['leading'] }> {
  // At the split itself there is nothing to take back: what stands before it was whole when it was made.
  const side = around.typed ? 'typed' : 'prefix';
  const before = around[side] ?? [];
  const tail = before.slice(-TAIL);
  const whole = await tokenizer.detokenize(tail, signal);
  const word = /[\p{L}\p{N}_$]*$/u.exec(whole)![0];
  for (let back = 1; back <= tail.length; back++) {
    const kept = await tokenizer.detokenize(tail.slice(0, -back), signal);
    // What is kept must be whole characters, and so must what goes.
    const text = whole.startsWith(kept) ? whole.slice(kept.length) : '';
    if (text === '' || text.length < word.length || text.includes('\uFFFD')) continue;
    return {
      kept: { ...around, [side]: before.slice(0, -back) },
      leading: { text, tokens: before.slice(-back) },
    };
  }
  return { kept: around, leading: { text: '', tokens: [] } };
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

/** Tokens of text that fit into a prompt that leaves room for `limit`. */
export function budgetOf(context: number, limit: number): number {
  return context - limit - MARKERS;
}
