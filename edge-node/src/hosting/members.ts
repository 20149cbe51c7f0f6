import {
  backboneSpec,
  kvBytesPerToken,
  startEngine,
  vocabularyOf,
  type EngineResources,
  type Family,
  type Gguf,
  type NamedWeights,
} from '@foretype/models';
import type { Roster } from '../roster.ts';
import type { Member } from './fleet.ts';

export interface MemberParts {
  readonly family: Family;
  /** What the backbone's file says of itself. */
  readonly backbone: Gguf;
  readonly resources: EngineResources;
  readonly roster: () => Roster;
  readonly fileOf: (id: string) => Promise<NamedWeights>;
}

/** A family as the fleet takes it: what its backbone and adapters take of memory, and how its engine is started. */
export function memberOf({ family, backbone, resources, roster, fileOf }: MemberParts): Member {
  const kv = kvBytesPerToken(backbone) * family.context * resources.sequences;
  // Adapters are taken on when they are asked for.
  const spec = { ...backboneSpec(family, resources), adapters: [] };
  return {
    id: family.id,
    facts: {
      vocabulary: vocabularyOf(backbone).length,
      context: family.context,
      tokenizer: family.tokenizer.fingerprint,
    },
    bytes: family.backbone.bytes + kv,
    start: (onState) => startEngine(spec, onState),
    adapter: (id) => roster().find(id),
    pinned: () =>
      roster()
        .current.filter(({ pinned }) => pinned)
        .map(({ id }) => id),
    fileOf,
  };
}
