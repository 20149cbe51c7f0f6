/**
 * Pure: what was edited of late, in all documents, as hunks of a few lines: the nearest thing to knowing what somebody is
 * about. Hunks are kept where they are in their documents now, so that neighbours can be merged and undone ones vanish.
 */
import { keysOf, linesOf, makeChunk, type Chunk } from './chunk.ts';

export interface Hunk {
  readonly uri: string;
  /** Line, from 0, in the document as it was last seen. */
  readonly line: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** What was added, and a line on each side. */
  readonly shown: readonly string[];
}

/** The one touched last at the end. */
export type Edits = readonly Hunk[];

/** A document before and after something in it was changed. Any number of keystrokes may lie between the two. */
export interface Edit {
  readonly uri: string;
  readonly before: string;
  readonly after: string;
}

const MOST_HUNKS = 16;
/** Lines removed or added beyond which it is a paste or a reformatting, or a text of its own, which the ring has. */
const MOST_LINES = 16;
/** UTF-16 code units of a line beyond which nobody reads it. */
const MOST_CHARACTERS = 400;
/** UTF-16 code units of a document beyond which comparing it takes longer than anybody should wait for this. */
const LARGEST = 500_000;
/** Unchanged lines between two hunks at which they are still one. */
const GAP = 2;

/** Lines `from` to `to`, the latter not among them, of the document before; `delta` more are there afterwards. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly delta: number;
}

/** The lines of a document before and after. */
interface Texts {
  readonly uri: string;
  readonly old: readonly string[];
  readonly now: readonly string[];
}

/** The edits with one more. */
export function withEdit(edits: Edits, { uri, before, after }: Edit): Edits {
  // Where the hunks of a document that is too large to compare would lie, nobody knows any more.
  if (Math.max(before.length, after.length) > LARGEST) return withoutEditsIn(edits, (other) => other === uri);
  const [old, now] = [linesOf(before), linesOf(after)];
  const change = changeBetween(old, now);
  if (!change) return edits;
  const within = (lines: number) =>
    edits.filter(
      (hunk) =>
        hunk.uri === uri &&
        hunk.line < change.to + lines &&
        hunk.line + hunk.added.length > change.from - lines,
    );
  const over = within(0);
  // What gets too long for one hunk leaves its neighbours by themselves, and then forgets what it goes over.
  const tried = [within(GAP + 1), over, []].map((near) => ({
    near,
    hunk: hunkOf(change, near, { uri, old, now }),
  }));
  const { near, hunk: found } = tried.find(
    ({ hunk: { removed, added } }) => Math.max(removed.length, added.length) <= MOST_LINES,
  ) ?? { near: over, hunk: undefined };
  const kept = edits
    .filter((other) => !near.includes(other) && !over.includes(other))
    .map((other) =>
      other.uri === uri && other.line >= change.to ? { ...other, line: other.line + change.delta } : other,
    );
  // Lines are slices of a document, and would keep all of it in memory.
  const hunk = found && structuredClone(found);
  // An edit that was undone is none.
  return bounded(hunk && hunk.removed.length + hunk.added.length > 0 ? [...kept, hunk] : kept);
}

/** The edits without those in documents that are gone, or may not be shown any more. */
export function withoutEditsIn(edits: Edits, gone: (uri: string) => boolean): Edits {
  return edits.filter(({ uri }) => !gone(uri));
}

/** The edits without those in a document that is no more as they left it: it was changed while it was closed. */
export function standingIn(
  edits: Edits,
  { uri, text }: { readonly uri: string; readonly text: string },
): Edits {
  if (edits.every((hunk) => hunk.uri !== uri)) return edits;
  const lines = linesOf(text);
  return edits.filter(
    (hunk) => hunk.uri !== uri || hunk.added.every((line, at) => line === lines[hunk.line + at]),
  );
}

/** What a prompt shows of the edits: the text that is there now, the newest last. What was only removed has none. */
export function editedChunks(edits: Edits): readonly Chunk[] {
  return edits
    .filter(({ shown }) => shown.every((line) => line.length <= MOST_CHARACTERS))
    .map(({ uri, line, added, shown }) => ({
      ...makeChunk({ uri, origin: 'edited', line }, shown),
      keys: keysOf(added),
    }))
    .filter(({ keys }) => keys.size > 0);
}

function bounded(edits: Edits): Edits {
  // By halves, as the ring is: the front of what is shown changes seldom.
  return edits.length > MOST_HUNKS ? edits.slice(Math.ceil(edits.length / 2)) : edits;
}

/** The lines that differ, taken as one change; undefined where none do. */
function changeBetween(old: readonly string[], now: readonly string[]): Span | undefined {
  const shorter = Math.min(old.length, now.length);
  let from = 0;
  while (from < shorter && old[from] === now[from]) from++;
  let tail = 0;
  while (tail < shorter - from && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const delta = now.length - old.length;
  return from + tail === old.length && delta === 0 ? undefined : { from, to: old.length - tail, delta };
}

/** One hunk for a change and those near it: what stood there before any of them, and what stands there now. */
function hunkOf(change: Span, near: readonly Hunk[], { uri, old, now }: Texts): Hunk {
  const from = Math.min(change.from, ...near.map(({ line }) => line));
  const to = Math.max(change.to, ...near.map(({ line, added }) => line + added.length));
  const original: string[] = [];
  let at = from;
  for (const { line, added, removed } of near.toSorted((a, b) => a.line - b.line)) {
    original.push(...old.slice(at, line), ...removed);
    at = line + added.length;
  }
  original.push(...old.slice(at, to));
  const current = now.slice(from, to + change.delta);
  const difference = changeBetween(original, current);
  if (!difference) return { uri, line: from, removed: [], added: [], shown: [] };
  const start = from + difference.from;
  const removed = original.slice(difference.from, difference.to);
  const added = current.slice(difference.from, difference.to + difference.delta);
  const shown = now.slice(Math.max(0, start - 1), start + added.length + 1);
  return { uri, line: start, removed, added, shown };
}
