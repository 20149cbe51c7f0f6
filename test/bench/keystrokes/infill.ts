/**
 * Pure: what llama.vim (a1c8e6e, January 2026; llama.vscode 0.0.63 does the same) asks llama-server for at a cursor, and
 * the prompt that llama-server makes of it (`format_prompt_infill` in tools/server/server-common.cpp).
 */
import type { FimTokens, Token } from '@foretype/models';
import { sharedPrefix } from '../../../models/src/engine/slots.ts';

/** Lines before and after the cursor's, tokens to write, and the batch of `llama-server --fim-*-default`. */
const N_PREFIX = 256;
const N_SUFFIX = 64;
export const N_PREDICT = 128;
const BATCH = 1024;
/** The least tokens in a row that llama-server moves within its cache (`--cache-reuse` of the same defaults). */
export const CACHE_REUSE = 256;
/**
 * Tokens of a prompt that are no text of the file: the markers, and a header with the names of a project and a file, the
 * same in every prompt and so evaluated once. {@link infillPrompt} leaves the header out.
 */
const FRAME = 16;

/** The batch bounds the prompt, so it must leave room in the context for what is written. */
export function batchFor(context: number): number {
  return Math.min(BATCH, context - N_PREDICT - FRAME);
}

export interface InfillTexts {
  /** Whole lines before the cursor's. */
  readonly prefix: string;
  /** The cursor's line up to the cursor. */
  readonly prompt: string;
  /** From the cursor on. */
  readonly suffix: string;
  /** White space at the front of the line, in characters. */
  readonly indent: number;
}

export function infillTexts({
  text,
  offset,
}: {
  readonly text: string;
  readonly offset: number;
}): InfillTexts {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const line = text.slice(start, end === -1 ? text.length : end);
  // A line of white space alone counts as empty.
  const column = line.trim() === '' ? undefined : offset - start;
  const above = text.slice(0, start).split('\n').slice(0, -1).slice(-N_PREFIX);
  const rest = end === -1 ? '' : text.slice(end + 1);
  const below = rest.replace(/\n$/u, '').split('\n').slice(0, N_SUFFIX);
  return {
    prefix: `${above.join('\n')}\n`,
    prompt: column === undefined ? '' : line.slice(0, column),
    suffix: `${column === undefined ? '' : line.slice(column)}\n${below.join('\n')}\n`,
    indent: column === undefined ? 0 : line.search(/\S/u),
  };
}

export interface InfillParts {
  readonly prefix: readonly Token[];
  readonly prompt: readonly Token[];
  readonly suffix: readonly Token[];
}

export interface InfillServer {
  readonly fim: Pick<FimTokens, 'prefix' | 'suffix' | 'middle'>;
  readonly bos?: Token | undefined;
  readonly batch: number;
  /** As with `--spm-infill`. */
  readonly suffixFirst: boolean;
}

export function infillPrompt(
  { prefix, prompt, suffix }: InfillParts,
  { fim, bos, batch, suffixFirst }: InfillServer,
): Token[] {
  const quarter = Math.floor(batch / 4);
  const before = [fim.prefix, ...prefix.slice(Math.max(0, prefix.length - 3 * quarter)), ...prompt];
  const after = [fim.suffix, ...suffix.slice(0, Math.max(0, quarter - 2 - prompt.length))];
  const parts = suffixFirst ? [...after, ...before] : [...before, ...after];
  return [...(bos === undefined ? [] : [bos]), ...parts, fim.middle];
}

/**
 * Tokens of `prompt` that llama-server evaluates with `cached` in its slot: those that neither follow the same tokens nor
 * are {@link CACHE_REUSE} or more in a row that only have to be moved.
 */
export function infillEvaluated(cached: readonly Token[], prompt: readonly Token[]): number {
  let past = sharedPrefix(cached, prompt);
  for (let head = past; head < cached.length && past < prompt.length;) {
    const match = sharedPrefix(cached.slice(head), prompt.slice(past));
    if (match >= CACHE_REUSE) past += match;
    head += match >= CACHE_REUSE ? match : 1;
  }
  return Math.max(1, prompt.length - past);
}
