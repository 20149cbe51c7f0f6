/**
 * What a client may tell of how completions are used: counts by day and language, and nothing else. No text, name, path,
 * address or identifier has a place in it. Each description is what users and administrators are shown of a field.
 */
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

/** Editors' identifiers of languages that are counted by name: others could tell what somebody works on. */
export const USAGE_LANGUAGES = [
  ...[
    'bat',
    'c',
    'clojure',
    'cpp',
    'csharp',
    'css',
    'dart',
    'dockerfile',
    'elixir',
    'erlang',
    'fsharp',
    'go',
  ],
  ...[
    'groovy',
    'haskell',
    'html',
    'java',
    'javascript',
    'javascriptreact',
    'json',
    'jsonc',
    'julia',
    'kotlin',
  ],
  ...['latex', 'less', 'lua', 'makefile', 'markdown', 'objective-c', 'objective-cpp', 'ocaml', 'perl', 'php'],
  ...[
    'plaintext',
    'powershell',
    'python',
    'r',
    'ruby',
    'rust',
    'scala',
    'scss',
    'shellscript',
    'sql',
    'svelte',
  ],
  ...['swift', 'toml', 'typescript', 'typescriptreact', 'vue', 'xml', 'yaml', 'zig', 'other'],
] as const;

/** How texts come: known before, drafted on the machine, verified by the edge node. */
export const USAGE_PATHS = ['cache', 'draft', 'verified'] as const;
/** Seconds after which an accepted text is looked for. */
export const USAGE_AGES = [30, 120, 300, 600] as const;
/** Relative error of the latencies that sketches hold: a value in bucket `i` is between γ^(i-1) and γ^i, γ = (1 + e) / (1 - e). */
export const SKETCH_ERROR = 0.02;
/** Least and greatest value, in milliseconds, that a sketch tells from those beyond. */
export const SKETCH_RANGE = { least: 0.01, greatest: 600_000 } as const;

const closed = { additionalProperties: false } as const;
const count = (description: string) => Type.Integer({ minimum: 0, description });
const sketch = (description: string) =>
  Type.Record(Type.String({ pattern: '^-?[0-9]{1,3}$' }), Type.Integer({ minimum: 1 }), {
    ...closed,
    maxProperties: 512,
    description: `${description}: requests by bucket of milliseconds, with a relative error of ${SKETCH_ERROR * 100} %.`,
  });
const checked = (seconds: number) =>
  Type.Object(
    {
      checked: count(`Accepted texts that were looked for ${seconds} s later.`),
      kept: count(`Those of which at least 67 % still stood ${seconds} s later.`),
    },
    closed,
  );

const UsageRowSchema = Type.Object(
  {
    language: Type.Enum([...USAGE_LANGUAGES], {
      description: 'Language of the documents; `other` for all that are not well known.',
    }),
    adapter: Type.Boolean({
      description: 'Whether the edge node had an adapter for the project; never which one.',
    }),
    requests: count('Requests for a completion.'),
    unanswered: Type.Object(
      {
        off: count('Requests where completions are turned off, for the language or at all.'),
        excluded: count('Requests in documents that are never completed, such as those with secrets.'),
        nothing: count('Requests for which there was no text, or none that was worth showing.'),
        late: count('Requests that were withdrawn, or whose document had changed, before the answer.'),
        failed: count('Requests that ended with an error.'),
      },
      closed,
    ),
    offered: Type.Object(
      {
        cache: count('Texts given to the editor that were known before.'),
        draft: count('Texts given to the editor that were drafted on the machine.'),
        verified: count('Texts given to the editor that the edge node had verified.'),
      },
      closed,
    ),
    swapped: count('Drafts whose place was taken by the verified text while they could be seen.'),
    shown: count('Texts that could be seen for 750 ms, or were accepted or dismissed before.'),
    outcomes: Type.Object(
      {
        accepted: count('Texts shown that were accepted whole.'),
        acceptedInPart: count('Texts shown of which a word or a line was accepted, but not the whole.'),
        typed: count('Texts shown that were typed to their end, key by key.'),
        rejected: count('Texts shown that were dismissed, or that something else was typed in place of.'),
        ignored: count('Texts shown that were left for another place.'),
      },
      closed,
    ),
    parts: Type.Object(
      {
        word: count('Times that a word of a text was accepted.'),
        line: count('Times that a line of a text was accepted.'),
      },
      closed,
    ),
    characters: Type.Object(
      {
        shown: count('UTF-16 code units of the texts shown.'),
        accepted: count('UTF-16 code units of texts that were accepted, whole or in part.'),
        typed: count('UTF-16 code units of texts shown that were typed key by key.'),
      },
      closed,
    ),
    persistence: Type.Object(
      { '30': checked(30), '120': checked(120), '300': checked(300), '600': checked(600) },
      closed,
    ),
    latency: Type.Object(
      {
        cache: sketch('Time from the request to the answer where the text was known before'),
        draft: sketch('Time from the request to the answer where the text was drafted on the machine'),
        verified: sketch('Time from the request to the answer where the edge node had verified the text'),
      },
      closed,
    ),
  },
  closed,
);

const DaySchema = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
  description: 'Day by the calendar of the machine, as YYYY-MM-DD.',
});

/** Each day once, and in it each pair of language and adapter once. Counts are exact: hiding few people is the node's task. */
export const UsageReportSchema = Type.Object(
  {
    version: Type.Literal(1),
    days: Type.Array(
      Type.Object(
        {
          day: DaySchema,
          rows: Type.Array(UsageRowSchema, { maxItems: 2 * USAGE_LANGUAGES.length }),
        },
        closed,
      ),
      { maxItems: 100 },
    ),
  },
  { ...closed, title: 'UsageReport' },
);

export type UsageReport = Static<typeof UsageReportSchema>;
export type UsageDay = UsageReport['days'][number];
export type UsageRow = Static<typeof UsageRowSchema>;
export type UsageLanguage = UsageRow['language'];
export type UsagePath = (typeof USAGE_PATHS)[number];

/** Whether something that came from elsewhere is a report of this version. */
export function isUsageReport(value: unknown): value is UsageReport {
  return Value.Check(UsageReportSchema, value);
}
