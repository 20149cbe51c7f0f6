/** Pure: the counts of a day, by language and by whether there was an adapter, and how they are added up. */
import {
  USAGE_LANGUAGES,
  type UsageDay,
  type UsageLanguage,
  type UsageReport,
  type UsageRow,
} from '@foretype/edge-node/protocol';

/** What a count belongs to. */
export interface Kind {
  readonly language: UsageLanguage;
  readonly adapter: boolean;
}

const KNOWN: ReadonlySet<string> = new Set(USAGE_LANGUAGES);

/** The name under which a language is counted. */
export function languageOf(id: string): UsageLanguage {
  return KNOWN.has(id) ? (id as UsageLanguage) : 'other';
}

export function emptyRow({ language, adapter }: Kind): UsageRow {
  const looked = () => ({ checked: 0, kept: 0 });
  return {
    language,
    adapter,
    requests: 0,
    unanswered: { off: 0, excluded: 0, nothing: 0, late: 0, failed: 0 },
    offered: { cache: 0, draft: 0, verified: 0 },
    swapped: 0,
    shown: 0,
    outcomes: { accepted: 0, acceptedInPart: 0, typed: 0, rejected: 0, ignored: 0 },
    parts: { word: 0, line: 0 },
    characters: { shown: 0, accepted: 0, typed: 0 },
    persistence: { '30': looked(), '120': looked(), '300': looked(), '600': looked() },
    latency: { cache: {}, draft: {}, verified: {} },
  };
}

/** Reports as one: days in order, each once, and the counts of what belongs together added up. */
export function merged(reports: readonly UsageReport[]): UsageReport {
  const days = new Map<string, Map<string, UsageRow>>();
  for (const { day, rows } of reports.flatMap((report) => report.days)) {
    const merging = days.get(day) ?? new Map<string, UsageRow>();
    days.set(day, merging);
    for (const row of rows) {
      const key = keyOf(row);
      const before = merging.get(key);
      merging.set(key, before ? (added(before, row) as UsageRow) : row);
    }
  }
  return { version: 1, days: [...days].toSorted(byName).map(([day, rows]) => dayOf(day, rows)) };
}

export function keyOf({ language, adapter }: Kind): string {
  return `${language} ${adapter}`;
}

function dayOf(day: string, rows: ReadonlyMap<string, UsageRow>): UsageDay {
  return { day, rows: [...rows].toSorted(byName).map(([, row]) => row) };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

type Counts = Readonly<Record<string, unknown>>;

/** The numbers in both, and in what is in them, added up; what is no number is the same in both. */
function added(a: Counts, b: Counts): Counts {
  const sum: Record<string, unknown> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const other = a[name];
    if (typeof value === 'number') sum[name] = value + ((other as number | undefined) ?? 0);
    else if (typeof value === 'object') sum[name] = added((other ?? {}) as Counts, value as Counts);
  }
  return sum;
}
