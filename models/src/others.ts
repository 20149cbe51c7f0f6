/** Pure: what a prompt begins with where the family was trained to read several files: texts of others of the project. */
import type { Token } from './engine.ts';
import { budgetOf, COMPLETION_LIMIT, OTHERS_SHARE, type PromptParts } from './prompt.ts';

/** A text of another file, or a part of one. */
export interface OtherText {
  /** Its path in the project, with slashes. */
  readonly name: string;
  /** Line ends as `\n`. */
  readonly text: string;
}

export interface Front {
  /** What comes before the markers of the middle; empty where there is nothing to show. */
  readonly tokens: readonly Token[];
  /** Which of the texts there was room for. */
  readonly shown: readonly OtherText[];
}

/** What stands for the project: its name would tell more than it helps. */
const REPOSITORY = 'project';
/** By how much of the room texts go when there is too much of them: seldom, and then many, so that caches stay good. */
const STEP = 0.25;
const NOTHING: Front = { tokens: [], shown: [] };

/** Tokens that a prompt has room for before the text of its own file; 0 where the family was not trained to read others. */
export function roomForOthers(family: PromptParts['family'], limit = COMPLETION_LIMIT): number {
  return family.fim.files ? Math.floor(budgetOf(family.context, limit) * OTHERS_SHARE) : 0;
}

/**
 * The front of prompts in the file called `name`, in the order of arXiv 2409.12186: the project, each text behind its
 * file's name, the name of the file at hand. It is made once and shared by the prompts of many keys. The texts at the
 * end stay where not all fit.
 */
export async function frontOf(
  { family, tokenizer, signal }: PromptParts,
  { name, others }: { readonly name: string; readonly others: readonly OtherText[] },
  limit = COMPLETION_LIMIT,
): Promise<Front> {
  const { files } = family.fim;
  if (!files || others.length === 0) return NOTHING;
  const { separator, repository } = files;
  const marked = async (marker: Token, text: string) => [marker, ...(await tokenizer.tokenize(text, signal))];
  const [start, end, ...texts] = await Promise.all([
    repository === undefined ? [] : marked(repository, `${REPOSITORY}\n`),
    marked(separator, `${name}\n`),
    ...others.map((other) => marked(separator, `${other.name}\n${other.text}`)),
  ]);
  const from = firstThatFits(texts, roomForOthers(family, limit) - start.length - end.length);
  if (from === texts.length) return NOTHING;
  return { tokens: [...start, ...texts.slice(from).flat(), ...end], shown: others.slice(from) };
}

function firstThatFits(texts: readonly (readonly Token[])[], room: number): number {
  const excess = texts.reduce((sum, { length }) => sum + length, 0) - room;
  if (excess <= 0) return 0;
  const step = Math.max(1, Math.floor(room * STEP));
  let gone = Math.ceil(excess / step) * step;
  const from = texts.findIndex(({ length }) => {
    const stays = gone <= 0;
    gone -= length;
    return stays;
  });
  return from === -1 ? texts.length : from;
}
