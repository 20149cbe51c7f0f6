import { GgufError, kvBytesPerToken, type Gguf } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

type Values = Record<string, number | number[]>;

const gguf = (architecture: string, values: Values): Gguf => {
  const metadata = new Map<string, string | number | number[]>([['general.architecture', architecture]]);
  for (const [key, value] of Object.entries(values)) metadata.set(`${architecture}.${key}`, value);
  return { metadata, tensors: [], dataAt: 0 };
};

describe('the KV cache of a token', () => {
  it('is a key and a value of each KV head in each layer, in half precision', () => {
    // Qwen2.5-Coder 7B: 28 layers, 28 heads of 128, 4 KV heads: 56 KiB.
    const qwen = gguf('qwen2', {
      block_count: 28,
      embedding_length: 3584,
      'attention.head_count': 28,
      'attention.head_count_kv': 4,
    });
    assert.equal(kvBytesPerToken(qwen), 56 * 1024);
  });

  it('is that of all heads where they do not share keys', () => {
    const plain = gguf('gpt2', { block_count: 12, embedding_length: 768, 'attention.head_count': 12 });
    assert.equal(kvBytesPerToken(plain), 12 * 2 * 768 * 2);
  });

  it('takes the lengths and heads that the file tells of each layer', () => {
    const odd = gguf('openelm', {
      block_count: 3,
      embedding_length: 1280,
      'attention.head_count': [12, 12, 16],
      'attention.head_count_kv': [3, 3, 4],
      'attention.key_length': 64,
      'attention.value_length': 32,
    });
    assert.equal(kvBytesPerToken(odd), 10 * (64 + 32) * 2);
  });

  it('cannot be told of a file that does not say', () => {
    assert.throws(() => kvBytesPerToken(gguf('llama', { block_count: 12 })), GgufError);
    const none = gguf('llama', { block_count: 0, embedding_length: 64, 'attention.head_count': 2 });
    assert.throws(() => kvBytesPerToken(none), GgufError);
  });
});
