import { EngineError } from '../engine.ts';
import { systemSentence } from './system.ts';

export type CatalogueErrorCode =
  /** What names a family cannot be read. */
  | 'usage'
  /** Another version is there already. */
  | 'exists'
  /** It belongs to the program itself. */
  | 'embedded'
  /** Somebody uses it, or is changing it. */
  | 'in-use'
  /** There is no such family. */
  | 'unknown'
  /** Nothing or something wrong came over the network. */
  | 'network'
  /** A file is not what it should be. */
  | 'damaged'
  /** There is not enough room on the disk. */
  | 'no-space';

/** A family cannot be had; `message` is one sentence that says what to do. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly code: CatalogueErrorCode;

  constructor(code: CatalogueErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What went wrong while a family was got, in one sentence for people; undefined for what is a fault of ours. */
export function catalogueSentence(error: unknown): string | undefined {
  if (error instanceof CatalogueError || error instanceof EngineError) return error.message;
  return systemSentence(error);
}
