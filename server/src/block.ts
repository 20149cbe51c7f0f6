import type { Candidate } from './completion.ts';
import { blockEnds } from './filters/block-end.ts';
import { extentAt } from './filters/extent.ts';
import { filtered } from './filters/filtered.ts';
import type { Place } from './filters/place.ts';
import type { CompletionReport, ServerSettings } from './protocol.ts';

export interface BlockParts {
  /** Completes one line after `written`, which stands at the place already. */
  readonly line: (written: string) => AsyncIterable<Candidate>;
  readonly place: Place;
  /** Whether lines that nobody verified may follow the first. */
  readonly unverified: boolean;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
}

/** Where several lines are to be completed, and whether nobody need verify them; undefined where it is one line. */
export function blockAt({
  place,
  multiline,
  written,
  verifies,
}: {
  readonly place: Place;
  readonly multiline: ServerSettings['multiline'];
  /** What the target writes well. */
  readonly written: 'line' | 'block';
  /** Whether there is somebody to ask. */
  readonly verifies: boolean;
}): Pick<BlockParts, 'place' | 'unverified'> | undefined {
  const unverified = multiline === 'always';
  // What a draft model writes by itself is good for a line.
  if (multiline === 'never' || (!unverified && (written === 'line' || !verifies))) return undefined;
  return extentAt(place) === 'block' ? { place, unverified } : undefined;
}

/** Milliseconds between two texts that grow: each has an editor ask again. */
const GROWTH_MS = 150;

/**
 * Completes a block line by line, each as if the ones before had been accepted, so that it says what whoever takes it
 * line by line would get. The first line comes as it does alone: as a draft, then as the target wrote it; what follows
 * is added to it, and nothing that was given is taken back.
 * Where a line cannot be had, or the time for it is over, the block is what there is by then.
 */
export async function* completeBlock(parts: BlockParts): AsyncGenerator<Candidate, void> {
  const { line, place, unverified, now } = parts;
  let block: Candidate | undefined;
  for await (const candidate of line('')) {
    block = candidate;
    yield candidate;
  }
  let given = block?.text.length ?? 0;
  let at = now();
  try {
    while (block && blockEnds(`${block.text}\n`, place) === undefined) {
      let next: Candidate | undefined;
      for await (const candidate of line(block.text)) next = candidate;
      const path = block.report.path === 'draft' ? 'draft' : next?.report.path;
      if (!next?.text || path !== block.report.path || (path === 'draft' && !unverified)) break;
      // Behind a line that has no end, or one of which nothing is shown, nothing will be read.
      if (!next.text.startsWith('\n') || !shows(block.text + next.text, block.text, place)) break;
      const grown: string = block.text + next.text;
      const end = blockEnds(`${grown}\n`, place);
      block = {
        text: end === undefined ? grown : grown.slice(0, end).trimEnd(),
        report: together(block.report, next.report),
      };
      if (block.text.length > given && end === undefined && now() - at >= GROWTH_MS) {
        yield block;
        [given, at] = [block.text.length, now()];
      }
    }
  } catch (error) {
    if (block && block.text.length > given) yield block;
    throw error;
  }
  if (block && block.text.length > given) yield block;
}

/** Whether more is to be seen of a text that has grown. */
function shows(grown: string, before: string, place: Place): boolean {
  return filtered(grown, place).text.length > filtered(before, place).text.length;
}

/** The report of a text that came about in two parts, one after the other. */
function together(first: CompletionReport, next: CompletionReport): CompletionReport {
  const { path, firstTextMs, unverified, adapter } = first;
  const sum = (of: (report: CompletionReport) => number) => of(first) + of(next);
  return {
    path,
    rounds: sum(({ rounds }) => rounds),
    drafted: sum(({ drafted }) => drafted),
    accepted: sum(({ accepted }) => accepted),
    committed: sum(({ committed }) => committed),
    firstTextMs,
    verifiedMs: path === 'draft' ? null : sum(({ verifiedMs }) => verifiedMs ?? 0),
    unverified,
    bytesUp: sum(({ bytesUp }) => bytesUp),
    bytesDown: sum(({ bytesDown }) => bytesDown),
    adapter,
  };
}
