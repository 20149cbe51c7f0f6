import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  chunkAround,
  keysOf,
  likeness,
  linesOf,
  makeChunk,
  type Origin,
} from '../../server/src/context/chunk.ts';
import {
  emptyRing,
  isFar,
  limitsFor,
  picked,
  withChunk,
  withoutDocuments,
  type Ring,
} from '../../server/src/context/ring.ts';

const LIMITS = { chunks: 8, characters: 10_000, lines: 64 };

/** Ten lines that no other number has; some of them changed. */
const lines = (number: number, changed = 0) =>
  Array.from({ length: 10 }, (_, at) => `line ${at} of ${number}${at < changed ? ' changed' : ''}`);
interface How {
  readonly origin?: Origin;
  readonly uri?: string;
  readonly changed?: number;
}
const chunk = (number: number, { origin = 'visited', uri = `file:///${number}.ts`, changed = 0 }: How = {}) =>
  makeChunk({ uri, origin, line: 0 }, lines(number, changed));
const filled = (...numbers: number[]) =>
  numbers.reduce((ring: Ring, number) => withChunk(ring, chunk(number)), emptyRing(LIMITS));
const uris = ({ chunks }: Pick<Ring, 'chunks'>) => chunks.map(({ uri }) => uri.slice(8, -3)).join(' ');

describe('a chunk', () => {
  const document = { uri: 'a', text: Array.from({ length: 200 }, (_, at) => `line ${at}`).join('\r\n') };
  const at = (line: number, size = 64) => chunkAround(document, line, { size, origin: 'visited' });

  it('is a block of whole lines, the same wherever in it the cursor is', () => {
    assert.equal(at(70)?.text, at(127)?.text);
    assert.equal(at(70)?.line, 64);
    assert.equal(linesOf(at(70)!.text).length, 64 + 1);
    assert.equal(at(199)?.text, Array.from({ length: 8 }, (_, line) => `line ${192 + line}\n`).join(''));
  });

  it('is none where there is next to nothing, or nobody wrote it', () => {
    const of = (text: string) => chunkAround({ uri: 'a', text }, 0, { size: 64, origin: 'opened' });
    assert.equal(of('a\nb\n\n});\n'), undefined);
    assert.notEqual(of('a\nb\nc\n'), undefined);
    assert.equal(of(`a\nb\nc\n${'x'.repeat(2000)}`), undefined);
    assert.equal(at(1000), undefined);
  });

  it('is compared by lines with words in them, however indented', () => {
    assert.deepEqual(
      [...keysOf(['  const a = 1;', '', '  }', 'const a = 1;', '// --', 'ä'])],
      ['const a = 1;', 'ä'],
    );
    assert.equal(likeness(keysOf(['a', 'b', 'c']), keysOf(['b', 'c', 'd'])), 0.5);
    assert.equal(likeness(keysOf([]), keysOf(['});'])), 1);
  });
});

describe('the ring', () => {
  it('keeps what is in it where it is, and adds at the end', () => {
    assert.equal(uris(filled(1, 2, 3, 1, 2)), '1 2 3');
  });

  it('lets the older half go at once when it is full', () => {
    assert.equal(uris(filled(1, 2, 3, 4, 5, 6, 7, 8)), '1 2 3 4 5 6 7 8');
    assert.equal(uris(filled(1, 2, 3, 4, 5, 6, 7, 8, 9)), '5 6 7 8 9');
  });

  it('holds no more characters than it may', () => {
    const size = chunk(1).text.length;
    let ring = emptyRing({ ...LIMITS, characters: size * 4 });
    for (const number of [1, 2, 3, 4, 5]) ring = withChunk(ring, chunk(number));
    assert.equal(uris(ring), '3 4 5');
    assert.equal(withChunk(emptyRing({ ...LIMITS, characters: size - 1 }), chunk(1)).chunks.length, 0);
    assert.equal(withChunk(emptyRing(limitsFor(0)), chunk(1)).chunks.length, 0);
  });

  const twins: [name: string, second: ReturnType<typeof chunk>, expected: 'older' | 'newer' | 'both'][] = [
    ['the same again', chunk(1), 'older'],
    ['the same in another document', chunk(1, { uri: 'file:///copy.ts' }), 'older'],
    ['the same, saved', chunk(1, { origin: 'saved' }), 'older'],
    ['the same place after a few changes, by chance', chunk(1, { changed: 1 }), 'newer'],
    ['half of it changed', chunk(1, { changed: 5 }), 'both'],
    ['another document with a few changes', chunk(1, { changed: 2, uri: 'file:///copy.ts' }), 'both'],
  ];
  for (const [name, second, expected] of twins)
    it(`of two alike keeps the ${expected}: ${name}`, () => {
      const first = chunk(1);
      const { chunks } = withChunk(withChunk(emptyRing(LIMITS), first), second);
      assert.deepEqual(chunks, { older: [first], newer: [second], both: [first, second] }[expected]);
    });

  it('takes a saved state for an older one, and for a visited one only if more is new', () => {
    const many = (changed: number) =>
      Array.from({ length: 60 }, (_, at) => `${at}${at < changed ? '!' : ''} line`);
    const place = { uri: 'a', line: 0 };
    const before = makeChunk({ ...place, origin: 'visited' }, many(0));
    const ring = withChunk(withChunk(emptyRing(LIMITS), before), chunk(2));
    for (const [origin, changed, replaced] of [
      ['visited', 1, false],
      ['saved', 1, true],
      ['visited', 10, true],
      ['edited', 10, true],
    ] as const) {
      const now = withChunk(ring, makeChunk({ ...place, origin }, many(changed)));
      assert.equal(now.chunks.includes(before), !replaced, `${origin} ${changed}`);
      assert.equal(now.chunks.length, 2);
    }
  });

  it('lets go what came from documents that are gone', () => {
    const ring = filled(1, 2, 3);
    assert.equal(uris(withoutDocuments(ring, (uri) => uri.endsWith('/2.ts'))), '1 3');
    assert.equal(
      withoutDocuments(ring, () => false),
      ring,
    );
  });

  it('leaves out for a prompt what that shows anyway, however much else it shows', () => {
    const ring = filled(1, 2, 3);
    const around = keysOf([...lines(100), ...lines(2, 4), ...lines(101), ...lines(3, 6)]);
    assert.equal(uris({ chunks: picked(ring, around) }), '1 3');
    assert.equal(uris(ring), '1 2 3');
    assert.equal(picked(ring, keysOf([])).length, 3);
  });

  it('never holds more than it may, and forgets nothing but by halves or for a newer state', () => {
    const added = fc.record({
      number: fc.integer({ min: 0, max: 40 }),
      changed: fc.integer({ min: 0, max: 4 }),
      origin: fc.constantFrom<Origin>('visited', 'opened', 'saved', 'edited'),
    });
    const limits = fc.record({
      chunks: fc.integer({ min: 1, max: 12 }),
      characters: fc.integer({ min: 0, max: 2000 }),
      lines: fc.constant(64),
    });
    fc.assert(
      fc.property(limits, fc.array(added, { maxLength: 60 }), (limit, chunks) => {
        let ring = emptyRing(limit);
        for (const { number, ...how } of chunks) {
          const one = chunk(number, how);
          const next = withChunk(ring, one);
          assert.ok(next.chunks.length <= limit.chunks);
          assert.ok(next.chunks.reduce((sum, { text }) => sum + text.length, 0) <= limit.characters);
          if (next !== ring) {
            assert.equal(next.chunks.at(-1), one);
            // What stays is in the order in which it was.
            const stayed = next.chunks.slice(0, -1);
            assert.deepEqual(
              stayed,
              ring.chunks.filter((old) => stayed.includes(old)),
            );
          }
          ring = next;
        }
      }),
    );
  });

  it('has the same front for at least half as many new chunks as it holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 32 }), fc.integer({ min: 1, max: 200 }), (most, count) => {
        let ring = emptyRing({ chunks: most, characters: 1e9, lines: 64 });
        const text = () => ring.chunks.map((one) => one.text).join('');
        let unchanged = Infinity;
        for (let number = 0; number < count; number++) {
          const before = text();
          ring = withChunk(ring, chunk(number));
          if (text().startsWith(before)) unchanged++;
          else {
            assert.ok(unchanged >= Math.floor(most / 2) - 1, `${unchanged} of ${most}`);
            unchanged = 0;
          }
        }
      }),
    );
  });
});

describe('the limits of a ring', () => {
  it('make chunks smaller before there are too few of them', () => {
    for (const [characters, chunks, lines] of [
      [100_000, 16, 64],
      [10_240, 16, 64],
      [10_239, 16, 32],
      [3000, 16, 16],
      [1280, 16, 8],
      [1279, 0, 8],
      [0, 0, 8],
    ] as const)
      assert.deepEqual(limitsFor(characters), { chunks, characters, lines });
  });
});

describe('a cursor', () => {
  it('is far from where it was in another document, or after many lines', () => {
    const from = { uri: 'a', line: 100 };
    assert.ok(!isFar(from, { uri: 'a', line: 132 }));
    assert.ok(isFar(from, { uri: 'a', line: 133 }));
    assert.ok(isFar(from, { uri: 'a', line: 0 }));
    assert.ok(isFar(from, { uri: 'b', line: 100 }));
  });
});
