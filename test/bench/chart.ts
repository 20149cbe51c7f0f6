/** Pure: small charts as SVG, on a ground of their own so that they can be read on any page. */

const WIDTH = 760;
const INK = '#24292f';
const FAINT = '#d0d7de';
/** Told apart with any eyes (Okabe and Ito's palette), the first for what matters most. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f', '#000000'];

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** A thinner bar goes on up to here. */
  readonly upTo: number;
}

/** Bars from left to right on a linear scale from 0. */
export function barChart({ title, bars }: { readonly title: string; readonly bars: readonly Bar[] }): string {
  const [left, right, top, step] = [190, 70, 44, 26];
  const ticks = linearTicks(Math.max(...bars.map(({ upTo, value }) => Math.max(upTo, value))));
  const height = top + step * bars.length + 30;
  const x = (value: number) => left + ((WIDTH - left - right) * value) / ticks.at(-1)!;
  return drawing(height, title, [
    ...ticks.flatMap((tick) => [
      line(x(tick), top - 6, x(tick), height - 26, FAINT),
      label(x(tick), height - 10, String(tick), 'middle'),
    ]),
    ...bars.flatMap(({ name, value, upTo }, index) => {
      const y = top + step * index;
      const colour = COLOURS[index % COLOURS.length]!;
      return [
        label(left - 8, y + 12, name, 'end'),
        rectangle(left, y, x(value) - left, 16, colour),
        rectangle(x(value), y + 6, Math.max(0, x(upTo) - x(value)), 4, colour),
        label(x(Math.max(upTo, value)) + 6, y + 12, `${round(value)} · ${round(upTo)}`, 'start'),
      ];
    }),
  ]);
}

export interface Series {
  readonly name: string;
  /** One for each place on the x-axis. */
  readonly values: readonly number[];
}

export interface LineChart {
  readonly title: string;
  readonly xTitle: string;
  readonly x: readonly string[];
  readonly series: readonly Series[];
}

/** Lines over equal steps, on a logarithmic scale; names stand at the right in the order of the last values. */
export function lineChart({ title, xTitle, x: names, series }: LineChart): string {
  const [left, right, top, bottom, height] = [60, 190, 44, 46, 360];
  const all = series.flatMap(({ values }) => values);
  const ticks = logarithmicTicks(Math.min(...all), Math.max(...all));
  const [low, high] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  const x = (index: number) => left + ((WIDTH - left - right) * index) / Math.max(1, names.length - 1);
  const y = (value: number) =>
    height - bottom - ((height - top - bottom) * (Math.log(value) - low)) / (high - low);
  const sorted = series
    .map((one, index) => ({ ...one, colour: COLOURS[index % COLOURS.length]! }))
    .toSorted((a, b) => b.values.at(-1)! - a.values.at(-1)!);
  const gap = Math.min(20, (height - top - bottom) / sorted.length);
  return drawing(height, title, [
    ...ticks.flatMap((tick) => [
      line(left, y(tick), WIDTH - right, y(tick), FAINT),
      label(left - 8, y(tick) + 4, String(tick), 'end'),
    ]),
    ...names.map((name, index) => label(x(index), height - bottom + 18, name, 'middle')),
    label((left + WIDTH - right) / 2, height - 8, xTitle, 'middle'),
    ...sorted.flatMap(({ name, values, colour }, rank) => {
      const points = values.map((value, index) => `${round(x(index))},${round(y(value))}`).join(' ');
      const at = top + 8 + gap * rank;
      return [
        `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...values.map(
          (value, index) =>
            `<circle cx="${round(x(index))}" cy="${round(y(value))}" r="3" fill="${colour}"/>`,
        ),
        line(WIDTH - right + 12, at - 4, WIDTH - right + 30, at - 4, colour, 3),
        label(WIDTH - right + 36, at, name, 'start'),
      ];
    }),
  ]);
}

/** From 0 in steps of 1, 2 or 5 times a power of ten, four to eight of them, beyond `most`. */
export function linearTicks(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1) / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => most / size <= 8)!;
  return Array.from({ length: Math.max(1, Math.ceil(most / step)) + 1 }, (_, index) => index * step);
}

/** 1, 2 and 5 times powers of ten from below `least` to above `most`. */
export function logarithmicTicks(least: number, most: number): number[] {
  const all = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
  const from = Math.max(
    0,
    all.findLastIndex((tick) => tick <= least),
  );
  const to = all.findIndex((tick) => tick >= most);
  return all.slice(from, Math.max(to, from + 1) + 1);
}

function drawing(height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    rectangle(0, 0, WIDTH, height, '#ffffff'),
    `<text x="16" y="24" fill="${INK}" font-weight="600">${escaped(title)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${INK}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width = 1): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}" stroke-width="${width}"/>`;
}

function rectangle(x: number, y: number, width: number, height: number, colour: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${colour}"/>`;
}

const round = (value: number) => String(Math.round(value * 10) / 10);

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
