/** Pure: a completion is indented as the document is. Indentation is all that a filter may add to a text. */
import { announcesBlock } from './blocks.ts';
import { columnsOf, indentationOf, isBlank } from './lines.ts';
import type { Site } from './place.ts';

/** What lines are indented with. */
interface Unit {
  readonly tabs: boolean;
  /** Columns of one step; for tabs 4 are assumed, as everywhere here. */
  readonly width: number;
}

/** Lines that must be indented in one way before another way is held to be wrong. */
const ENOUGH = 3;

/** How the document is indented near the cursor; undefined where it is not, or in more than one way. */
export function unitOf({ above, below, head }: Site): Unit | undefined {
  const indents = [...above.slice(-200), ...(isBlank(head) ? [] : [head]), ...below.slice(0, 100)]
    .filter((line) => !isBlank(line) && !/^\s*\*/u.test(line))
    .map(indentationOf);
  const tabs = indents.filter((indent) => indent.includes('\t')).length;
  const spaces = indents.filter((indent) => indent.startsWith('  ')).length;
  if (Math.max(tabs, spaces) < ENOUGH || Math.min(tabs, spaces) > 0) return undefined;
  return { tabs: tabs > 0, width: tabs > 0 ? 4 : commonStep(indents) };
}

/** The step by which lines are most often indented deeper than the one before, in columns. */
function commonStep(indents: readonly string[]): number {
  const times = new Map<number, number>();
  let last = 0;
  for (const { length } of indents) {
    const step = length - last;
    if (step >= 2 && step <= 8) times.set(step, (times.get(step) ?? 0) + 1);
    last = length;
  }
  const [[step] = [4]] = [...times].sort(([a, often], [b, oftener]) => oftener - often || a - b);
  return step;
}

/** The lines of `text` behind the first, indented with what the document is indented with. */
export function withDocumentIndentation(text: string, site: Site): string {
  if (!/\n[^\S\n]/u.test(text)) return text;
  const unit = unitOf(site);
  const [first, ...lines] = text.split('\n');
  const indents = lines.filter((line) => !isBlank(line)).map(indentationOf);
  const tabbed = indents.some((indent) => indent.includes('\t'));
  if (!unit || unit.tabs === tabbed) return text;
  if (!unit.tabs) {
    const spaced = lines.map((line) => {
      const indent = indentationOf(line);
      return indent.replaceAll('\t', ' '.repeat(unit.width)) + line.slice(indent.length);
    });
    return [first, ...spaced].join('\n');
  }
  // How wide the steps of the completion are is seen in nothing but itself.
  const step = indents.map(stepsOf).reduce(greatestDivisor, 0);
  if (step < 2) return text;
  const width = step % 4 === 0 ? 4 : step;
  const stepped = lines.map((line) => {
    const { length } = indentationOf(line);
    const steps = stepsOf(indentationOf(line)) / width;
    return '\t'.repeat(steps) + ' '.repeat(length - steps * width) + line.slice(length);
  });
  return [first, ...stepped].join('\n');
}

/** The columns of an indentation in spaces that are steps: the star of a comment stands one column behind them. */
function stepsOf({ length }: string): number {
  return length - (length % 2);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/**
 * `text` without white space at its beginning that is there already: the indentation of a line that has it, a column
 * beyond the indentation that the line can have, or a second space behind a space.
 */
export function withoutDoubleIndentation(text: string, site: Site): string {
  const { head, literal, syntax } = site;
  const lead = indentationOf(text);
  if (lead === '' || isBlank(text.split('\n', 1)[0]) || literal) return text;
  if (!isBlank(head)) {
    const doubled = lead === ' ' && /[^\s.!?:] $/u.test(head) && !beginsComment(text.slice(1), site);
    return doubled ? text.slice(1) : text;
  }
  if (syntax.blocks === 'none') return text;
  const beyond = columnsOf(head + lead) - deepest(site);
  if (beyond > 0 && lead === indentationOf(head)) return text.slice(lead.length);
  const oneTooMany = beyond === 1 && lead.endsWith(' ') && !continues(site);
  return oneTooMany ? lead.slice(0, -1) + text.slice(lead.length) : text;
}

/** The deepest indentation that a new line is expected to have, in columns. */
function deepest(site: Site): number {
  const last = site.above.findLast((line) => !isBlank(line));
  if (last === undefined) return 0;
  const opens = /(?:[{([:,]|=>|->)\s*$/u.test(last) || announcesBlock(last, site);
  const column = columnsOf(last);
  if (!opens) return column;
  // Where nothing else tells, the editor that indented the line knows by how much.
  const there = columnsOf(site.head) - column;
  return column + (unitOf(site)?.width ?? (there >= 2 ? there : 8));
}

/** Whether the line before may go on in this one, which is then aligned with anything. */
function continues({ above, frames, syntax, cut }: Site): boolean {
  const last = above.findLast((line) => !isBlank(line)) ?? '';
  const bracket = frames.findLast(({ kind }) => kind === 'bracket');
  if (cut || (bracket && bracket.close !== '}') || /^\s*(?:\*|\/\/|#)/u.test(last)) return true;
  return syntax.blocks === 'indentation' ? /\\\s*$/u.test(last) : last !== '' && !/[;{}]\s*$/u.test(last);
}

function beginsComment(text: string, { syntax }: Site): boolean {
  return [...syntax.lineComments, ...syntax.blockComments.map(([open]) => open)].some((open) =>
    text.startsWith(open),
  );
}
