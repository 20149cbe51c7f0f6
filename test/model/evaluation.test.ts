/** The evaluation from end to end, on a sample that is small enough for every run of the tests. */
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ProcessBench } from '../../evaluation/src/bench.ts';
import { measureBits } from '../../evaluation/src/bits.ts';
import { learnNgram, measureNgram } from '../../evaluation/src/counting.ts';
import { measureDraft } from '../../evaluation/src/drafting.ts';
import { measureHoles } from '../../evaluation/src/fill.ts';
import { loadHeldOut } from '../../evaluation/src/heldout.ts';
import { measureFiles } from '../../evaluation/src/speed.ts';
import { reportOf, type Results } from '../../evaluation/src/report.ts';

const MAIN = join(import.meta.dirname, '../../evaluation/src/main.ts');

const family = await loadFamily(EMBEDDED_FAMILY);
// Projects of which the family has adapters, one or both.
const packages = (await loadHeldOut()).filter(({ name }) => /lumino|uppy/u.test(name));
const projects = [
  ['lumino', '@lumino/widgets'],
  ['uppy', '@uppy/core'],
].filter(([name]) => family.adapters.some((adapter) => adapter.name === name));
const bench = (pairs: number, percent: number) =>
  new ProcessBench(family, { percent, pairs, onProgress: () => undefined });

async function measureAll(pairs: number): Promise<Results> {
  const [small, one] = [bench(pairs, 1.2), bench(pairs, 0.5)];
  try {
    const counted = await learnNgram(small, packages);
    return {
      family: family.id,
      percent: 1,
      bits: await measureBits(one, packages),
      ngram: await measureNgram(one, packages, counted),
      holes: await measureHoles(one, packages),
      draft: await measureDraft(small, packages, counted.model),
    };
  } finally {
    await Promise.all([small.dispose(), one.dispose()]);
  }
}

describe('the evaluation', () => {
  const first = measureAll(2);
  first.catch(() => undefined);

  it('gives the same counts again, however many engines share the work', async () => {
    assert.deepEqual(await measureAll(1), await first);
  });

  it('bits: tokens and bytes are the text’s, and a model knows more than chance', async () => {
    const { packages: found, adapters } = (await first).bits!;
    assert.deepEqual(
      Object.keys(found),
      packages.map(({ name }) => name),
    );
    for (const { bytes, tokens, backbone, draft } of Object.values(found)) {
      assert.ok(tokens > 0 && tokens < bytes);
      for (const nats of [backbone, draft]) assert.ok(nats > 0 && nats < tokens * Math.log(4096));
    }
    assert.deepEqual(
      adapters.map(({ adapter, package: name }) => [adapter, name]),
      projects,
    );
    for (const adapter of adapters) assert.ok(adapter.with < adapter.without);
  });

  it('holes: every prompt was tried on every hole', async () => {
    const { lines, blocks } = (await first).holes!;
    const holes = Map.groupBy(Object.entries(lines), ([key]) => key.split(' ').slice(0, 2).join(' '));
    assert.equal(holes.size, 7);
    const sums = [...holes.values()].map((all) =>
      all.reduce((sum, [, counts]) => [sum[0]! + counts.holes, sum[1]! + counts.characters], [0, 0]),
    );
    assert.equal(sums[0]![0], 3);
    for (const sum of sums) assert.deepEqual(sum, sums[0]);
    for (const { exact, holes: of, leading, characters } of [
      ...Object.values(lines),
      ...Object.values(blocks),
    ]) {
      assert.ok(exact <= of && leading <= characters);
      if (exact === of) assert.equal(leading, characters);
    }
  });

  it('drafts: what was judged, accepted and committed adds up', async () => {
    const results = (await first).draft!;
    assert.deepEqual(
      results.map(({ adapter, project }) => [adapter, project]),
      [
        ['', ''],
        ...projects.flatMap(([name]) => [
          ['', name],
          [name, name],
        ]),
      ],
    );
    for (const { counts, choices } of results) {
      for (const [
        key,
        { rounds, drafted, accepted, committed, draftedAt, judgedAt, acceptedAt },
      ] of Object.entries(counts)) {
        const length = Number(key.split(' ')[1]);
        const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
        assert.deepEqual([sum(draftedAt), sum(acceptedAt)], [drafted, accepted]);
        assert.ok(drafted <= rounds * length && accepted <= drafted);
        // Each round commits its accepted tokens and at most one more.
        assert.ok(committed <= accepted + rounds && committed >= accepted);
        judgedAt.forEach((judged, place) =>
          assert.ok(acceptedAt[place]! <= judged && judged <= draftedAt[place]!),
        );
      }
      assert.ok(choices.tokens > 0 && choices.same <= choices.tokens);
      // A longer draft changes where rounds end, never what the target writes.
      assert.equal(counts['neural 4']!.prompts, counts['neural 8']!.prompts);
    }
  });

  it('files are what the manifest says', async () => {
    const found = await measureFiles(family);
    assert.deepEqual(
      found.map(({ bytes }) => bytes),
      [family.backbone, family.draft, ...family.adapters].map(({ bytes }) => bytes),
    );
  });

  it('a report can be made of it', async () => {
    const report = reportOf(await first);
    for (const heading of ['Bits per byte', 'Perplexity', 'Lines', 'Blocks', 'Drafts', 'Retention'])
      assert.ok(report.includes(`**${heading}`), heading);
    assert.doesNotMatch(report, /NaN|undefined|Infinity/u);
  });
});

describe('the command', () => {
  const run = (...flags: string[]) => spawnSync(process.execPath, [MAIN, ...flags], { encoding: 'utf8' });

  it('gives JSON of the parts that were asked for', () => {
    const { stdout, stderr, status } = run('--only', 'files', '--json', '--family', EMBEDDED_FAMILY);
    assert.equal(status, 0, stderr);
    assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['family', 'percent', 'files']);
  });

  const wrong: [flags: string[], message: RegExp][] = [
    [['--only', 'nothing'], /^There is no part "nothing"; the parts are bits, /u],
    [['--sample', '0'], /^--sample is a number of per cent/u],
    [['--write', '--only', 'files'], /^--write goes with all parts/u],
    [['--family', '/nowhere'], /family\.json cannot be read/u],
  ];
  for (const [flags, message] of wrong) {
    it(`says in one sentence what is wrong with ${flags.join(' ')}`, () => {
      const { stdout, stderr, status } = run(...flags);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }
});
