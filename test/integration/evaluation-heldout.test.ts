/** The held-out sources come from npm; what is not exactly what was listed must not be measured in silence. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadHeldOut } from '../../evaluation/src/heldout.ts';
import { filesOf } from '../../evaluation/src/projects.ts';

const directory = mkdtempSync(join(tmpdir(), 'foretype-heldout-'));
after(() => rmSync(directory, { recursive: true }));
const facts = join(directory, 'heldout.json');
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
};

const TEXT = 'const a = 1;\nconst b = 2;\n';
const file = {
  path: 'src/a.ts',
  split: 'test',
  bytes: TEXT.length,
  sha256: createHash('sha256').update(TEXT).digest('hex'),
  slices: [
    [3, 16],
    [22, 34],
  ],
};
const list = (changes: object = {}, version = '1.0.0') =>
  writeFileSync(
    facts,
    JSON.stringify({ packages: [{ name: '@p/q', version, files: [{ ...file, ...changes }] }] }),
  );
write('far/@p/q/package.json', '{"version":"1.0.0"}');
write('far/@p/q/src/a.ts', '\uFEFF//\r\nconst a = 1;\r\n/* x*/const b = 2;');
write('near/@p/q/package.json', '{"version":"2.0.0"}');

const load = (...places: string[]) =>
  loadHeldOut(
    facts,
    places.map((place) => join(directory, place)),
  );

describe('loadHeldOut', () => {
  it('reads the installed packages as the corpus had them', async () => {
    const packages = await loadHeldOut();
    assert.equal(packages.length, 9);
    for (const held of packages) {
      for (const split of ['train', 'test'] as const) assert.ok(filesOf(held, split).length > 0, held.name);
      for (const { text } of held.files) assert.ok(text.endsWith('\n') && !text.includes('\r'));
    }
  });

  it('takes the slices, whatever the line ends, from the directory with the version', async () => {
    list();
    const [held] = await load('nowhere', 'near', 'far');
    assert.equal(held!.files[0]!.text, TEXT);
  });

  const wrong: [name: string, prepare: () => void, places: string[], message: RegExp][] = [
    [
      'a package that is not there',
      list,
      ['nowhere'],
      /^The held-out package @p\/q is not installed, expected 1\.0\.0; run npm ci\.$/u,
    ],
    ['another version', list, ['near'], /is installed in version 2\.0\.0, expected 1\.0\.0; run npm ci\.$/u],
    [
      'a file that is not there',
      () => list({ path: 'src/b.ts' }),
      ['far'],
      /lacks src\/b\.ts; run npm ci\.$/u,
    ],
    [
      'other text',
      () => list({ slices: [[3, 16]] }),
      ['far'],
      /src\/a\.ts of @p\/q has other text \(SHA-256 /u,
    ],
    [
      'facts of another form',
      () => list({ split: 'maybe' }),
      ['far'],
      /does not have its form; write it anew/u,
    ],
  ];
  for (const [name, prepare, places, message] of wrong) {
    it(`refuses ${name} in one sentence`, async () => {
      prepare();
      await assert.rejects(load(...places), { message });
    });
  }
});
