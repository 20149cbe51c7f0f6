/** Pure: a text on its way to whoever asked, whole or as server-sent events. */
import { eventOf, type Dialect } from './dialect.ts';
import { errorBody, type Failure } from './failure.ts';
import type { Outcome, Piece } from './text.ts';

export type Pieces = AsyncGenerator<Piece, Outcome>;

export async function wholeOf(pieces: Pieces, dialect: Dialect): Promise<object> {
  let text = '';
  for (;;) {
    const step = await pieces.next();
    if (step.done) return dialect.whole(text, step.value);
    text += step.value.text;
  }
}

/**
 * The events of a stream. One that fails half-way ends with an error in place of what is missing.
 * @param first what `pieces` gave first: until then, a failure has a status of its own.
 * @param failed what to tell of an error; undefined where nobody is there to be told.
 */
export async function* eventsOf(
  pieces: Pieces,
  first: IteratorResult<Piece, Outcome>,
  dialect: Dialect,
  failed: (error: unknown) => Failure | undefined,
): AsyncGenerator<string, void> {
  try {
    let step = first;
    for (; !step.done; step = await pieces.next()) yield eventOf(dialect.piece(step.value));
    for (const event of dialect.last(step.value)) yield eventOf(event);
    if (dialect.close !== undefined) yield eventOf(dialect.close);
  } catch (error) {
    const failure = failed(error);
    if (failure) yield eventOf(errorBody(failure));
  }
}
