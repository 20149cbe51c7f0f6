/** Pure: how much memory a family takes in a node, by what its files say. */
import type { Gguf } from '@foretype/models';

export interface MemoryFacts {
  /** Bytes of the backbone's file, which is mapped into memory whole. */
  readonly backbone: number;
  /** Bytes of KV that a token takes; see {@link kvBytesPerToken}. */
  readonly kvPerToken: number;
  /** Tokens of a prompt with its completion. */
  readonly context: number;
  /** Prompts that are kept. */
  readonly sequences: number;
}

/** Bytes of a process with an engine in it, beside weights and KV: 223 MiB with the embedded family, whose are 10 and 24. */
const PROCESS = 190 * 1024 ** 2;

/** Bytes, about. */
export function memoryNeeded({ backbone, kvPerToken, context, sequences }: MemoryFacts): number {
  return backbone + kvPerToken * context * sequences + PROCESS;
}

/**
 * Bytes of KV for a token: keys and values of each layer, in half precision.
 * @returns undefined where the file does not say it.
 */
export function kvBytesPerToken({ metadata }: Pick<Gguf, 'metadata'>): number | undefined {
  const architecture = metadata.get('general.architecture');
  const number = (key: string) => {
    const value = metadata.get(`${String(architecture)}.${key}`);
    return typeof value === 'number' ? value : undefined;
  };
  const [layers, heads, width] = ['block_count', 'attention.head_count', 'embedding_length'].map(number);
  const shared = number('attention.head_count_kv') ?? heads;
  if (!layers || !heads || !width || !shared) return undefined;
  const key = number('attention.key_length') ?? width / heads;
  const value = number('attention.value_length') ?? width / heads;
  return layers * shared * (key + value) * 2;
}
