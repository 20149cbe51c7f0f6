import { open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { pathOf } from './ignored.ts';

/**
 * The text at the beginning of a file, of no more than `bytes`, in whole lines where it was cut; or the code of the
 * error, where it cannot be read.
 */
export async function beginningOf(
  path: string,
  bytes: number,
): Promise<{ readonly text: string; readonly cut: boolean } | { readonly code: string }> {
  try {
    // Not what waits for a writer, or has no end.
    if (!(await stat(path)).isFile()) return { code: 'it is not a file' };
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(bytes + 1) });
      const cut = bytesRead > bytes;
      const end = cut ? buffer.lastIndexOf(0x0a, bytes) + 1 : bytesRead;
      // What a redirection in Windows PowerShell writes.
      const encoding = buffer[0] === 0xff && buffer[1] === 0xfe ? 'utf-16le' : 'utf-8';
      return { text: new TextDecoder(encoding).decode(buffer.subarray(0, end)), cut };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'unknown' };
  }
}

/** The text of the file at a URI, where that is one of this machine and can be read. */
export async function textAt(uri: string, bytes: number): Promise<string | undefined> {
  const { path, local } = pathOf(uri);
  // A path of another system would be looked for in the working directory of this process.
  if (!local || !isAbsolute(path)) return undefined;
  const read = await beginningOf(path, bytes);
  return 'code' in read ? undefined : read.text;
}
