import { unless, type Token } from '@foretype/models';
import type { RoundFigures } from '../metrics/metrics.ts';
import type { Place } from '../scheduler.ts';
import { decoding } from './decoding.ts';
import { indentGate, stopGate } from './ending.ts';
import type { WritingTarget } from './models.ts';
import { promptOf } from './prompt.ts';
import { answerLimit, type Outcome, type Piece, type TextRequest } from './text.ts';

export interface WriteParts {
  readonly target: Omit<WritingTarget, 'roster'>;
  /** Whom it is for: see `Asking.client`. */
  readonly client: string;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Told of each text that came to its end. */
  readonly done?: ((figures: RoundFigures) => void) | undefined;
}

/**
 * Writes a text, once the model is in memory and it is the client's turn. A piece that was given out stays. Whoever
 * stops asking ends the work.
 * @throws BusyError, EngineError; the signal's reason if that is aborted.
 */
export async function* writeText(
  parts: WriteParts,
  request: TextRequest,
  signal: AbortSignal,
): AsyncGenerator<Piece, Outcome> {
  const { target, client } = parts;
  const { adapter = '' } = request;
  await unless(signal, target.prepare(adapter));
  const place = await target.scheduler.enter({ client, conversation: `http ${client}`, adapter }, signal);
  const entered = parts.now();
  try {
    const outcome = yield* written(parts, request, place, signal);
    parts.done?.({
      family: target.family.id,
      adapter,
      outcome: 'verified',
      drafted: 0,
      accepted: 0,
      own: outcome.written,
      context: outcome.prompt,
      fresh: outcome.evaluated,
      spentMs: parts.now() - entered,
    });
    return outcome;
  } finally {
    place.leave();
  }
}

async function* written(
  { target: { family, engine, end }, now }: WriteParts,
  request: TextRequest,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<Piece, Outcome> {
  const { adapter, sampling, lineAfterMs = Infinity } = request;
  const limit = answerLimit(request.limit, family.context);
  const prompt = await promptOf({ family, tokenizer: engine, signal }, request, limit);
  const { context, leading } = prompt;
  const began = now();
  if (limit === 0) {
    if (helpsLater(request, family.fim.order)) await engine.read({ adapter, context }, signal);
    place.answered();
    return { ...NOTHING, prompt: context.length, promptMs: now() - began };
  }

  const decode = decoding((tokens) => engine.detokenize(tokens, signal));
  const stop = stopGate(request.stop);
  const indent = indentGate(request.indent);
  let first = began;
  let evaluated = 0;
  let count = 0;
  let repeats = leading.text.length;
  let last: Token | undefined;
  const outcome = (reason: Outcome['reason']): Outcome => ({
    reason,
    word: reason === 'word' ? stop.word : '',
    prompt: context.length,
    evaluated,
    written: count,
    promptMs: first - began,
    writtenMs: now() - first,
  });

  // What was taken back is most likely written again as it was, which is then judged in one evaluation.
  const asked = { adapter, context, drafted: leading.tokens, leading: leading.text, limit, sampling };
  for await (const step of engine.write(asked, signal)) {
    if (last === undefined) {
      first = now();
      place.answered();
      evaluated = Math.max(0, step.evaluated - leading.tokens.length);
    }
    last = step.token;
    if (end.has(last)) break;
    const decoded = await decode(last);
    const fresh = decoded.slice(repeats);
    if (repeats === 0 || fresh !== '') count++;
    repeats = Math.max(0, repeats - decoded.length);

    const before = stop.push(fresh);
    const lines = indent.push(before.text);
    if (lines.text !== '') yield { text: lines.text, written: count };
    if (lines.ended) return outcome('limit');
    if (before.ended) {
      yield* remainder(indent.rest(), count);
      return outcome('word');
    }
    if (lines.text.includes('\n') && now() - first > lineAfterMs) return outcome('limit');
    if (count >= limit) break;
  }
  signal.throwIfAborted();
  const lines = indent.push(stop.rest());
  yield* remainder(lines.text + (lines.ended ? '' : indent.rest()), count);
  return outcome(last !== undefined && end.has(last) ? 'end' : 'limit');
}

function* remainder(text: string, written: number): Generator<Piece, void> {
  if (text !== '') yield { text, written };
}

const NOTHING = { reason: 'limit', word: '', evaluated: 0, written: 0, writtenMs: 0 } as const;

/**
 * Whether a prompt that is only read will be of use to the next one. Clients send the texts of other places ahead without
 * the place; where the family reads the suffix first, the next prompt would have nothing in common with that, and the
 * reading would cost the cache of somebody who types.
 */
function helpsLater({ prefix, suffix }: TextRequest, order: string): boolean {
  return order === 'prefix-first' || prefix !== '' || (suffix ?? '') !== '';
}
