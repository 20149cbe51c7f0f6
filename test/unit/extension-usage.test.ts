import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { UsageReportSchema, type UsageReport } from '@foretype/edge-node/protocol';
import { configuration } from '../../extension/manifest.ts';
import { english } from '../../extension/src/l10n.ts';
import { usagePage, type Consent } from '../../extension/src/usage-page.ts';
import { telemetry } from '../../extension/telemetry.ts';
import { emptyRow } from '../../server/src/usage/rows.ts';

const report: UsageReport = {
  version: 1,
  days: [{ day: '2026-11-22', rows: [{ ...emptyRow({ language: 'rust', adapter: true }), requests: 3 }] }],
};
const AGREED = { measureUsage: true, shareUsage: true, telemetry: true, edgeUrl: 'https://edge.example' };
const page = (consent: Partial<Consent> = {}, directory = '/state/usage') =>
  usagePage({ report, directory, wouldSend: false }, { ...AGREED, ...consent }, english);

describe('the page of measures of use', () => {
  it('has exactly what would be sent', () => {
    const [, json] = /```json\n([^]*)```\n$/.exec(page())!;
    assert.deepEqual(JSON.parse(json!), report);
  });

  for (const [name, consent, sentence] of [
    ['nobody has agreed', { shareUsage: false }, /you have not agreed/],
    ['nobody has agreed, whatever else', { shareUsage: false, telemetry: false, edgeUrl: '' }, /not agreed/],
    ['telemetry is off in the editor', { telemetry: false }, /telemetry is turned off in this editor/],
    ['there is no edge node', { edgeUrl: '' }, /no edge node is set/],
  ] as const)
    it(`says that nothing goes anywhere since ${name}`, () => {
      assert.match(page(consent), sentence);
      assert.match(page(consent), /Nor would a later version/);
      assert.doesNotMatch(page(consent), /edge\.example/);
    });

  it('says who would get it, and that nobody does yet', () => {
    assert.match(page(), /would send them to `https:\/\/edge\.example`, and to nobody else/);
    assert.match(page(), /This version of Foretype sends them nowhere\./);
  });

  it('says where it lies, for how long, how to delete it, and whether it goes on', () => {
    assert.match(page(), /lie in `\/state\/usage` and are deleted after 90 days/);
    assert.match(page({}, ''), /in memory and are gone/);
    assert.match(page(), /Foretype: Forget Measures of Use/);
    assert.doesNotMatch(page(), /Nothing is counted/);
    assert.match(page({ measureUsage: false }), /Nothing is counted at the moment/);
  });
});

describe('telemetry.json', () => {
  const file = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../extension/telemetry.json'), 'utf8'),
  ) as {
    events: Record<string, Record<string, { comment: string; isMeasurement?: true }>>;
  };
  const fields = file.events['foretype/usage']!;

  it('is up to date; if not, run node extension/manifest.ts', () => assert.deepEqual(file, telemetry()));

  it('tells of each field of the report, and of no other', () => {
    const row = Object.keys(UsageReportSchema.properties.days.items.properties.rows.items.properties);
    const told = Object.keys(fields).flatMap((path) => /^days\.rows\.(\w+)/.exec(path)?.[1] ?? []);
    assert.deepEqual([...new Set(told)].toSorted(), row.toSorted());
    assert.ok('days.rows.outcomes.accepted' in fields && 'days.rows.persistence.600.kept' in fields);
    for (const [path, { comment }] of Object.entries(fields))
      if (path.startsWith('days')) assert.match(comment, /\.$/, path);
    assert.equal(
      Object.values(fields).filter((field) => field.isMeasurement).length,
      Object.keys(fields).length - 5,
    );
  });
});

describe('the setting that shares', () => {
  it('is off, the user’s alone, and listed with telemetry', () => {
    const { properties } = configuration() as { properties: Record<string, Record<string, unknown>> };
    const { default: standard, scope, tags } = properties['foretype.usage.share']!;
    assert.deepEqual([standard, scope, tags], [false, 'application', ['telemetry', 'usesOnlineServices']]);
  });
});
