/** Pure: tables in Markdown, formatted as prettier leaves them. */

/** A whole number with commas. */
export const whole = (count: number) => String(count).replaceAll(/\B(?=(\d{3})+$)/gu, ',');
export const ratio = (part: number, of: number) => (of === 0 ? '–' : (part / of).toFixed(2));
/** Per cent, or a dash where there is nothing to take a part of. */
export const share = (part: number, of: number) => (of === 0 ? '–' : ((100 * part) / of).toFixed(1));

/** A Markdown table with its heading; columns of figures are aligned to the right. */
export function table(
  heading: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => row[index]!.length)),
  );
  const figures = columns.map((_, index) => rows.every((row) => /^[\d–]/u.test(row[index]!)));
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, index) =>
      figures[index] ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, index) =>
    figures[index] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [heading, '', line(columns), line(rule), ...rows.map(line)].join('\n');
}
