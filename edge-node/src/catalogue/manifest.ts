/** Pure: from what is known of a public family, and what its files say, to its `family.json`. */
import { differingTables, fingerprintOf, vocabularyOf, type Family, type Gguf } from '@foretype/models';
import { CommandError } from '../commands/problem.ts';
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
 * @throws CommandError `damaged` where the files are not of one tokenizer, or not of the one that is known.
 */
export function manifestOf(known: KnownFamily, came: Readonly<Record<'backbone' | 'draft', Came>>): Manifest {
  const { id, licence, context, fim, end } = known;
  const differing = differingTables(came.backbone.gguf, came.draft.gguf);
  if (differing.length > 0)
    throw new CommandError(
      'damaged',
      `The tokenizers of ${known.backbone.file} and ${known.draft.file} differ in ${differing.join(', ')}, so that one cannot draft for the other.`,
    );
  const tokens = vocabularyOf(came.backbone.gguf);
  const idOf = ([token, text]: Marker) => {
    if (tokens[token] === text) return token;
    const found = JSON.stringify(tokens[token] ?? null);
    const message = `The token ${token} of ${known.backbone.file} is ${found}, expected ${JSON.stringify(text)}; the catalogue is wrong about it.`;
    throw new CommandError('damaged', message);
  };
  const weights = (role: 'backbone' | 'draft') => ({
    file: known[role].file,
    bytes: came[role].bytes,
    sha256: came[role].sha256,
  });
  return {
    format: 1,
    id,
    licence,
    context,
    tokenizer: { fingerprint: fingerprintOf(came.backbone.gguf), end: end.map(idOf) },
    fim: { prefix: idOf(fim.prefix), suffix: idOf(fim.suffix), middle: idOf(fim.middle), order: fim.order },
    backbone: weights('backbone'),
    draft: weights('draft'),
    adapters: [],
  };
}
