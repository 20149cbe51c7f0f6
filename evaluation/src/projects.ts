import type { HeldOutFile, HeldOutPackage } from './heldout.ts';

/** The files of a package that belong to one split. */
export function filesOf({ files }: HeldOutPackage, split: HeldOutFile['split']): HeldOutFile[] {
  return files.filter((file) => file.split === split);
}

/** The packages with only the files that neither backbone, draft nor adapters may have seen. */
export function testsOf(packages: readonly HeldOutPackage[]): HeldOutPackage[] {
  return packages.map((held) => ({ ...held, files: filesOf(held, 'test') }));
}

export interface Project {
  readonly adapter: string;
  readonly package: HeldOutPackage;
}

/**
 * Which held-out package each adapter was made for: the one whose name has all words of the adapter's name (`lumino`
 * and `@lumino/widgets`). An adapter for some other project cannot be measured here and is left out.
 */
export function projectsOf(
  adapters: readonly { readonly name: string }[],
  packages: readonly HeldOutPackage[],
): Project[] {
  return adapters.flatMap(({ name }) => {
    const fitting = packages.filter((held) =>
      wordsOf(name).every((word) => wordsOf(held.name).includes(word)),
    );
    return fitting.length === 1 ? [{ adapter: name, package: fitting[0]! }] : [];
  });
}

function wordsOf(name: string): string[] {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/u)
    .filter((word) => word !== '');
}
