/** Pure: the generated parts of a document, each between markers with its name. */

/** What a part has to show: Markdown as prettier leaves it, and charts that stand below it. */
export interface Report {
  readonly text: string;
  readonly charts: readonly Chart[];
}

export interface Chart {
  /** File name without its ending. */
  readonly name: string;
  /** What is to be seen, for those who cannot. */
  readonly alt: string;
  readonly svg: string;
}

/** Several reports, one below the other. */
export function together(reports: readonly Report[]): Report {
  return {
    text: reports.map(({ text }) => text).join('\n\n'),
    charts: reports.flatMap(({ charts }) => charts),
  };
}

/** Where charts lie, from the document. */
export const CHARTS = 'charts';

/** `document` with `report` between the markers of the part `name`. @throws Error where it lacks them. */
export function withPart(document: string, name: string, { text, charts }: Report): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- bench:${name}:end -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`The document lacks the markers ${begin} and ${end}.`);
  const images = charts.map((chart) => `![${chart.alt}](${CHARTS}/${chart.name}.svg)`);
  const body = [text, ...images].join('\n\n');
  return `${document.slice(0, from + begin.length)}\n\n${body}\n\n${document.slice(to)}`;
}
