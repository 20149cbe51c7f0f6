/** Pure: what the model reads where a client that is not ours asks. */
import { fitParts, heal, layOut, partsAt, promptFor, type Prompt, type PromptParts } from '@foretype/models';
import type { TextRequest } from './text.ts';

/** Tokens that are left for what is no text of a place: markers, and what token healing takes back. */
const SPARE = 32;
/** Tokens by which other files' texts make room, so that the front of the prompt stays for as many typed ones. */
const STEP = 64;
/** A token is rarely longer than this many characters on average. */
const CHARACTERS_PER_TOKEN = 6;
/** What llama-server writes before a text of another place for models without a marker of their own for files. */
const SNIPPET = '\n\n--- snippet ---\n\n';

/**
 * The prompt for a text at a place, with room for `limit` tokens: the product's own, in the order that the family was
 * trained for, so that these clients get the same completions as ours; or, where nothing is said of what comes after the
 * place, the text before it as it stands.
 */
export async function promptOf(
  parts: PromptParts,
  { prefix, suffix, extra }: Pick<TextRequest, 'prefix' | 'suffix' | 'extra'>,
  limit: number,
): Promise<Prompt> {
  if (suffix === undefined) {
    const plain = await plainPrompt(parts, prefix, limit);
    // A family without a token for the beginning of a sequence has nothing to go on from yet.
    if (plain.context.length > 0) return plain;
  }
  const place = { text: prefix + (suffix ?? ''), offset: prefix.length };
  const prompt = await promptFor(parts, place, limit);
  return extra.length === 0 ? prompt : withExtra(parts, prompt, extra, limit);
}

async function plainPrompt(parts: PromptParts, text: string, limit: number): Promise<Prompt> {
  const { context, tokenizer } = parts.family;
  const { kept, leading } = await heal(parts, await partsAt(parts, { text, offset: text.length }, limit));
  const around = fitParts({ prefix: kept.prefix, suffix: [] }, context - limit - SPARE, 0);
  const start = tokenizer.bos === undefined ? [] : [tokenizer.bos];
  return { context: [...start, ...around.prefix], leading, around };
}

/** Other places' texts before the prefix, the end of them where not all fit; they displace nothing of the place itself. */
async function withExtra(
  parts: PromptParts,
  prompt: Prompt,
  extra: readonly string[],
  limit: number,
): Promise<Prompt> {
  const { prefix, suffix } = prompt.around;
  const taken = prefix.length + inSteps(suffix.length, Math.ceil);
  const room = inSteps(parts.family.context - limit - SPARE - taken, Math.floor);
  if (room <= 0) return prompt;
  const text = extra.map((one) => SNIPPET + one).join('');
  const tokens = await parts.tokenizer.tokenize(text.slice(-room * CHARACTERS_PER_TOKEN), parts.signal);
  const around = { prefix: [...tokens.slice(-room), ...prefix], suffix };
  return { ...prompt, context: layOut(parts, around, limit) };
}

function inSteps(tokens: number, round: (steps: number) => number): number {
  return round(tokens / STEP) * STEP;
}
