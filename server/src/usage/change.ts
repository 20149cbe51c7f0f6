/** Pure: a change to a document, in UTF-16 code units, and what it does to places in it. */

export interface Change {
  /** Where it begins, in the document before and after. */
  readonly offset: number;
  /** How much was taken away there. */
  readonly removed: number;
  readonly inserted: string;
}

/** A part of a document; `end` is not in it. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** The change without what it puts back as it was: editors replace whole lines, or the whole text, for a word. */
export function trimmed({
  offset,
  removed,
  inserted,
}: {
  offset: number;
  removed: string;
  inserted: string;
}): Change {
  const shorter = Math.min(removed.length, inserted.length);
  let front = 0;
  while (front < shorter && removed[front] === inserted[front]) front++;
  let back = 0;
  while (back < shorter - front && removed.at(-1 - back) === inserted.at(-1 - back)) back++;
  return {
    offset: offset + front,
    removed: removed.length - front - back,
    inserted: inserted.slice(front, inserted.length - back),
  };
}

/**
 * Where a part of a document is after a change. What is inserted at one of its ends is not in it. Where all of it was
 * replaced with more around it, it may be anywhere between its distance from the start and that from the end.
 */
export function moved({ start, end }: Extent, { offset, removed, inserted }: Change): Extent {
  const over = offset + removed;
  const delta = inserted.length - removed;
  if (over <= start) return { start: start + delta, end: end + delta };
  if (offset >= end) return { start, end };
  const after = offset + inserted.length;
  if (offset <= start && over >= end) {
    const clamped = (place: number) => Math.min(Math.max(place, offset), after);
    return { start: clamped(Math.min(start, start + delta)), end: clamped(Math.max(end, end + delta)) };
  }
  return { start: offset < start ? after : start, end: over > end ? offset : end + delta };
}
