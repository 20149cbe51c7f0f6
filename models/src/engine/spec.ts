import type { Token } from '../engine.ts';
import type { Family, Weights } from '../family.ts';

/** A LoRA adapter under the name that requests ask for. */
export type NamedWeights = Weights & { readonly name: string };

/** What an engine process is to load. Plain data: it travels to the process. */
export interface EngineSpec {
  readonly weights: Weights;
  readonly adapters: readonly NamedWeights[];
  /** The fingerprint the weights' tokenizer must have. */
  readonly tokenizer: string;
  /** Tokens a sequence can hold. */
  readonly context: number;
  readonly end: readonly Token[];
  /**
   * KV slots, of all adapters together: prompts that are kept, and requests that can be evaluated at once. 0 reads the
   * vocabulary and no weights: the engine tells tokens and their texts, and evaluates nothing.
   */
  readonly sequences: number;
  /** The most bytes that KV slots may take together; where so many do not fit there are fewer, but two. */
  readonly kvBytes?: number | undefined;
  readonly threads: number;
}

export interface EngineResources {
  readonly sequences: number;
  readonly threads: number;
}

/** The target: the backbone with every adapter of the family. */
export function backboneSpec(family: Family, resources: EngineResources): EngineSpec {
  return { ...shared(family), weights: family.backbone, adapters: family.adapters, ...resources };
}

/** The static draft, which stays as it is while targets change. */
export function draftSpec(family: Family, resources: EngineResources): EngineSpec {
  return { ...shared(family), weights: family.draft, adapters: [], ...resources };
}

/** What tokenizes for a target elsewhere. The draft's file has the vocabulary, since that is the same for all of a family. */
export function vocabularySpec(family: Family): EngineSpec {
  return { ...shared(family), weights: family.draft, adapters: [], sequences: 0, threads: 1 };
}

function shared(family: Family) {
  return { tokenizer: family.tokenizer.fingerprint, context: family.context, end: family.tokenizer.end };
}
