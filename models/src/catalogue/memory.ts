/** Pure: how much memory a model takes in a process of its own, by what its file says. */

export interface MemoryFacts {
  /** Bytes of the model's file, which is mapped into memory whole. */
  readonly weights: number;
  /** Bytes of KV that a token takes. */
  readonly kvPerToken: number;
  /** Tokens of a prompt with its completion. */
  readonly context: number;
  /** Prompts that are kept. */
  readonly sequences: number;
}

/** Bytes of a process with an engine in it, beside weights and KV: 223 MiB with the embedded family, whose are 10 and 24. */
const PROCESS = 190 * 1024 ** 2;

/** Bytes, about. */
export function memoryNeeded({ weights, kvPerToken, context, sequences }: MemoryFacts): number {
  return weights + kvPerToken * context * sequences + PROCESS;
}
