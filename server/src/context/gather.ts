/**
 * Pure: what a prompt shows of other places, within a budget of room and one of time.
 *
 * The order is that in which things change, the steadiest first, because a KV cache is good up to the first difference:
 * the ring, oldest first, which stays the same for many completions in many documents; then what this document imports,
 * which changes with the document; then the edits, newest last, which change all the time and are also what the model
 * should have read most recently. The document itself comes after all of them.
 */
import { keysOf, linesOf, shareIn, type Chunk } from './chunk.ts';
import { editedChunks, type Edits } from './edits.ts';
import { picked, type Ring } from './ring.ts';

/** Where chunks come from. */
export interface ContextSources {
  readonly ring: Ring;
  readonly edits: Edits;
  /** Declarations of what the document imports; see `Imports`. */
  readonly imports: () => Promise<readonly Chunk[]>;
  /** Whether a document may be shown to others; what is no answer in time, or a failure, is a no. */
  readonly allowed: (uri: string) => Promise<boolean>;
}

/** Where a completion is made. */
export interface ContextPlace {
  readonly uri: string;
  /** The text around the cursor that the prompt shows anyway. */
  readonly around: string;
}

export interface ContextLimits {
  /** UTF-16 code units of all chunks together. */
  readonly characters: number;
  /** Milliseconds after which what is not there is left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

export interface Clock {
  /** Milliseconds; never goes back. */
  readonly now: () => number;
  /** Calls `then` after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, then: () => void) => () => void;
}

export interface Gathered {
  /** In the order in which the prompt has them. */
  readonly chunks: readonly Chunk[];
  /** What was not there in time, or failed. */
  readonly missing: readonly ('imports' | 'rules')[];
}

export const DEADLINE_MS = 50;

/** Shares of the room. What one leaves is not given to the others, or each edit would move what stands before it. */
const SHARES = { ring: 0.6, imports: 0.2, edits: 0.2 };
/** Share of an edit that the prompt shows anyway, beyond which it need not be shown twice. */
const SHOWN = 0.5;

/** What a ring has of a room of `characters`. With limits for that it evicts by halves, and is not cut here. */
export function roomOfRing(characters: number): number {
  return Math.floor(characters * SHARES.ring);
}

/** Never rejects. Documents that may not be shown are left out, and so are those of which that is not known in time. */
export async function gather(
  { ring, edits, imports, allowed }: ContextSources,
  { uri, around }: ContextPlace,
  { characters, deadlineMs = DEADLINE_MS, clock }: ContextLimits,
): Promise<Gathered> {
  if (characters <= 0) return { chunks: [], missing: [] };
  const started = clock.now();
  // A busy process may learn of something before it learns that time is up.
  const inTime = () => clock.now() - started <= deadlineMs;
  const shown = keysOf(linesOf(around));
  const visited = picked(ring, shown);
  const edited = editedChunks(edits).filter(({ keys }) => shareIn(shown, keys) <= SHOWN);

  // The document itself is shown, whatever is told of others.
  const verdicts = new Map([[uri, true]]);
  const judge = async (other: string) => {
    const verdict = await allowed(other);
    if (inTime()) verdicts.set(other, verdict);
  };
  const judgeAll = (chunks: readonly Chunk[]) =>
    Promise.allSettled(
      [...new Set(chunks.map((chunk) => chunk.uri))].filter((other) => other !== uri).map(judge),
    );
  let imported: readonly Chunk[] | undefined;
  const follow = async () => {
    const found = await imports();
    await judgeAll(found);
    if (inTime()) imported = found;
  };

  const late = Promise.withResolvers<undefined>();
  const cancel = clock.after(deadlineMs, () => late.resolve(undefined));
  await Promise.race([Promise.allSettled([judgeAll([...visited, ...edited]), follow()]), late.promise]);
  cancel();

  const may = (chunk: Chunk) => verdicts.get(chunk.uri) === true;
  const chunks = [
    ...newest(visited.filter(may), roomOfRing(characters)),
    ...newest((imported ?? []).filter(may).toReversed(), characters * SHARES.imports).toReversed(),
    ...newest(edited.filter(may), characters * SHARES.edits),
  ];
  const unjudged = [...visited, ...edited, ...(imported ?? [])].some((chunk) => !verdicts.has(chunk.uri));
  return {
    chunks,
    missing: [...(imported ? [] : ['imports' as const]), ...(unjudged ? ['rules' as const] : [])],
  };
}

/** Those at the end for which there is room; one that is too large ends it, so that what is shown has no holes. */
function newest(chunks: readonly Chunk[], room: number): readonly Chunk[] {
  let left = room;
  const from = chunks.findLastIndex(({ text }) => (left -= text.length) < 0);
  return chunks.slice(from + 1);
}
