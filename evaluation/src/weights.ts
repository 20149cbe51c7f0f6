/** Pure: how many weights a model reads. */
import type { Gguf } from '@foretype/models';

/** Weights that are read for one token: all, but of an embedding table only a row where the output has a table of its own. */
export function weightsRead({ tensors }: Pick<Gguf, 'tensors'>): number {
  const tied = !tensors.some(({ name }) => name === 'output.weight');
  return tensors.reduce((sum, { name, shape }) => {
    const elements = shape.reduce((product, size) => product * size, 1);
    return sum + (name === 'token_embd.weight' && !tied ? shape[0]! : elements);
  }, 0);
}
