import { readdirSync, readFileSync } from 'node:fs';

/** A request as a client that is not ours sends it, kept as a JSON file in `bodies/`. */
export interface ClientBody {
  readonly client: string;
  readonly version: string;
  /** Repository and file that the body is taken from. */
  readonly source: string;
  readonly route: '/infill' | '/v1/completions';
  readonly body: Readonly<Record<string, unknown>>;
  /** What stands around the place that it asks about; no suffix where it wants a prompt continued. */
  readonly place: { readonly prefix: string; readonly suffix?: string; readonly extra: readonly string[] };
  /** Paths of the fields of the whole answer, or of each event where it streams, that the client reads. */
  readonly reads: readonly string[];
}

const DIRECTORY = new URL('./bodies/', import.meta.url);

export const CLIENT_BODIES: readonly (ClientBody & { readonly file: string })[] = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.json'))
  .toSorted()
  .map((file) => ({
    ...(JSON.parse(readFileSync(new URL(file, DIRECTORY), 'utf8')) as ClientBody),
    file,
  }));
