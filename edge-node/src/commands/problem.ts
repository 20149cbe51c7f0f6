import { EngineError } from '@foretype/models';
import { AdapterError } from '../adapters/error.ts';
import { StartError, systemCode } from '../error.ts';

export type CommandErrorCode =
  /** A word or an option of the command is wrong. */
  | 'usage'
  /** Something of that name is there already. */
  | 'exists'
  /** There is nothing of that name. */
  | 'unknown'
  /** Nothing or something wrong came over the network. */
  | 'network'
  /** A file is not what it should be. */
  | 'damaged'
  /** There is not enough room on the disk. */
  | 'no-space'
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
    error instanceof EngineError
  )
    return error.message;
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number')
    return `The database ${DATABASE[error.errcode & 0xff] ?? `failed (${error.message}); run foretype-edge doctor`}.`;
  const why = SYSTEM[systemCode(error)];
  if (why === undefined) return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  return path === undefined ? `A file ${why}.` : `The file ${path} ${why}.`;
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

const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'is not open to this user; allow it, or choose another place',
  EDQUOT: "cannot be written, since this user's quota is used up; make room and try again",
  EEXIST: 'exists already; choose another name',
  EFBIG: 'is too large for this file system; choose another place',
  EIO: 'cannot be read or written; look after the disk',
  EISDIR: 'is a directory; name a file',
  EMFILE: 'cannot be opened, since too many are; allow more (ulimit -n)',
  ENOENT: 'is not there; look at its name',
  ENOSPC: 'cannot be written, since the disk is full; make room and try again',
  ENOTDIR: 'lies below something that is no directory; look at its name',
  EPERM: 'is not open to this user; allow it, or choose another place',
  EROFS: 'lies on a file system that cannot be written; choose another place',
};
