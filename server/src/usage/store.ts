import { isUsageReport, type UsageReport } from '@foretype/edge-node/protocol';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface StoreOptions {
  /** Where the counts lie; made when the first are written. */
  readonly directory: string;
  /** What no other process writing there is called, in letters and digits. */
  readonly id: string;
  /** The day where the user is, as YYYY-MM-DD. */
  readonly day: () => string;
  /** One sentence for the log. */
  readonly log: (message: string) => void;
}

/** Days after which counts are deleted, and how many files of them are kept at most. */
export const KEPT = { days: 90, files: 1000 } as const;
const FILE = /^usage-(\d{4}-\d{2}-\d{2})-[0-9a-z]+\.json(\.part)?$/u;

/**
 * Counts in files of one process and day each, so that no two processes write the same file: what there is is their sum.
 * A file is replaced as a whole. Failures are told in the log, once each, and cost counts, nothing else.
 */
export class UsageStore {
  readonly #options: StoreOptions;
  /** What was written of each day, as it stands in its file. */
  readonly #written = new Map<string, string>();
  readonly #said = new Set<string>();
  #pruned = false;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /**
   * Writes what this process counted. A file of its own that is gone was deleted by somebody who wants it forgotten.
   * @returns whether the counts are to go on; they are not written, and have to be dropped, where they are not.
   */
  async save(report: UsageReport): Promise<boolean> {
    for (const day of this.#written.keys()) if (!(await exists(this.#path(day)))) return this.#letGo();
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      for (const { day, rows } of report.days) {
        const text = JSON.stringify({ version: 1, days: [{ day, rows }] } satisfies UsageReport);
        if (this.#written.get(day) === text) continue;
        const part = `${this.#path(day)}.part`;
        await writeFile(part, text, { mode: 0o600 });
        await rename(part, this.#path(day));
        this.#written.set(day, text);
      }
      if (!this.#pruned) await this.#prune();
    } catch (error) {
      this.#fail(`The measures of use cannot be written to ${this.directory}`, error);
    }
    return true;
  }

  /** What other processes counted, and this one before it was started the last time; one report for each file. */
  async load(): Promise<UsageReport[]> {
    const own = new Set([...this.#written.keys()].map((day) => this.#path(day)));
    const reports: UsageReport[] = [];
    for (const name of await this.#names()) {
      const path = join(this.directory, name);
      if (own.has(path) || path.endsWith('.part')) continue;
      const report = await this.#read(path);
      if (report) reports.push(report);
    }
    return reports;
  }

  /** Deletes what there is, of all processes; those that still run drop what they have counted when they notice. */
  async forget(): Promise<void> {
    for (const name of await this.#names()) await this.#delete(name);
    this.#letGo();
  }

  #letGo(): false {
    this.#written.clear();
    return false;
  }

  #path(day: string): string {
    return join(this.directory, `usage-${day}-${this.#options.id}.json`);
  }

  async #read(path: string): Promise<UsageReport | undefined> {
    try {
      const report = JSON.parse(await readFile(path, 'utf8')) as unknown;
      if (isUsageReport(report)) return report;
    } catch (error) {
      // Deleted meanwhile, by another process to which it was too old.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    }
    this.#say(`${path} does not hold measures of use that can be read, and is left out.`);
    return undefined;
  }

  /** Files of ours, the oldest day first. */
  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.directory)).filter((name) => FILE.test(name)).toSorted();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#fail(`The measures of use in ${this.directory} cannot be read`, error);
      return [];
    }
  }

  async #prune(): Promise<void> {
    this.#pruned = true;
    const names = await this.#names();
    const oldest = dayBefore(this.#options.day(), KEPT.days);
    const many = names.slice(0, Math.max(0, names.length - KEPT.files));
    const old = names.filter((name) => FILE.exec(name)![1]! < oldest);
    for (const name of new Set([...old, ...many])) await this.#delete(name);
  }

  async #delete(name: string): Promise<void> {
    await rm(join(this.directory, name), { force: true }).catch((error: unknown) =>
      this.#fail(`${join(this.directory, name)} cannot be deleted`, error),
    );
  }

  #fail(what: string, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#say(`${what} (${code ?? message}).`);
  }

  #say(message: string): void {
    if (!this.#said.has(message)) this.#options.log(message);
    this.#said.add(message);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
  );
}

/** The day that was so many days before another, both as YYYY-MM-DD. */
function dayBefore(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - days);
  return date.toISOString().slice(0, 10);
}
