/** `telemetry.json`: what `code --telemetry` shows of this extension, from the schema of what would be sent. */
import { UsageReportSchema } from '@foretype/edge-node/protocol';

/** As much of a schema as is told of. */
interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly type?: string;
}

interface Field {
  readonly classification: 'SystemMetaData';
  readonly purpose: 'FeatureInsight';
  readonly comment: string;
  readonly isMeasurement?: true;
}

/** What there is to tell, in the form that VS Code's own `telemetry.json` has. */
export function telemetry(): object {
  const owner = 'foretype';
  const comment =
    'How completions were used, by day and language. Off unless `foretype.usage.share` is on, and then for the edge node ' +
    'that the user named only. This version sends it nowhere; “Foretype: Show What Would Be Sent” shows it.';
  // To its library a schema is more than the JSON that it is.
  const schema = JSON.parse(JSON.stringify(UsageReportSchema)) as Described;
  return {
    events: { 'foretype/usage': { owner, comment, ...Object.fromEntries(fieldsOf(schema, '')) } },
    commonProperties: {},
  };
}

/** Each field with a description by its path in the report, such as `days.rows.outcomes.accepted`. */
function fieldsOf({ description, properties, items, type }: Described, path: string): [string, Field][] {
  if (items) return fieldsOf(items, path);
  if (description !== undefined) {
    const counted = type === 'integer' || type === 'object';
    const field = {
      classification: 'SystemMetaData',
      purpose: 'FeatureInsight',
      comment: description,
    } as const;
    return [[path, counted ? { ...field, isMeasurement: true } : field]];
  }
  return Object.entries(properties ?? {}).flatMap(([name, schema]) =>
    fieldsOf(schema, path === '' ? name : `${path}.${name}`),
  );
}
