import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of the files below `directories` whose bytes contain `text`. */
export async function filesWith(text: string, directories: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const directory of directories) {
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
    }
  }
  return found;
}
