/** Pure: a completion that writes again the lines that stand below the cursor. */
import type { Candidate } from './filtered.ts';
import { columnsOf, isBlank, lineStarts, saysMuch } from './lines.ts';
import type { Site } from './place.ts';

/** Lines below the cursor that are compared, and among how many they are looked for. */
const COMPARED = 12;
const BELOW = 40;

/**
 * `text` up to where it goes on with what stands below. A line that says much must agree; lines that say little agree only
 * where they stand in the same column.
 */
export function withoutFollowing({ text, replaces }: Candidate, { above, head, below, tail }: Site): string {
  const next = filled(below.slice(0, BELOW)).slice(0, COMPARED);
  if (next.length === 0) return text;
  const lines = text.split('\n');
  const starts = lineStarts(text);
  // As they will stand in the document.
  const whole = lines.with(0, head + lines[0]!);
  whole[whole.length - 1]! += tail.slice(replaces);
  for (const [index, line] of whole.entries()) {
    if (isBlank(line) || isBlank(lines[index])) continue;
    const rest = filled(whole.slice(index));
    if (!agrees(rest, next, index === 0)) continue;
    const before = index === 0 ? above.findLast((other) => !isBlank(other)) : whole[index - 1];
    // Where the document has the same line over and over, once more is no mistake.
    if (rest.length === 1 && isHabit(line, [before ?? '', ...next.slice(0, 2)])) return text;
    return index === 0 ? '' : text.slice(0, starts[index]! - 1).trimEnd();
  }
  return text;
}

function filled(lines: readonly string[]): string[] {
  return lines.filter((line) => !isBlank(line));
}

/** Whether `lines` begin as `next` does, and nothing tells them apart. */
function agrees(lines: readonly string[], next: readonly string[], fromTheStart: boolean): boolean {
  let common = 0;
  while (common < Math.min(lines.length, next.length) && isSame(lines[common]!, next[common]!)) common++;
  if (common === 0) return false;
  const agreed = lines.slice(0, common);
  if (common < lines.length) {
    // Where they go on differently, only much that agrees is no accident. What is said of things often is the same.
    const code = agreed.filter((line) => saysMuch(line) && !/^\s*(?:\/?\*|\/\/|#|--)/u.test(line));
    return code.length >= 2 || (fromTheStart && common > 1 && code[0] === agreed[0]);
  }
  return agreed.some(saysMuch) || agreed.every((line, at) => standsAt(line, next[at]!));
}

/** Lines that say little are the same where they stand in the same column, and close or leave something. */
function standsAt(line: string, other: string): boolean {
  return columnsOf(line) === columnsOf(other) && /[\p{L}\p{N})\]}>]/u.test(line);
}

function isHabit(line: string, around: readonly string[]): boolean {
  return around.filter((other) => isSame(other, line)).length > 1;
}

function isSame(line: string, other: string): boolean {
  return line.trim() === other.trim();
}
