/** Pure: how the APIs of the facade tell of a text, whole or as server-sent events. */
import { Type, type TSchema } from 'typebox';
import type { Outcome, Piece } from './text.ts';

export interface Dialect {
  /** The answer to whoever waits for all of it. */
  whole(text: string, outcome: Outcome): object;
  /** An event of a stream. */
  piece(piece: Piece): object;
  /** The events that end a stream. */
  last(outcome: Outcome): readonly object[];
  /** What stands as data behind the last event, where the API has that. */
  readonly close?: string;
}

/** An event as it goes over the wire. */
export function eventOf(data: object | string): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** A field that may be left out, or be null, which means the same: clients do either. */
export function Maybe<T extends TSchema>(schema: T) {
  return Type.Optional(Type.Union([schema, Type.Null()]));
}

export const StopSchema = Type.Union([
  Type.String({ maxLength: 256 }),
  Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 }),
]);

export function stopsOf(stop: string | readonly string[] | null | undefined): readonly string[] {
  return typeof stop === 'string' ? [stop] : (stop ?? []);
}
