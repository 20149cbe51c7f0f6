/** Pure: what of a round a client may not ask for. */
import { MAX_TEMPERATURE, MIN_TEMPERATURE, type ModelFacts, type Token } from '@foretype/models';
import {
  MAX_DRAFT_LENGTH,
  MAX_LEADING,
  MAX_MORE,
  type FailureCode,
  type VerifyFrame,
} from './protocol/index.ts';
import type { Roster } from './roster.ts';

export type Asked = Pick<
  VerifyFrame,
  'id' | 'drafted' | 'more' | 'leading' | 'begun' | 'adapter' | 'temperature'
>;

/** Why a round cannot be made with this target at all, if it cannot. */
export function objectionTo(
  frame: Asked,
  context: readonly Token[],
  { facts, roster }: { readonly facts: ModelFacts; readonly roster: Pick<Roster, 'find'> },
): [code: FailureCode, message: string] | undefined {
  const { id, drafted, more, leading, begun, adapter, temperature } = frame;
  const foreign = (token: Token) => token >= facts.vocabulary;
  if (id === 0) return ['invalid', 'The id of a round is at least 1.'];
  if (context.length === 0) return ['invalid', 'The context has no token.'];
  if (drafted.length > MAX_DRAFT_LENGTH) {
    return ['invalid', `The draft has ${drafted.length} tokens; at most ${MAX_DRAFT_LENGTH} are judged.`];
  }
  if (more > MAX_MORE) return ['invalid', `At most ${MAX_MORE} more tokens are written, not ${more}.`];
  if (leading.length > MAX_LEADING) {
    return ['invalid', `${leading.length} tokens were taken back; at most ${MAX_LEADING} may be.`];
  }
  if (temperature !== 0 && !(temperature >= MIN_TEMPERATURE && temperature <= MAX_TEMPERATURE)) {
    return [
      'invalid',
      `The temperature is ${temperature}; it may be 0, or ${MIN_TEMPERATURE} to ${MAX_TEMPERATURE}.`,
    ];
  }
  if (begun > context.length) {
    return ['invalid', `The context has ${context.length} tokens, of which ${begun} cannot be a beginning.`];
  }
  if ([context, drafted, leading].some((tokens) => tokens.some(foreign))) {
    return ['invalid', `A token id is not below ${facts.vocabulary}, the size of the vocabulary.`];
  }
  if (adapter !== '' && !roster.find(adapter)) {
    return ['unknown-adapter', 'The edge node has no adapter of that name.'];
  }
  const needed = context.length + drafted.length + more + 1;
  if (needed > facts.context) {
    return [
      'context-full',
      `The round needs ${needed} tokens of context and the target holds ${facts.context}.`,
    ];
  }
  return undefined;
}
