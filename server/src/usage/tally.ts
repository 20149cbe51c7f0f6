import type { UsageReport, UsageRow } from '@foretype/edge-node/protocol';
import { emptyRow, keyOf, type Kind } from './rows.ts';

/** Days whose counts are held at most. */
const MOST_DAYS = 90;

/** The counts of this process, by day. */
export class Tally {
  readonly #day: () => string;
  readonly #days = new Map<string, Map<string, UsageRow>>();
  #changed = false;

  /** @param day the day where the user is, as YYYY-MM-DD. */
  constructor(day: () => string) {
    this.#day = day;
  }

  /** The row of today that a count goes into. */
  row(kind: Kind): UsageRow {
    this.#changed = true;
    const day = this.#day();
    const rows = this.#days.get(day) ?? new Map<string, UsageRow>();
    this.#days.set(day, rows);
    for (const oldest of this.#days.keys()) if (this.#days.size > MOST_DAYS) this.#days.delete(oldest);
    const row = rows.get(keyOf(kind)) ?? emptyRow(kind);
    rows.set(keyOf(kind), row);
    return row;
  }

  /** A copy of the counts, which does not go on. */
  report(): UsageReport {
    const days = [...this.#days].map(([day, rows]) => ({ day, rows: [...rows.values()] }));
    return { version: 1, days: structuredClone(days) };
  }

  /** Whether anything was counted since this was asked the last time. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  clear(): void {
    this.#days.clear();
    this.#changed = false;
  }
}
