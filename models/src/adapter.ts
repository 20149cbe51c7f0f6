/** Pure: whether a LoRA adapter fits a backbone, by what their files say, and whether its values are numbers. */
import { GgufError, type Gguf, type GgufTensor, type TensorType } from './gguf.ts';

export interface AdapterFacts {
  /** The largest rank of its pairs of matrices. */
  readonly rank: number;
  /** Its pairs are scaled by this over their rank; 0 leaves them as they are. */
  readonly alpha: number;
  /** Names of the backbone's matrices that it changes. */
  readonly matrices: readonly string[];
}

/** Ranks are far below the width of any matrix worth adapting. */
export const MAX_RANK = 512;

/**
 * What a LoRA adapter changes of a backbone.
 *
 * For a matrix W of the backbone, with rows of `inputs` values and `outputs` rows, it has A, `rank` rows of `inputs`
 * values, and B, `outputs` rows of `rank` values: W + alpha/rank · B·A (arXiv 2106.09685). The embedding is looked up
 * and not multiplied, so that llama.cpp has its A transposed.
 * @throws GgufError with one sentence that says what does not fit.
 */
export function adapterFacts(adapter: Gguf, backbone: Gguf): AdapterFacts {
  const architecture = backbone.metadata.get('general.architecture');
  expectKey(adapter, 'general.type', 'adapter');
  expectKey(adapter, 'adapter.type', 'lora');
  expectKey(adapter, 'general.architecture', architecture);
  const alpha = adapter.metadata.get('adapter.lora.alpha');
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha < 0)
    throw new GgufError('Its adapter.lora.alpha is not a number of 0 or more.');

  const pairs = pairsOf(adapter);
  if (pairs.size === 0) throw new GgufError('It changes no matrix.');
  const matrices = new Map(backbone.tensors.map((tensor) => [tensor.name, tensor]));
  let rank = 0;
  for (const [name, pair] of pairs) {
    const matrix = matrices.get(name);
    if (!matrix) throw new GgufError(`It changes ${JSON.stringify(name)}, which the backbone does not have.`);
    rank = Math.max(rank, rankOf(matrix, pair));
  }
  return { rank, alpha, matrices: [...pairs.keys()] };
}

interface Pair {
  readonly a: GgufTensor;
  readonly b: GgufTensor;
}

function pairsOf(adapter: Gguf): ReadonlyMap<string, Pair> {
  const halves = new Map<string, Partial<Pair>>();
  for (const tensor of adapter.tensors) {
    const [, name, half] = /^(.+)\.lora_([ab])$/.exec(tensor.name) ?? [];
    if (name === undefined)
      throw new GgufError(`Its tensor ${JSON.stringify(tensor.name)} is none of LoRA's.`);
    if (!FLOATS[tensor.type])
      throw new GgufError(`Its tensor ${JSON.stringify(tensor.name)} has values of the type ${tensor.type}.`);
    halves.set(name, { ...halves.get(name), [half!]: tensor });
  }
  const pairs = new Map<string, Pair>();
  for (const [name, { a, b }] of halves) {
    if (!a || !b) throw new GgufError(`Of its change of ${JSON.stringify(name)} one half is missing.`);
    pairs.set(name, { a, b });
  }
  return pairs;
}

function rankOf(matrix: GgufTensor, { a, b }: Pair): number {
  const [inputs, outputs, ...more] = matrix.shape;
  const rank = b.shape[0]!;
  const looked = matrix.name === 'token_embd.weight';
  const wanted = looked
    ? { a: [rank, outputs], b: [rank, inputs] }
    : { a: [inputs, rank], b: [rank, outputs] };
  const fits = (tensor: GgufTensor, shape: readonly unknown[]) => tensor.shape.join() === shape.join();
  const twice = outputs !== undefined && more.length === 0;
  if (!twice || !fits(a, wanted.a) || !fits(b, wanted.b))
    throw new GgufError(
      `Its change of ${JSON.stringify(matrix.name)} is ${a.shape.join('×')} and ${b.shape.join('×')}, which do not make ${matrix.shape.join('×')}.`,
    );
  if (rank > MAX_RANK)
    throw new GgufError(
      `Its change of ${JSON.stringify(matrix.name)} has rank ${rank}, more than ${MAX_RANK}.`,
    );
  return rank;
}

function expectKey({ metadata }: Gguf, key: string, value: unknown): void {
  const found = metadata.get(key);
  if (found === value) return;
  const shown = found === undefined ? 'missing' : JSON.stringify(found).slice(0, 64);
  throw new GgufError(`Its ${key} is ${shown}, expected ${JSON.stringify(value)}.`);
}

/**
 * Whether all values of a tensor, or of any whole part of it, are finite: one that is not makes nonsense of every text.
 * A type that no adapter may have is never said to be.
 * @param bytes whole values of `type`, blocks for q8_0.
 */
export function allFinite(type: TensorType, bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const float = FLOATS[type];
  if (!float) return false;
  const { step, size, exponent } = float;
  for (let at = 0; at + size <= bytes.length; at += step) {
    const bits = size === 4 ? view.getUint32(at, true) : view.getUint16(at, true);
    if ((bits & exponent) === exponent) return false;
  }
  return true;
}

/** Where floating-point numbers stand in each type that an adapter may have, and the bits that are all set where one is none (IEEE 754). */
const FLOATS: Partial<Record<TensorType, { step: number; size: number; exponent: number }>> = {
  f32: { step: 4, size: 4, exponent: 0x7f800000 },
  f16: { step: 2, size: 2, exponent: 0x7c00 },
  bf16: { step: 2, size: 2, exponent: 0x7f80 },
  // The scale of each block; its values are whole numbers.
  q8_0: { step: 34, size: 2, exponent: 0x7c00 },
};
