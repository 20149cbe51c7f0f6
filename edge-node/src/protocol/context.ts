import { crc32 } from 'node:zlib';
import type { Token } from '@foretype/models';

/** A context as it travels: how much of the tokens both sides remember stays, what follows, and a digest of the whole. */
export interface ContextDelta {
  readonly keep: number;
  readonly tokens: Token[];
  /** CRC-32 of the whole context; it finds accidents (a lost frame, a bug), it is no protection against malice. */
  readonly digest: number;
}

/** What turns `base` into `context`. */
export function contextDelta(base: readonly Token[], context: readonly Token[]): ContextDelta {
  const shorter = Math.min(base.length, context.length);
  let keep = 0;
  while (keep < shorter && base[keep] === context[keep]) keep++;
  return { keep, tokens: context.slice(keep), digest: digestOf(context) };
}

/** The context that `delta` makes of `base`, or undefined where the two sides no longer remember the same tokens. */
export function applyDelta(base: readonly Token[], delta: ContextDelta): Token[] | undefined {
  if (delta.keep > base.length) return undefined;
  const context = [...base.slice(0, delta.keep), ...delta.tokens];
  return digestOf(context) === delta.digest ? context : undefined;
}

function digestOf(tokens: readonly Token[]): number {
  const bytes = Buffer.alloc(tokens.length * 4);
  tokens.forEach((token, index) => bytes.writeUInt32LE(token, index * 4));
  return crc32(bytes);
}
