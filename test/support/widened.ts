/** A model that costs as much as a large one and says the same as a small one. */
import { parseGguf, type GgufTensor } from '@foretype/models';
import { changed, type MadeTensor } from './gguf-file.ts';

/** Sizes to widen a model of the Llama architecture to. */
export interface Widths {
  readonly embedding: number;
  readonly feedForward: number;
}

/**
 * The same function with wider matrices, whose further rows and columns are zero: it writes what the narrow model
 * writes, and each token costs what a model of that size costs, since nobody leaves zeros out. There are more heads, as
 * large as before and as many to a KV head; the mean that the norms divide by is over more values, for which their
 * weights and epsilon make up. That is exact where the width grows by a power of 4, whose root is one of 2.
 */
export function widened(file: Buffer, { embedding, feedForward }: Widths): Buffer {
  const { metadata, tensors } = parseGguf(file, file.length);
  const of = (name: string) => Number(metadata.get(`llama.${name}`));
  const [narrow, narrowForward] = [of('embedding_length'), of('feed_forward_length')];
  const times = embedding / narrow;
  if (!Number.isInteger(Math.log2(times) / 2) || times < 1 || feedForward < narrowForward)
    throw new Error(`A width of ${narrow} cannot become one of ${embedding}.`);
  const heads = of('attention.head_count') * of('attention.key_length');
  const keyHeads = of('attention.head_count_kv') * of('attention.key_length');
  const wide = new Map([
    [narrow, embedding],
    [narrowForward, feedForward],
    [heads, heads * times],
    [keyHeads, keyHeads * times],
  ]);
  const made = tensors.map((tensor): MadeTensor => {
    const data = file.subarray(tensor.at, tensor.at + tensor.bytes);
    if (tensor.type === 'f32') return widenedNorm(tensor, data, embedding);
    const [columns, rows] = tensor.shape as [number, number];
    const isEmbedding = tensor.name === 'token_embd.weight' || tensor.name === 'output.weight';
    return widenedMatrix(tensor, data, [wide.get(columns)!, isEmbedding ? rows : wide.get(rows)!]);
  });
  const numbers = {
    'llama.embedding_length': embedding,
    'llama.feed_forward_length': feedForward,
    'llama.attention.head_count': of('attention.head_count') * times,
    'llama.attention.head_count_kv': of('attention.head_count_kv') * times,
    'llama.attention.layer_norm_rms_epsilon': of('attention.layer_norm_rms_epsilon') / times,
  };
  return changed(file, numbers, made);
}

/** With `times` as many values the root of their mean square is smaller by its square root. */
function widenedNorm({ name, shape }: GgufTensor, weights: Buffer, embedding: number): MadeTensor {
  const narrow = shape[0]!;
  const data = Buffer.alloc(4 * embedding);
  for (let index = 0; index < narrow; index++) {
    data.writeFloatLE(weights.readFloatLE(4 * index) * Math.sqrt(narrow / embedding), 4 * index);
  }
  return { name, dimensions: [embedding], type: 0, data };
}

/** A Q8_0 matrix with zeros behind each row, and rows of zeros behind all. */
function widenedMatrix(
  { name, shape, bytes }: GgufTensor,
  weights: Buffer,
  dimensions: readonly [columns: number, rows: number],
): MadeTensor {
  const [narrow, fewer] = shape as [number, number];
  const from = bytes / fewer;
  const to = (from * dimensions[0]) / narrow;
  const data = Buffer.alloc(to * dimensions[1]);
  for (let row = 0; row < fewer; row++) weights.copy(data, row * to, row * from, (row + 1) * from);
  return { name, dimensions, type: 8, data };
}
