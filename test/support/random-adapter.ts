import { parseGguf } from '@foretype/models';
import { f32, ggufFile, string, type MadeTensor } from './gguf-file.ts';
import { chance } from './prompts.ts';

export interface RandomAdapter {
  /** Another seed is another adapter. */
  readonly seed: number;
  readonly rank?: number;
  /** Names of the matrices that it changes, by their ends. */
  readonly matrices?: readonly string[];
}

const F16 = 1;
const STRING = 8;
const FLOAT = 6;

/**
 * A GGUF LoRA adapter with random values, for whatever backbone the file `backbone` is. Its values are so small that the
 * backbone still writes code, and so large that it writes other code.
 */
export function randomAdapter(
  backbone: Buffer,
  { seed, rank = 8, matrices = ['attn_q.weight', 'attn_v.weight'] }: RandomAdapter,
): Buffer {
  const { metadata, tensors } = parseGguf(backbone, backbone.length);
  const random = chance(seed);
  const half = (name: string, dimensions: readonly number[]): MadeTensor => {
    const count = dimensions[0]! * dimensions[1]!;
    const data = Buffer.alloc(2 * count);
    for (let at = 0; at < count; at++) data.writeUInt16LE(randomHalf(random), 2 * at);
    return { name, dimensions, type: F16, data };
  };
  return ggufFile({
    keys: [
      ['general.type', STRING, string('adapter')],
      ['adapter.type', STRING, string('lora')],
      ['general.architecture', STRING, string(String(metadata.get('general.architecture')))],
      ['adapter.lora.alpha', FLOAT, f32(rank)],
    ],
    tensors: tensors
      .filter(({ name }) => matrices.some((end) => name.endsWith(end)))
      .flatMap(({ name, shape }) => [
        half(`${name}.lora_a`, [shape[0]!, rank]),
        half(`${name}.lora_b`, [rank, shape[1]!]),
      ]),
  });
}

/** A half-precision float between 1/64 and 1/8 with either sign: a random fraction, and one of three exponents. */
function randomHalf(random: () => number): number {
  const sign = random() < 0.5 ? 0x8000 : 0;
  const exponent = 15 - 6 + Math.floor(3 * random());
  return sign | (exponent << 10) | Math.floor(1024 * random());
}
