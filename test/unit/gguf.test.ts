import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adapterFacts, allFinite } from '../../models/src/adapter.ts';
import { GgufError, parseGguf } from '../../models/src/gguf.ts';
import { f32, ggufFile, string, u32, u64, type MadeTensor } from '../support/gguf-file.ts';

const tensor = (name: string, dimensions: number[], is: Partial<MadeTensor> = {}): MadeTensor => ({
  name,
  dimensions,
  type: 0,
  ...is,
  data: is.data ?? Buffer.alloc(4 * dimensions.reduce((all, count) => all * count, 1)),
});
const parse = (file: Buffer) => parseGguf(file, file.length);
const refusal = (file: Buffer) => {
  try {
    parse(file);
  } catch (error) {
    assert.ok(error instanceof GgufError, String(error));
    return error.message;
  }
  return undefined;
};

describe('parseGguf', () => {
  it('reads values of all kinds', () => {
    const file = ggufFile({
      keys: [
        ['a.text', 8, string('häuser')],
        ['a.number', 4, u32(7)],
        ['a.fraction', 6, f32(0.5)],
        ['a.yes', 7, Buffer.from([1])],
        ['a.large', 10, u64(2n ** 40n)],
        ['a.list', 9, Buffer.concat([u32(8), u64(2n), string('x'), string('')])],
        ['a.table', 9, Buffer.concat([u32(9), u64(1n), u32(4), u64(2n), u32(1), u32(2)])],
      ],
    });
    assert.deepEqual(Object.fromEntries(parse(file).metadata), {
      'a.text': 'häuser',
      'a.number': 7,
      'a.fraction': 0.5,
      'a.yes': true,
      'a.large': 2 ** 40,
      'a.list': ['x', ''],
      'a.table': [[1, 2]],
    });
  });

  it('says where the data of each tensor are', () => {
    const data = Buffer.from(new Float32Array([1, 2, 3, 4, 5, 6]).buffer);
    const q8 = { type: 8, data: Buffer.alloc(34 * 2, 3) };
    const file = ggufFile({ tensors: [tensor('one', [3, 2], { data }), tensor('two', [32, 2], q8)] });
    const [one, two] = parse(file).tensors;
    assert.deepEqual([one!.name, one!.shape, one!.type], ['one', [3, 2], 'f32']);
    assert.deepEqual(file.subarray(one!.at, one!.at + one!.bytes), data);
    assert.deepEqual([two!.shape, two!.type, two!.bytes], [[32, 2], 'q8_0', 68]);
    assert.equal(two!.at + two!.bytes, file.length - ((32 - (68 % 32)) % 32));
  });

  for (const [what, file, expected] of [
    ['another format', Buffer.from('PK\u0003\u0004 and so on'), 'It is not a GGUF file.'],
    ['nothing', Buffer.alloc(0), 'Its header is cut off or larger than 33554432 bytes.'],
    ['an old version', ggufFile({ version: 2 }), 'It is GGUF of version 2, expected 3.'],
    [
      'huge counts',
      ggufFile({ counts: [2n ** 63n, 0n] }),
      'It counts 9223372036854776000 tensors, more than 16384.',
    ],
    ['huge key counts', ggufFile({ counts: [0n, 5000n] }), 'It counts 5000 keys, more than 4096.'],
    [
      'a long name',
      ggufFile({ keys: [['k'.repeat(300), 4, u32(1)]] }),
      'At byte 32 a name is 300 bytes long.',
    ],
    [
      'a list longer than the file',
      ggufFile({ keys: [['k', 9, Buffer.concat([u32(4), u64(2n ** 40n)])]] }),
      'Its header is cut off or larger than 33554432 bytes.',
    ],
    [
      'lists in lists in lists',
      ggufFile({ keys: [['k', 9, Buffer.concat([u32(9), u64(1n), u32(9), u64(1n), u32(9), u64(0n)])]] }),
      'At byte 61 there is a value of the unknown type 9.',
    ],
    [
      'an unknown value',
      ggufFile({ keys: [['k', 13, u32(0)]] }),
      'At byte 37 there is a value of the unknown type 13.',
    ],
    [
      'a key twice',
      ggufFile({
        keys: [
          ['k', 4, u32(0)],
          ['k', 4, u32(0)],
        ],
      }),
      'The key "k" stands in it twice.',
    ],
    [
      'a tensor twice',
      ggufFile({ tensors: [tensor('t', [8]), tensor('t', [8])] }),
      'The tensor "t" stands in it twice.',
    ],
    [
      'no dimension',
      ggufFile({ tensors: [tensor('t', [])] }),
      'The tensor "t" has 0 dimensions, expected 1 to 4.',
    ],
    [
      'an empty one',
      ggufFile({ tensors: [tensor('t', [4, 0])] }),
      'The tensor "t" has the impossible shape 4 × 0.',
    ],
    [
      'a shape that overflows',
      ggufFile({ tensors: [tensor('t', [2 ** 31 - 1, 2 ** 31 - 1, 4], { data: Buffer.alloc(0) })] }),
      'The tensor "t" is larger than any file.',
    ],
    [
      'unknown values',
      ggufFile({ tensors: [tensor('t', [32], { type: 99 })] }),
      'The tensor "t" has values of the unknown type 99.',
    ],
    [
      'rows that are no blocks',
      ggufFile({ tensors: [tensor('t', [33], { type: 8 })] }),
      'The tensor "t" has rows of 33 values, which q8_0 cannot hold.',
    ],
    [
      'data behind the end',
      ggufFile({ tensors: [tensor('t', [64], { data: Buffer.alloc(32) })] }),
      'The tensor "t" ends behind the file.',
    ],
    [
      'data on top of each other',
      ggufFile({ tensors: [tensor('one', [16]), tensor('two', [16], { offset: 32n })] }),
      'The tensor "two" overlaps another.',
    ],
    [
      'data out of line',
      ggufFile({ tensors: [tensor('t', [1], { offset: 4n })] }),
      'The tensor "t" is not aligned.',
    ],
    [
      'a strange alignment',
      ggufFile({ keys: [['general.alignment', 4, u32(24)]] }),
      'Its general.alignment is not a power of 2.',
    ],
  ] as const) {
    it(`refuses ${what}`, () => assert.equal(refusal(file), expected));
  }

  it('gives a sentence and nothing else for any damage', () => {
    const whole = ggufFile({
      keys: [
        ['general.name', 8, string('name')],
        ['list', 9, Buffer.concat([u32(4), u64(3n), u32(1), u32(2), u32(3)])],
      ],
      tensors: [tensor('blk.0.attn_q.weight', [8, 4]), tensor('blk.0.attn_k.weight', [8, 4])],
    });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
    const property = fc.property(damage, fc.nat(whole.length), (changes, length) => {
      const file = Buffer.from(whole);
      for (const [at, value] of changes) file[at] = value;
      for (const tried of [file, file.subarray(0, length)]) refusal(tried);
    });
    fc.assert(property, { numRuns: 5000 });
  });
});

const backbone = parse(
  ggufFile({
    keys: [['general.architecture', 8, string('llama')]],
    tensors: [
      tensor('blk.0.attn_q.weight', [8, 6]),
      tensor('token_embd.weight', [8, 20]),
      tensor('output_norm.weight', [8]),
    ],
  }),
);
const ABOUT = {
  'general.architecture': 'llama',
  'general.type': 'adapter',
  'adapter.type': 'lora',
} as const;
const adapter = (tensors: MadeTensor[], about: Record<string, string> = ABOUT, alpha = 16) =>
  parse(
    ggufFile({
      keys: [
        ...Object.entries(about).map(([key, value]) => [key, 8, string(value)] as const),
        ['adapter.lora.alpha', 6, f32(alpha)],
      ],
      tensors,
    }),
  );
const QUERY = [tensor('blk.0.attn_q.weight.lora_a', [8, 2]), tensor('blk.0.attn_q.weight.lora_b', [2, 6])];

describe('adapterFacts', () => {
  it('says what the adapter changes', () => {
    const embedding = [
      tensor('token_embd.weight.lora_a', [4, 20]),
      tensor('token_embd.weight.lora_b', [4, 8]),
    ];
    assert.deepEqual(adapterFacts(adapter([...QUERY, ...embedding]), backbone), {
      rank: 4,
      alpha: 16,
      matrices: ['blk.0.attn_q.weight', 'token_embd.weight'],
    });
  });

  for (const [what, made, expected] of [
    [
      'a whole model',
      adapter(QUERY, { 'general.architecture': 'llama' }),
      'Its general.type is missing, expected "adapter".',
    ],
    [
      'another kind',
      adapter(QUERY, { ...ABOUT, 'adapter.type': 'ia3' }),
      'Its adapter.type is "ia3", expected "lora".',
    ],
    [
      'another architecture',
      adapter(QUERY, { ...ABOUT, 'general.architecture': 'qwen2' }),
      'Its general.architecture is "qwen2", expected "llama".',
    ],
    [
      'an alpha that is none',
      adapter(QUERY, ABOUT, NaN),
      'Its adapter.lora.alpha is not a number of 0 or more.',
    ],
    ['nothing', adapter([]), 'It changes no matrix.'],
    ['a strange tensor', adapter([tensor('x', [1])]), 'Its tensor "x" is none of LoRA\'s.'],
    [
      'values that no adapter has',
      adapter([tensor('x.lora_a', [256], { type: 12 }), tensor('x.lora_b', [256])]),
      'Its tensor "x.lora_a" has values of the type q4_k.',
    ],
    ['a half', adapter(QUERY.slice(1)), 'Of its change of "blk.0.attn_q.weight" one half is missing.'],
    [
      'a matrix that is not there',
      adapter([tensor('blk.9.attn_q.weight.lora_a', [8, 2]), tensor('blk.9.attn_q.weight.lora_b', [2, 6])]),
      'It changes "blk.9.attn_q.weight", which the backbone does not have.',
    ],
    [
      'another width',
      adapter([tensor('blk.0.attn_q.weight.lora_a', [7, 2]), tensor('blk.0.attn_q.weight.lora_b', [2, 6])]),
      'Its change of "blk.0.attn_q.weight" is 7×2 and 2×6, which do not make 8×6.',
    ],
    [
      'ranks that disagree',
      adapter([tensor('blk.0.attn_q.weight.lora_a', [8, 3]), tensor('blk.0.attn_q.weight.lora_b', [2, 6])]),
      'Its change of "blk.0.attn_q.weight" is 8×3 and 2×6, which do not make 8×6.',
    ],
    [
      'a rank beyond sense',
      adapter([
        tensor('blk.0.attn_q.weight.lora_a', [8, 600]),
        tensor('blk.0.attn_q.weight.lora_b', [600, 6]),
      ]),
      'Its change of "blk.0.attn_q.weight" has rank 600, more than 512.',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => adapterFacts(made, backbone), { name: 'GgufError', message: expected });
    });
  }
});

describe('allFinite', () => {
  const floats = (values: number[]) => Buffer.from(new Float32Array(values).buffer);
  const halves = (bits: number[]) => Buffer.from(new Uint16Array(bits).buffer);
  const blocks = (scales: number[]) =>
    Buffer.concat(scales.map((bits) => Buffer.concat([halves([bits]), Buffer.alloc(32, 0xff)])));

  for (const [type, fine, bad] of [
    ['f32', floats([0, -1, 3e38, 1e-45]), [floats([1, NaN]), floats([-Infinity, 1])]],
    ['f16', halves([0, 0x7bff, 0xfbff, 1]), [halves([0, 0x7c00]), halves([0xfe00])]],
    ['bf16', halves([0, 0x7f7f, 0xff7f]), [halves([0x7f80]), halves([1, 0xffc0])]],
    ['q8_0', blocks([0, 0x7bff]), [blocks([0, 0x7c00]), blocks([0xfc01])]],
  ] as const) {
    it(`finds what is no number in ${type}`, () => {
      assert.ok(allFinite(type, fine));
      for (const bytes of bad) assert.ok(!allFinite(type, bytes));
    });
  }
});
