/** Pure: OpenAI's completion API of the time before chats, as Zed, Continue and Tabby use it. */
import { Type, type Static } from 'typebox';
import { described } from './described.ts';
import { Maybe, StopSchema, stopsOf, type Dialect } from './dialect.ts';
import type { Model } from './models.ts';
import { readRawPrompt } from './raw-prompt.ts';
import { samplingOf, type Outcome, type TextRequest } from './text.ts';

/** Tokens that are written where nothing is said, as OpenAI's API has it. */
const DEFAULT_TOKENS = 16;

const CompletionRequest = Type.Object(
  {
    model: Maybe(Type.String({ description: 'An id of /v1/models; empty or absent for the backbone.' })),
    prompt: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 1 })], {
      description:
        'Text before the place; or a prompt with the fill-in-the-middle markers of a known model, whose parts are read.',
    }),
    suffix: Maybe(
      Type.String({
        description: 'Text after the place, even if empty; without it the prompt is continued.',
      }),
    ),
    max_tokens: Maybe(
      Type.Integer({ minimum: 0, description: `The most tokens to write; ${DEFAULT_TOKENS} if absent.` }),
    ),
    temperature: Maybe(
      Type.Number({ minimum: 0, description: 'The choice is greedy up to 0.01, and without it.' }),
    ),
    seed: Maybe(Type.Integer({ description: 'Drawn at random where it is absent or negative.' })),
    stop: Maybe(StopSchema),
    stream: Maybe(Type.Boolean()),
    stream_options: Maybe(Type.Object({ include_usage: Maybe(Type.Boolean()) })),
    n: Maybe(Type.Literal(1)),
    best_of: Maybe(Type.Literal(1)),
    echo: Maybe(Type.Literal(false)),
  },
  { description: 'Fields that are not listed are taken and ignored: top_p, penalties, logprobs, user.' },
);

const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({
    cached_tokens: Type.Integer({ description: 'Tokens of the prompt that were read before.' }),
  }),
});

const FinishReason = Type.Enum(['stop', 'length']);

export const CompletionAnswer = Type.Object({
  id: Type.String(),
  object: Type.Literal('text_completion'),
  created: Type.Integer({ description: 'Seconds since 1970.' }),
  model: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Type.Literal(0),
      text: Type.String(),
      logprobs: Type.Null(),
      finish_reason: FinishReason,
    }),
    { minItems: 1, maxItems: 1 },
  ),
  usage: Usage,
});

export type CompletionBody = Static<typeof CompletionRequest>;

export const COMPLETIONS = described({
  summary: 'Text at a place, as clients of OpenAI’s completion API ask for it',
  description:
    'With a suffix, with the fill-in-the-middle markers of a known model in the prompt, or with a prompt that is to be continued.',
  body: CompletionRequest,
  answer: CompletionAnswer,
  refusals: { 404: 'There is no model of that name.' },
});

/** What is asked for: prefix and suffix as they are sent, else as a prompt with known markers has them. */
export function completionRequest(body: CompletionBody, model: Model, draw: () => number): TextRequest {
  const prompt = typeof body.prompt === 'string' ? body.prompt : body.prompt[0]!;
  // Whoever sends a suffix lays out nothing, so that markers in the prompt are text of the file.
  const raw = body.suffix ? undefined : readRawPrompt(prompt);
  return {
    adapter: model.adapter,
    prefix: raw?.prefix ?? prompt,
    suffix: raw?.suffix ?? body.suffix ?? undefined,
    extra: raw?.extra ?? [],
    limit: body.max_tokens ?? DEFAULT_TOKENS,
    stop: stopsOf(body.stop),
    indent: 0,
    sampling: samplingOf(body, draw),
  };
}

/** @param created seconds since 1970 when the request came. */
export function completionDialect(
  body: CompletionBody,
  model: Model,
  { id, created }: { readonly id: string; readonly created: number },
): Dialect {
  const head = {
    id,
    object: 'text_completion' as const,
    created,
    model: model.name,
  };
  const choice = <R>(text: string, finish_reason: R) => ({
    index: 0 as const,
    text,
    logprobs: null,
    finish_reason,
  });
  const wantsUsage = body.stream_options?.include_usage === true;
  const event = (text: string, finish: Static<typeof FinishReason> | null) => ({
    ...head,
    choices: [choice(text, finish)],
    ...(wantsUsage ? { usage: null } : {}),
  });
  return {
    whole: (text, outcome) =>
      ({ ...head, choices: [choice(text, finishOf(outcome))], usage: usageOf(outcome) }) satisfies Static<
        typeof CompletionAnswer
      >,
    piece: ({ text }) => event(text, null),
    last: (outcome) => [
      event('', finishOf(outcome)),
      ...(wantsUsage ? [{ ...head, choices: [], usage: usageOf(outcome) }] : []),
    ],
    close: '[DONE]',
  };
}

function finishOf({ reason }: Outcome): Static<typeof FinishReason> {
  return reason === 'limit' ? 'length' : 'stop';
}

function usageOf({ prompt, evaluated, written }: Outcome): Static<typeof Usage> {
  return {
    prompt_tokens: prompt,
    completion_tokens: written,
    total_tokens: prompt + written,
    prompt_tokens_details: { cached_tokens: Math.max(0, prompt - evaluated) },
  };
}
