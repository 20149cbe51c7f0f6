/** Pure: documents of many lines, and from times to the table of the part `cached`. */
import { table, whole } from '../../../evaluation/src/table.ts';
import type { Report } from '../document.ts';
import { quantile } from '../statistics.ts';

export const ENDS = { LF: '\n', CRLF: '\r\n' } as const;

export interface CachedCell {
  readonly lines: number;
  readonly end: keyof typeof ENDS;
  readonly bytes: number;
  /** Milliseconds a key: in the server's own process, over pipes, and what the least of messages takes there. */
  readonly inServer: readonly number[];
  readonly overPipes: readonly number[];
  readonly leastMessage: readonly number[];
}

export interface CachedResults {
  readonly family: string;
  readonly cells: readonly CachedCell[];
}

/** The first so many lines of all texts, again and again where they are fewer. */
export function linesOf(texts: readonly string[], count: number): string[] {
  const lines: string[] = [];
  while (lines.length < count)
    for (const text of texts) {
      for (const line of text.split('\n')) lines.push(line);
      if (lines.length >= count) break;
    }
  return lines.slice(0, count);
}

export function reportOf({ family, cells }: CachedResults, on: string): Report {
  const spread = (times: readonly number[]) =>
    [0.5, 0.99].map((share) => quantile(times, share).toFixed(2)).join(' · ');
  return {
    text: table(
      `**From the key to a text that is known**: milliseconds, median · 99 %, of ${whole(cells[0]!.inServer.length)} keys in each document; family \`${family}\`, on ${on}. Aimed at were 2 ms for 99 % inside the server.`,
      ['lines', 'line ends', 'KB', 'in the server', 'over pipes', 'the least message over pipes'],
      cells.map(({ lines, end, bytes, inServer, overPipes, leastMessage }) => [
        whole(lines),
        end,
        whole(Math.round(bytes / 1000)),
        spread(inServer),
        spread(overPipes),
        spread(leastMessage),
      ]),
    ),
    charts: [],
  };
}
