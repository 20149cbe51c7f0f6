import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitOf, type DraftFacts, type MachineFacts, type Verdict } from '../../server/src/families/fit.ts';

const GIB = 1024 ** 3;
const LAPTOP: MachineFacts = { memory: 16 * GIB, free: 8 * GIB, cores: 8, disk: 100 * GIB };
const SMALL: DraftFacts = { bytes: 10e6, context: 512, needs: 0.22 * GIB, toCome: 0 };
const HALF: DraftFacts = { bytes: 531e6, context: 4096, needs: 0.8 * GIB, toCome: 531e6 };

const TABLE: [
  what: string,
  machine: Partial<MachineFacts>,
  draft: DraftFacts,
  verdict: Verdict,
  sentence: RegExp,
][] = [
  [
    'a small one anywhere',
    { cores: 1, memory: GIB, free: GIB / 2 },
    SMALL,
    'good',
    /^About 225 MiB of memory, a line in less than 0\.1 s, the first of a file in up to 0\.1 s\.$/,
  ],
  [
    'a large one on a laptop',
    {},
    HALF,
    'good',
    /a line in about 0\.3 s, the first of a file in up to 9\.\d s\.$/,
  ],
  [
    'one whose memory is not known',
    {},
    { ...HALF, needs: null },
    'good',
    /^A line in about 0\.3 s, the first of a file in up to 9\.\d s\.$/,
  ],
  [
    'a large one with few cores',
    { cores: 2 },
    HALF,
    'slow',
    /^With 2 cores a line takes about 0\.8 s, the first of a file up to 37 s\.$/,
  ],
  [
    'one that has no room in the memory that is free',
    { free: GIB / 2 },
    HALF,
    'tight',
    /^It needs about 819 MiB of memory, and 512 MiB are free now\.$/,
  ],
  ['one where nobody knows what is free', { free: null }, HALF, 'good', /^About 819 MiB/],
  [
    'one that would take most of the memory',
    { memory: 1.5 * GIB },
    HALF,
    'no',
    /^It needs about 819 MiB of memory, too much of the 1\.5 GiB here\.$/,
  ],
  [
    'one that the disk has no room for',
    { disk: 540e6 },
    HALF,
    'no',
    /^531 MB are to come, and 540 MB are free on the disk\.$/,
  ],
  ['one that is here, on a full disk', { disk: 0 }, { ...HALF, toCome: 0 }, 'good', /^About/],
  [
    'the rest of one, on a disk with room for that',
    { disk: 140e6 },
    { ...HALF, toCome: 60e6 },
    'good',
    /^About/,
  ],
];

describe('how a family fits a machine', () => {
  for (const [what, machine, draft, verdict, sentence] of TABLE) {
    it(`${what}: ${verdict}`, () => {
      const fit = fitOf({ ...LAPTOP, ...machine }, draft);
      assert.equal(fit.verdict, verdict, fit.sentence);
      assert.match(fit.sentence, sentence);
    });
  }

  it('is never better with less of anything', () => {
    const rank = (verdict: Verdict) => ['good', 'tight', 'slow', 'no'].indexOf(verdict);
    for (const draft of [SMALL, HALF, { ...HALF, bytes: 3e9, needs: 4 * GIB, toCome: 3e9 }])
      for (const cores of [2, 4, 8, 16])
        for (const free of [GIB / 4, GIB, 8 * GIB])
          for (const disk of [0, GIB, 100 * GIB]) {
            const more = { memory: 16 * GIB, cores, free, disk };
            const worst = rank(fitOf(more, draft).verdict);
            for (const less of [{ cores: cores / 2 }, { disk: disk / 2 }, { memory: GIB / 2 }])
              assert.ok(rank(fitOf({ ...more, ...less }, draft).verdict) >= worst, JSON.stringify(less));
          }
  });
});
