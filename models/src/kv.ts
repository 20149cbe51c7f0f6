/** Pure: the memory that a model's KV cache takes. */
import { GgufError, type Gguf } from './gguf.ts';

/** Bytes of a cached value: the engine keeps keys and values as f16. */
const BYTES = 2;

/**
 * Bytes of KV cache for each token that a sequence can hold: a key and a value for each head of each layer. Of
 * architectures that keep less (sliding windows, say) it is an upper bound.
 * @throws GgufError where the file does not say how its attention is built.
 */
export function kvBytesPerToken(model: Pick<Gguf, 'metadata'>): number {
  const architecture = String(model.metadata.get('general.architecture'));
  const value = (key: string) => model.metadata.get(`${architecture}.${key}`);
  const number = (key: string) => {
    const found = value(key);
    if (typeof found !== 'number' || !(found > 0)) throw new GgufError(`It has no ${architecture}.${key}.`);
    return found;
  };
  const layers = number('block_count');
  const heads = value('attention.head_count_kv') ?? value('attention.head_count');
  const perHead = number('embedding_length') / headsOf(value('attention.head_count'));
  const lengthOf = (key: string) => Number(value(key) ?? perHead);
  const each = lengthOf('attention.key_length') + lengthOf('attention.value_length');
  // A number for all layers, or one for each.
  const inAll = Array.isArray(heads) ? heads.reduce<number>((sum, one) => sum + Number(one), 0) : null;
  return (inAll ?? layers * headsOf(heads)) * each * BYTES;
}

function headsOf(value: unknown): number {
  const heads = Array.isArray(value) ? Math.max(...value.map(Number)) : value;
  if (typeof heads !== 'number' || !(heads > 0)) throw new GgufError('It has no number of attention heads.');
  return heads;
}
