import { WIRE_VERSION } from './frames.ts';

/** What both sides must share for a verdict to mean anything; hashes are lower-case hex SHA-256. */
export interface Identity {
  readonly wireVersion: number;
  readonly family: string;
  readonly tokenizer: string;
  readonly backbone: string;
}

/** This build's identity for a family. */
export function identityOf(family: {
  readonly id: string;
  readonly tokenizer: { readonly fingerprint: string };
  readonly backbone: { readonly sha256: string };
}): Identity {
  return {
    wireVersion: WIRE_VERSION,
    family: family.id,
    tokenizer: family.tokenizer.fingerprint,
    backbone: family.backbone.sha256,
  };
}

/** One sentence on why client and node cannot work together, or undefined where they can. */
export function incompatibility(client: Identity, node: Identity): string | undefined {
  if (client.wireVersion !== node.wireVersion) {
    const older = client.wireVersion < node.wireVersion ? 'editor extension' : 'edge node';
    return `The edge node speaks wire version ${node.wireVersion} and this editor ${client.wireVersion}; update the ${older}.`;
  }
  if (client.family !== node.family) {
    return `The edge node serves the model family "${node.family}" and this editor drafts with "${client.family}"; install the same family on both.`;
  }
  if (client.tokenizer !== node.tokenizer) {
    return `The edge node's tokenizer for "${node.family}" (${short(node.tokenizer)}) differs from this editor's (${short(client.tokenizer)}); install the same version of the family on both.`;
  }
  if (client.backbone !== node.backbone) {
    return `The edge node's backbone of "${node.family}" (${short(node.backbone)}) is not the one this editor's draft was made from (${short(client.backbone)}); install the same version of the family on both.`;
  }
  return undefined;
}

function short(hash: string): string {
  return hash.slice(0, 12);
}
