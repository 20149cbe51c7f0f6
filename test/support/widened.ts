/** A model that costs as much as a large one and says the same as a small one. */
import { Gguf, rowBytes, TENSOR_F32, type Tensor } from './gguf.ts';

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
  const gguf = new Gguf(file);
  const of = (name: string) => gguf.number(`llama.${name}`);
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
  const tensors = gguf.tensors.map((tensor): Tensor => {
    if (tensor.type === TENSOR_F32) return widenedNorm(tensor, embedding);
    const [columns, rows] = tensor.dimensions as [number, number];
    const isEmbedding = tensor.name === 'token_embd.weight' || tensor.name === 'output.weight';
    return padded(tensor, wide.get(columns)!, isEmbedding ? rows : wide.get(rows)!);
  });
  const numbers = {
    'llama.embedding_length': embedding,
    'llama.feed_forward_length': feedForward,
    'llama.attention.head_count': of('attention.head_count') * times,
    'llama.attention.head_count_kv': of('attention.head_count_kv') * times,
    'llama.attention.layer_norm_rms_epsilon': of('attention.layer_norm_rms_epsilon') / times,
  };
  return gguf.with(numbers, tensors);
}

/** With `times` as many values the root of their mean square is smaller by its square root. */
function widenedNorm(tensor: Tensor, embedding: number): Tensor {
  const narrow = tensor.dimensions[0]!;
  const data = Buffer.alloc(rowBytes(TENSOR_F32, embedding));
  for (let index = 0; index < narrow; index++) {
    const weight = tensor.data.readFloatLE(4 * index);
    data.writeFloatLE(weight * Math.sqrt(narrow / embedding), 4 * index);
  }
  return { ...tensor, dimensions: [embedding], data };
}

function padded(tensor: Tensor, columns: number, rows: number): Tensor {
  const [narrow, fewer] = tensor.dimensions as [number, number];
  const [from, to] = [rowBytes(tensor.type, narrow), rowBytes(tensor.type, columns)];
  const data = Buffer.alloc(to * rows);
  for (let row = 0; row < fewer; row++) tensor.data.copy(data, row * to, row * from, (row + 1) * from);
  return { ...tensor, dimensions: [columns, rows], data };
}
