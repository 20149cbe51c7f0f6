/** Pure: what the operating system says, for people. */

/** The system's name for what failed (`ENOENT`), or what `error` says where it does not come from the system. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
}

/** One sentence about a file that failed; undefined where no person can mend it. */
export function systemSentence(error: unknown): string | undefined {
  const why = SYSTEM[systemCode(error)];
  if (why === undefined) return undefined;
  const path =
    error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  return path === undefined ? `A file ${why}.` : `The file ${path} ${why}.`;
}

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
