import { Type, type Static } from 'typebox';
import type { AdapterVersion } from '../../adapters/store.ts';
import type { Target } from '../../target.ts';
import { Refusal } from '../answers.ts';
import { Sha256Schema } from '../models.ts';

/** The answer that has no body. */
export const NOTHING = Type.Null({ description: 'Done.' });

/** A body that is a file. */
export const BYTES = { content: { 'application/octet-stream': { schema: Type.Any() } } };

/** As the store takes names. */
export const NameSchema = Type.String({
  pattern: '^[a-z0-9][a-z0-9.-]{0,63}$',
  description: 'Small letters, digits, dots and dashes, 64 at most.',
});

export const NameParams = Type.Object({ name: NameSchema });
export type NameParams = Static<typeof NameParams>;

export const VersionParams = Type.Object({ name: NameSchema, number: Type.Integer({ minimum: 1 }) });
export type VersionParams = Static<typeof VersionParams>;

export const TimeSchema = Type.String({ format: 'date-time', description: 'As RFC 3339 has it.' });

export const FamilySchema = Type.String({
  description: 'Id of a family; only where the node serves several.',
});

export const VersionSchema = Type.Object({
  adapter: Type.String(),
  number: Type.Integer({ description: 'From 1 on.' }),
  sha256: Sha256Schema,
  bytes: Type.Integer(),
  family: Type.Union([Type.String(), Type.Null()], {
    description: 'Null where the node does not serve the backbone that it was made for.',
  }),
  rank: Type.Integer(),
  created: TimeSchema,
});

/** @param targets name the family that an adapter was made for. */
export function toldOf(
  { adapter, number, sha256, bytes, backbone, rank, created }: AdapterVersion,
  targets: readonly Pick<Target, 'family'>[],
): Static<typeof VersionSchema> {
  const target = targets.find(({ family }) => family.backbone.sha256 === backbone);
  const family = target?.family.id ?? null;
  return { adapter, number, sha256, bytes, family, rank, created: created.toISOString() };
}

/** The family that is meant. @throws Refusal where that is none of the node's, or it serves several and none is named. */
export function familyMeant(asked: string | undefined, targets: readonly Pick<Target, 'family'>[]): string {
  const ids = targets.map(({ family }) => family.id);
  const meant = asked ?? (ids.length === 1 ? ids[0] : undefined);
  if (meant !== undefined && ids.includes(meant)) return meant;
  throw new Refusal(400, 'unknown-family', `The node serves ${ids.join(', ')}; name one of these families.`);
}
