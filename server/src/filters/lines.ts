/** Pure: what the filters ask of a line. */

/** The white space a line begins with. */
export function indentationOf(line: string): string {
  return /^[^\S\n]*/u.exec(line)![0];
}

/** Columns of white space; a tab counts as four. */
export function columnsOf(line: string): number {
  let columns = 0;
  for (const character of indentationOf(line)) columns += character === '\t' ? 4 - (columns % 4) : 1;
  return columns;
}

export function isBlank(line: string | undefined): boolean {
  return line === undefined || !/\S/u.test(line);
}

/** Whether a line says something that is not said everywhere: more than brackets, a tag's end or a short word. */
export function saysMuch(line: string): boolean {
  return !/^\s*<\/[\w.:-]*>\s*$/u.test(line) && (line.match(/[\p{L}\p{N}_]/gu)?.length ?? 0) >= 6;
}

/** Whether nothing but closing brackets, quotes and the punctuation behind them stands in `rest`. */
export function onlyCloses(rest: string): boolean {
  return /^[\s)\]}>'"`;,]{0,24}$/u.test(rest.trim());
}

/** `text` up to `at`; a line of which only white space would be left goes with its line end. */
export function cutAt(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1);
  return text.slice(0, start !== -1 && isBlank(text.slice(start, at)) ? start : at);
}

/** Offsets at which the lines of `text` begin. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
