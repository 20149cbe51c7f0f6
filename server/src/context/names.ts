/** Pure: what documents are called in prompts. Prompts travel, so a name says where in the project, never where on the disk. */
import { pathOf } from './ignored.ts';

/**
 * The path of a document in the workspace folder that holds it, with slashes. Where no folder is open, its own name;
 * undefined where folders are open and none of them holds it: what lies elsewhere is none of their business.
 */
export function nameIn(folders: readonly string[], uri: string): string | undefined {
  const path = pathIn(uri);
  const depths = folders.map((folder) => pathIn(folder).replace(/\/*$/u, '/'));
  const folder = depths.filter((each) => path.startsWith(each)).sort((a, b) => b.length - a.length)[0];
  if (folder === undefined && folders.length > 0) return undefined;
  const name = folder === undefined ? path.slice(path.lastIndexOf('/') + 1) : path.slice(folder.length);
  // A name is one line of the prompt.
  return name === '' ? undefined : name.replaceAll(/\p{Cc}+/gu, ' ');
}

/** A path that tells one place from all others: where it is no file of this machine, with what stands before it. */
function pathIn(uri: string): string {
  const { path, local } = pathOf(uri);
  if (local) return path;
  const [, place] = /^([^:]*:\/\/[^/]*)/u.exec(uri) ?? [];
  return `${place ?? ''}${path}`;
}
