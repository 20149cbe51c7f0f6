/** Pure: the completion API of llama-server, as llama.vim and llama.vscode use it. */
import { Type, type Static } from 'typebox';
import { described } from './described.ts';
import { Maybe, StopSchema, stopsOf, type Dialect } from './dialect.ts';
import type { Model } from './models.ts';
import { answerLimit, samplingOf, type Outcome, type Piece, type TextRequest } from './text.ts';

const InfillRequest = Type.Object(
  {
    input_prefix: Type.String({ description: 'Text before the line that is worked on.' }),
    input_suffix: Type.String({ description: 'Text after the place.' }),
    prompt: Maybe(Type.String({ description: 'The line up to the place.' })),
    input_extra: Maybe(
      Type.Array(Type.Object({ text: Type.String(), filename: Maybe(Type.String()) }), {
        description: 'Texts of other places, the most important last; read where the rest leaves room.',
      }),
    ),
    n_predict: Maybe(
      Type.Integer({
        description:
          'The most tokens to write. 0 reads the prompt ahead, less means as many as there may be.',
      }),
    ),
    stop: Maybe(StopSchema),
    n_indent: Maybe(
      Type.Integer({
        minimum: 0,
        description:
          'White space, in characters, that further lines must begin with; the first that does not is cut off.',
      }),
    ),
    t_max_predict_ms: Maybe(
      Type.Number({ description: 'Milliseconds of writing after which the next line end is the last.' }),
    ),
    temperature: Maybe(Type.Number({ description: 'The choice is greedy up to 0.01, and without it.' })),
    seed: Maybe(Type.Integer({ description: 'Drawn at random where it is absent or negative.' })),
    stream: Maybe(Type.Boolean()),
    response_fields: Maybe(
      Type.Array(Type.String(), {
        description:
          'Paths of the fields that the answer is to have, such as timings/prompt_n, and no others.',
      }),
    ),
    model: Maybe(
      Type.String({ description: 'An id of /v1/models; the backbone where there is no such model.' }),
    ),
  },
  {
    description:
      'Fields that are not listed are taken and ignored: top_k, top_p, samplers, id_slot, n_cmpl, lora.',
  },
);

const Timings = Type.Object({
  cache_n: Type.Integer({ description: 'Tokens of the prompt that were read before.' }),
  prompt_n: Type.Integer({ description: 'Tokens of the prompt that were not.' }),
  prompt_ms: Type.Number(),
  prompt_per_token_ms: Type.Number(),
  prompt_per_second: Type.Number(),
  predicted_n: Type.Integer(),
  predicted_ms: Type.Number(),
  predicted_per_token_ms: Type.Number(),
  predicted_per_second: Type.Number(),
});

export const InfillWhole = Type.Object({
  index: Type.Literal(0),
  content: Type.String({ description: 'The text; empty in a stream, whose events have brought it.' }),
  tokens: Type.Array(Type.Integer(), { maxItems: 0 }),
  stop: Type.Literal(true),
  model: Type.String(),
  tokens_predicted: Type.Integer(),
  tokens_evaluated: Type.Integer({ description: 'Tokens of the prompt.' }),
  generation_settings: Type.Object({
    n_ctx: Type.Integer(),
    n_predict: Type.Integer(),
    temperature: Type.Number(),
    seed: Type.Integer(),
    stop: Type.Array(Type.String()),
    stream: Type.Boolean(),
  }),
  has_new_line: Type.Boolean(),
  truncated: Type.Literal(false),
  stop_type: Type.Enum(['eos', 'word', 'limit']),
  stopping_word: Type.String(),
  tokens_cached: Type.Integer(),
  timings: Timings,
});

const InfillAnswer = Type.Union([
  InfillWhole,
  Type.Record(Type.String(), Type.Unknown(), { description: 'The response_fields that there are, by path.' }),
]);

export type InfillBody = Static<typeof InfillRequest>;

export const INFILL = described({
  summary: 'Text at a place, as clients of llama-server ask for it',
  description: 'As llama.vim and llama.vscode use it.',
  body: InfillRequest,
  answer: InfillAnswer,
});

/**
 * What is asked for, as llama-server takes it: the time ends an answer at a line end only, and the indentation before a
 * line. Left out are `n_cmpl`, since the greedy choice is one; `lora`, since a model has a name here; the samplers but
 * temperature; `id_slot` and `cache_prompt`, which are the engine's affair; and `t_max_prompt_ms`, as in llama-server.
 */
export function infillRequest(body: InfillBody, model: Model, draw: () => number): TextRequest {
  const { input_extra: extra, n_predict: wanted, t_max_predict_ms: lineAfterMs } = body;
  return {
    adapter: model.adapter,
    prefix: body.input_prefix + (body.prompt ?? ''),
    suffix: body.input_suffix,
    extra: (extra ?? []).map(({ text }) => text),
    limit: typeof wanted === 'number' && wanted >= 0 ? wanted : Infinity,
    stop: stopsOf(body.stop),
    indent: body.n_indent ?? 0,
    lineAfterMs: typeof lineAfterMs === 'number' && lineAfterMs > 0 ? lineAfterMs : undefined,
    sampling: samplingOf(body, draw),
  };
}

export function infillDialect(body: InfillBody, request: TextRequest, model: Model): Dialect {
  const { context } = model.target.family;
  const fields = body.response_fields ?? [];
  const settings = {
    n_ctx: context,
    n_predict: answerLimit(request.limit, context),
    temperature: request.sampling?.temperature ?? 0,
    seed: request.sampling?.seed ?? 0,
    stop: [...request.stop],
    stream: body.stream ?? false,
  };
  let lines = false;
  const final = (content: string, outcome: Outcome): object => {
    const answer = {
      index: 0,
      content,
      tokens: [],
      stop: true,
      model: model.name,
      tokens_predicted: outcome.written,
      tokens_evaluated: outcome.prompt,
      generation_settings: settings,
      has_new_line: lines || content.includes('\n'),
      truncated: false,
      stop_type: outcome.reason === 'end' ? ('eos' as const) : outcome.reason,
      stopping_word: outcome.word,
      tokens_cached: outcome.prompt + outcome.written,
      timings: timingsOf(outcome),
    } satisfies Static<typeof InfillWhole>;
    return fields.length > 0 ? picked(answer, fields) : answer;
  };
  return {
    whole: final,
    piece: ({ text: content, written }: Piece) => {
      lines ||= content.includes('\n');
      return { index: 0, content, tokens: [], stop: false, tokens_predicted: written };
    },
    last: (outcome) => [final('', outcome)],
  };
}

/** The fields at `paths`, each under its path; those that there are not are left out. */
export function picked(answer: object, paths: readonly string[]): Record<string, unknown> {
  const found = paths.flatMap((path) => {
    let value: unknown = answer;
    for (const key of path.split('/')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return [];
      value = (value as Record<string, unknown>)[key];
    }
    return [[path, value] as const];
  });
  return Object.fromEntries(found);
}

function timingsOf({ prompt, evaluated, written, promptMs, writtenMs }: Outcome): Static<typeof Timings> {
  const per = (amount: number, of: number) => (of > 0 ? amount / of : 0);
  return {
    cache_n: Math.max(0, prompt - evaluated),
    prompt_n: evaluated,
    prompt_ms: promptMs,
    prompt_per_token_ms: per(promptMs, evaluated),
    prompt_per_second: per(1000 * evaluated, promptMs),
    predicted_n: written,
    predicted_ms: writtenMs,
    predicted_per_token_ms: per(writtenMs, written),
    predicted_per_second: per(1000 * written, writtenMs),
  };
}
