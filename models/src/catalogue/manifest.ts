/** Pure: from what is known of a public family, and what its files say, to its `family.json`. */
import type { Family } from '../family.ts';
import type { Gguf } from '../gguf.ts';
import { differingTables, fingerprintOf, tokensOf } from '../tokenizer.ts';
import { CatalogueError } from './error.ts';
import type { KnownFamily, Marker } from './known.ts';

/** A file of the family as it came. */
export interface Came {
  readonly bytes: number;
  readonly sha256: string;
  readonly gguf: Pick<Gguf, 'metadata'>;
}

type Manifest = Omit<Family, 'backbone' | 'draft'> &
  Record<'backbone' | 'draft', Omit<Family['backbone'], 'path'>>;

/**
 * @param came without the backbone where nobody needs it; what is known of it stands in the manifest all the same.
 * @throws CatalogueError `damaged` where the files are not of one tokenizer, or not of the one that is known; `unknown`
 * where the backbone neither came nor is known well enough.
 */
export function manifestOf(
  known: KnownFamily,
  came: { readonly backbone?: Came | undefined; readonly draft: Came },
): Manifest {
  const { id, licence, context, fim, end } = known;
  const { gguf } = came.backbone ?? came.draft;
  const differing = differingTables(gguf, came.draft.gguf);
  if (differing.length > 0)
    throw new CatalogueError(
      'damaged',
      `The tokenizers of ${known.backbone.file} and ${known.draft.file} differ in ${differing.join(', ')}, so that one cannot draft for the other.`,
    );
  const from = came.backbone ? known.backbone.file : known.draft.file;
  const tokens = tokensOf(gguf);
  const idOf = ([token, text]: Marker) => {
    if (tokens[token] === text) return token;
    const found = JSON.stringify(tokens[token] ?? null);
    const message = `The token ${token} of ${from} is ${found}, expected ${JSON.stringify(text)}; the catalogue is wrong about it.`;
    throw new CatalogueError('damaged', message);
  };
  const weights = (role: 'backbone' | 'draft') => {
    const { file, bytes, sha256 } = { ...known[role], ...came[role] };
    if (sha256 === null) throw new CatalogueError('unknown', unpinned(id));
    return { file, bytes, sha256 };
  };
  return {
    format: 1,
    id,
    licence,
    context,
    tokenizer: { fingerprint: fingerprintOf(gguf), end: end.map(idOf) },
    fim: {
      prefix: idOf(fim.prefix),
      suffix: idOf(fim.suffix),
      middle: idOf(fim.middle),
      order: fim.order,
      ...(fim.files && {
        files: {
          separator: idOf(fim.files.separator),
          ...(fim.files.repository && { repository: idOf(fim.files.repository) }),
        },
      }),
    },
    backbone: weights('backbone'),
    draft: weights('draft'),
    adapters: [],
  };
}

/** Why a family cannot be had without its backbone. */
export function unpinned(id: string): string {
  return `Nobody vouches for the backbone of ${id}, so that no edge node could be told that this machine drafts for it; import the family from the folder or the address that the node has it from.`;
}
