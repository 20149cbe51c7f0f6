/** Pure: a route as its schema tells of it, which checks bodies and from which the OpenAPI file is made. */
import { Type, type TSchema } from 'typebox';
import { ErrorSchema } from './failure.ts';

export interface Described {
  readonly summary: string;
  readonly description: string;
  readonly body: TSchema;
  readonly answer: TSchema;
  /** Statuses of refusals beyond those that every route of the facade has, with what they mean. */
  readonly refusals?: Readonly<Record<number, string>>;
}

const REFUSALS = {
  400: 'The body is not what the API takes.',
  413: 'The body is larger than 1 MiB.',
  503: 'The node has more to do than it can (busy: try again a second later), or no model (unavailable).',
};

/** What is true of all of them. */
const COMMON =
  'The choice is greedy unless a temperature is asked for; of the samplers, temperature and seed are the only ones. An answer has a quarter of the context at most.';

export function described({ summary, description, body, answer, refusals }: Described) {
  const events = Type.String({ description: 'Server-sent events, where the request says stream.' });
  const content = { 'application/json': { schema: answer }, 'text/event-stream': { schema: events } };
  const refused = Object.entries({ ...REFUSALS, ...refusals }).map(
    ([status, meaning]) => [status, { ...ErrorSchema, description: meaning }] as const,
  );
  return {
    tags: ['Completion'],
    summary,
    description: `${description} ${COMMON}`,
    body,
    response: { 200: { description: 'The text and what it took.', content }, ...Object.fromEntries(refused) },
  };
}
