import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  applyDelta,
  contextDelta,
  decodeClientFrame,
  decodeNodeFrame,
  encodeClientFrame,
  encodeNodeFrame,
  identityOf,
  incompatibility,
  MAX_FRAME_BYTES,
  WIRE_VERSION,
  type Identity,
} from '../../edge-node/src/protocol/index.ts';
import { closeReason } from '../../edge-node/src/wire.ts';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const tokens = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 });

describe('a context as a change to another', () => {
  it('comes back whole from the same base', () => {
    fc.assert(
      fc.property(tokens, tokens, (base, context) => {
        assert.deepEqual(applyDelta(base, contextDelta(base, context)), context);
      }),
    );
  });

  it('never yields another context from another base', () => {
    fc.assert(
      fc.property(tokens, tokens, tokens, (base, other, context) => {
        const made = applyDelta(other, contextDelta(base, context));
        assert.ok(made === undefined || String(made) === String(context));
      }),
    );
  });

  it('sends only what was typed', () => {
    const base = Array.from({ length: 1000 }, (_, index) => index);
    const delta = contextDelta(base, [...base, 7]);
    assert.deepEqual({ keep: delta.keep, tokens: delta.tokens }, { keep: 1000, tokens: [7] });
  });

  it('takes ids up to the largest that travels', () => {
    fc.assert(
      fc.property(fc.array(uint32), (context) => {
        assert.deepEqual(applyDelta([], contextDelta([], context)), context);
      }),
    );
  });

  it('keeps more than there is only to be refused', () => {
    assert.equal(applyDelta([1, 2], { ...contextDelta([1, 2, 3], [1, 2, 3, 4]), keep: 3 }), undefined);
  });
});

describe('frames', () => {
  const clientBody = fc.oneof(
    fc.record({
      case: fc.constant('verify' as const),
      value: fc.record({
        id: uint32,
        keep: uint32,
        tokens: fc.array(uint32),
        digest: uint32,
        drafted: fc.array(uint32),
        more: uint32,
        adapter: fc.string({ unit: 'grapheme' }),
        leading: fc.array(uint32),
        begun: uint32,
        untilLine: fc.boolean(),
        temperature: fc.double({ noNaN: true }),
        seed: uint32,
      }),
    }),
    fc.record({
      case: fc.constant('sync' as const),
      value: fc.record({
        id: uint32,
        keep: uint32,
        tokens: fc.array(uint32),
        digest: uint32,
        adapter: fc.string({ unit: 'grapheme' }),
      }),
    }),
    fc.record({
      case: fc.constant('hello' as const),
      value: fc.record({
        wireVersion: uint32,
        family: fc.string({ unit: 'grapheme' }),
        tokenizer: fc.uint8Array(),
        backbone: fc.uint8Array(),
      }),
    }),
    fc.record({ case: fc.constant('cancel' as const), value: fc.record({ id: uint32 }) }),
  );
  const nodeBody = fc.oneof(
    fc.record({
      case: fc.constant('verdict' as const),
      value: fc.record({
        id: uint32,
        accepted: uint32,
        tokens: fc.array(uint32),
        spentUs: uint32,
        open: fc.boolean(),
        fresh: uint32,
      }),
    }),
    fc.record({
      case: fc.constant('written' as const),
      value: fc.record({
        id: uint32,
        tokens: fc.array(uint32),
        spentUs: uint32,
        open: fc.boolean(),
        start: uint32,
      }),
    }),
    fc.record({
      case: fc.constant('synced' as const),
      value: fc.record({ id: uint32, spentUs: uint32 }),
    }),
    fc.record({
      case: fc.constant('failure' as const),
      value: fc.record({ id: uint32, code: fc.string(), message: fc.string({ unit: 'grapheme' }) }),
    }),
    fc.record({
      case: fc.constant('welcome' as const),
      value: fc.record({
        wireVersion: uint32,
        adapters: fc.array(fc.string()),
        context: uint32,
        draftLength: uint32,
      }),
    }),
  );

  it('of a client come back as they were', () => {
    fc.assert(
      fc.property(clientBody, (body) => {
        const read = decodeClientFrame(encodeClientFrame(body));
        assert.equal(read?.case, body.case);
        assert.deepEqual(plain(read.value), plain(body.value));
      }),
    );
  });

  it('of a node come back as they were', () => {
    fc.assert(
      fc.property(nodeBody, (body) => {
        const read = decodeNodeFrame(encodeNodeFrame(body));
        assert.equal(read?.case, body.case);
        assert.deepEqual(plain(read.value), plain(body.value));
      }),
    );
  });

  it('that are random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [decodeClientFrame, decodeNodeFrame]) {
          const body = decode(bytes);
          assert.ok(body === undefined || typeof body.case === 'string');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('that are cut short are read as none', () => {
    fc.assert(
      fc.property(clientBody, fc.nat(), (body, at) => {
        const bytes = encodeClientFrame(body);
        const cut = decodeClientFrame(bytes.subarray(0, at % bytes.length));
        assert.equal(cut, undefined);
      }),
    );
  });

  it('that are too long are not read at all', () => {
    const value = { id: 1, keep: 0, digest: 0, drafted: [], more: 0, adapter: '' };
    const frame = (length: number) =>
      encodeClientFrame({ case: 'verify', value: { ...value, tokens: new Array<number>(length).fill(1) } });
    assert.equal(decodeClientFrame(frame(MAX_FRAME_BYTES - 100))?.case, 'verify');
    assert.equal(decodeClientFrame(frame(MAX_FRAME_BYTES)), undefined);
  });

  it('cost at most 60 bytes both ways for a round of eight drafted tokens on a 4 k context', () => {
    const base = Array.from({ length: 4000 }, (_, index) => 30_000 + index);
    const context = [...base, 31_337];
    const drafted = [1, 300, 32_000, 2, 300, 32_000, 5, 32_000];
    const { keep, tokens, digest } = contextDelta(base, context);
    const verify = { id: 1000, keep, tokens: [...tokens], digest, drafted, more: 0, adapter: 'lumino' };
    const up = encodeClientFrame({ case: 'verify', value: verify });
    const down = encodeNodeFrame({
      case: 'verdict',
      value: { id: 1000, accepted: 6, tokens: [32_000], spentUs: 20_000 },
    });
    assert.ok(up.length + down.length <= 60, `${up.length} + ${down.length} bytes`);
  });
});

describe('compatibility', () => {
  const node: Identity = { wireVersion: 1, family: 'f', tokenizer: 'a'.repeat(64), backbone: 'b'.repeat(64) };

  it('is there for equal identities', () => {
    assert.equal(incompatibility({ ...node }, node), undefined);
  });

  for (const [field, other, expected] of [
    ['wireVersion', 2, /wire version 1 and this editor 2; update the edge node/],
    ['wireVersion', 0, /wire version 1 and this editor 0; update the editor extension/],
    ['family', 'g', /family "f".*"g"/],
    ['tokenizer', 'c'.repeat(64), /tokenizer.*aaaaaaaaaaaa.*cccccccccccc/],
    ['backbone', 'c'.repeat(64), /backbone.*bbbbbbbbbbbb.*cccccccccccc/],
  ] as const) {
    it(`is not there for another ${field} (${other}), in one sentence`, () => {
      const sentence = incompatibility({ ...node, [field]: other }, node);
      assert.match(sentence!, expected);
      assert.match(sentence!, /^[A-Z][^\n]*\.$/);
    });
  }

  it('is judged by what a family manifest says', () => {
    const identity = identityOf({ id: 'f', tokenizer: { fingerprint: 'x' }, backbone: { sha256: 'y' } });
    assert.deepEqual(identity, { wireVersion: WIRE_VERSION, family: 'f', tokenizer: 'x', backbone: 'y' });
  });
});

describe('a close reason', () => {
  it('fits into 123 bytes with whole characters, and is untouched where it fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (sentence) => {
        const reason = closeReason(sentence);
        assert.ok(Buffer.byteLength(reason) <= 123);
        if (Buffer.byteLength(sentence) <= 123) assert.equal(reason, sentence);
        else assert.ok(reason.endsWith('…') && sentence.startsWith(reason.slice(0, -1)));
      }),
    );
  });
});

/** Without the names of types that the wire library adds, and with bytes as numbers. */
function plain(value: object): unknown {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '$typeName')
      .map(([key, field]) => [key, field instanceof Uint8Array ? [...field] : field]),
  );
}
