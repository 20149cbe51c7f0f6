import { EngineError } from '@foretype/models';
import { CatalogueError, systemSentence } from '@foretype/models/catalogue';
import { AdapterError } from '../adapters/error.ts';
import { StartError } from '../error.ts';

export type CommandErrorCode =
  /** A word or an option of the command is wrong. */
  | 'usage'
  /** Something of that name is there already. */
  | 'exists'
  /** There is nothing of that name. */
  | 'unknown'
  /** A file is not what it should be. */
  | 'damaged'
  /** A check found something that keeps the node from running. */
  | 'unhealthy';

/** A command cannot be carried out; `message` is one sentence that says what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: CommandErrorCode;

  constructor(code: CommandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What went wrong, for the person at the terminal; undefined for what is a fault of ours. */
export function sentenceOf(error: unknown): string | undefined {
  if (
    error instanceof CommandError ||
    error instanceof StartError ||
    error instanceof AdapterError ||
    error instanceof CatalogueError ||
    error instanceof EngineError
  )
    return error.message;
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number')
    return `The database ${DATABASE[error.errcode & 0xff] ?? `failed (${error.message}); run foretype-edge doctor`}.`;
  return systemSentence(error);
}

/** By primary result code, https://sqlite.org/rescode.html. */
const DATABASE: Readonly<Record<number, string>> = {
  5: 'is in use by another command for too long; try again',
  8: 'cannot be written; let this user write the state directory',
  10: 'cannot be read or written; look after the disk, or restore a backup',
  11: 'is damaged; restore a backup',
  13: 'cannot grow, since the disk is full; make room and try again, nothing was changed',
  14: 'cannot be opened; let this user read and write the state directory',
  26: 'is none; restore a backup',
};
