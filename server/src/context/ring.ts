/**
 * Pure: the chunks of other places that a prompt begins with, after llama.vim's ring (github.com/ggml-org/llama.vim). All
 * of it serves one end: what was read once stays in the KV cache as long as the text before it stays as it is. So a chunk
 * that is in keeps its place, new ones go to the end, and when the ring is full the older half goes at once: the front
 * changes once in many insertions, where evicting one by one would change it, and have all of it read again, with each.
 */
import { likeness, shareIn, type Chunk } from './chunk.ts';

export interface RingLimits {
  readonly chunks: number;
  /** UTF-16 code units of all chunks together. */
  readonly characters: number;
  /** Lines of a chunk. */
  readonly lines: number;
}

export interface Ring {
  readonly limits: RingLimits;
  /** The oldest first. */
  readonly chunks: readonly Chunk[];
}

/** A line of code with its end is about that long. */
const CHARACTERS_PER_LINE = 40;
/** Fewer chunks than these are no memory of where somebody was: they are made smaller first. */
const FEWEST = 4;

/** Beyond these two chunks are the same, wherever they are from, and one text in two states. */
const SAME = 0.9;
const SAME_PLACE = 0.5;
/** Share of a chunk that the prompt shows anyway, beyond which it would only have the model repeat it. */
const SHOWN = 0.5;
/** Lines that a cursor moves by before it is somewhere else. */
const FAR = 32;

/** Limits for a prompt that has room for so many UTF-16 code units of chunks; no chunks where there is next to none. */
export function limitsFor(characters: number): RingLimits {
  const lines = [64, 32, 16, 8].find((size) => characters >= FEWEST * size * CHARACTERS_PER_LINE);
  return { chunks: lines ? 16 : 0, characters, lines: lines ?? 8 };
}

export function emptyRing(limits: RingLimits): Ring {
  return { limits, chunks: [] };
}

/**
 * The ring with a chunk more, at its end. One that is there already is not added, and of two states of the same place the
 * older goes. What differs by a few lines only counts as there if the cursor merely came by: it is not worth the cache of
 * all that follows it. What was saved or edited is: names in it may have changed.
 */
export function withChunk(ring: Ring, chunk: Chunk): Ring {
  const { limits, chunks } = ring;
  if (limits.chunks === 0 || chunk.text.length > limits.characters) return ring;
  const meant = chunk.origin === 'saved' || chunk.origin === 'edited';
  const twins = chunks.filter((other) => {
    const like = likeness(other.keys, chunk.keys);
    return like > SAME || (like > SAME_PLACE && other.uri === chunk.uri);
  });
  const same = (twin: Chunk) =>
    twin.text === chunk.text || (!meant && likeness(twin.keys, chunk.keys) > SAME);
  if (twins.some(same)) return ring;
  let kept = chunks.filter((other) => !twins.includes(other));
  while (isOver([...kept, chunk], limits)) kept = kept.slice(Math.ceil(kept.length / 2));
  return { limits, chunks: [...kept, chunk] };
}

/** The ring without what came from documents that are gone, or may not be shown any more. */
export function withoutDocuments(ring: Ring, gone: (uri: string) => boolean): Ring {
  const chunks = ring.chunks.filter(({ uri }) => !gone(uri));
  return chunks.length === ring.chunks.length ? ring : { ...ring, chunks };
}

/** What of the ring a prompt gets that shows `around`; the ring, and with it the order of what stays, is as it was. */
export function picked({ chunks }: Pick<Ring, 'chunks'>, around: ReadonlySet<string>): readonly Chunk[] {
  return chunks.filter(({ keys }) => shareIn(around, keys) <= SHOWN);
}

/** A cursor's line, from 0, in a document. */
export interface Spot {
  readonly uri: string;
  readonly line: number;
}

/** Whether the cursor went so far that what it left is worth a chunk: the prompt does not show it any more. */
export function isFar(from: Spot, to: Spot): boolean {
  return from.uri !== to.uri || Math.abs(from.line - to.line) > FAR;
}

function isOver(chunks: readonly Chunk[], limits: RingLimits): boolean {
  const characters = chunks.reduce((sum, { text }) => sum + text.length, 0);
  return chunks.length > limits.chunks || characters > limits.characters;
}
