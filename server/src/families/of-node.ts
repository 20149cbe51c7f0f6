import { CatalogueError, catalogueSentence, freeBytes, pullFrom } from '@foretype/models/catalogue';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { readAddress } from '../address.ts';
import { alone } from './lock.ts';

export interface NodeFamilyParts {
  /** Base URL of the node, and the token for it. */
  readonly url: string;
  readonly token: string;
  readonly fetch: typeof fetch;
  /** Directory of the families that were installed. */
  readonly families: string;
  /** Id of the family that is preferred where the node serves several. */
  readonly id: string;
  readonly signal: AbortSignal;
}

/** Of what a node answers at `/v1/models`, what is looked at here. */
const ModelsSchema = Type.Object({
  data: Type.Array(
    Type.Object({
      family: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$' }),
      parent: Type.Union([Type.String(), Type.Null()]),
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    }),
  ),
});

/**
 * Has the family that a node serves, without models: its vocabulary is all that is needed where the node writes. It comes
 * once and is kept among the families, where nobody takes it for one to draft with.
 * @returns its directory.
 * @throws Error with one sentence, and the signal's reason.
 */
export async function familyOfNode(parts: NodeFamilyParts): Promise<string> {
  const { families, id, signal } = parts;
  const ask = asking(parts);
  try {
    const backbones = await backbonesOf(ask, parts);
    const chosen = backbones.find(({ family }) => family === id) ?? backbones[0];
    if (!chosen) throw new CatalogueError('network', 'The edge node serves no model family.');
    // By the backbone: a node that is given another one under the same name has another family.
    const folder = join(families, '.vocabularies', chosen.sha256.slice(0, 16));
    const tools = {
      wants: 'draft' as const,
      fetch: ask,
      sleep: (ms: number) => sleep(ms, undefined, { signal }),
      freeBytes,
      alone,
      note: () => undefined,
      progress: () => undefined,
      signal,
    };
    const address = `${baseOf(parts)}/v1/families/${chosen.family}/family.json`;
    const pulled = await pullFrom(address, folder, tools).catch(async (error: unknown) => {
      if (!(error instanceof CatalogueError) || error.code !== 'exists') throw error;
      // The node tells something else of the same backbone than it did before.
      await rm(join(folder, chosen.family), { recursive: true, force: true });
      return pullFrom(address, folder, tools);
    });
    return pulled.directory;
  } catch (error) {
    signal.throwIfAborted();
    const sentence = catalogueSentence(error) ?? 'it broke off.';
    throw new Error(`The vocabulary of the edge node's family cannot be had: ${sentence}`, { cause: error });
  }
}

async function backbonesOf(ask: typeof fetch, parts: NodeFamilyParts) {
  const answer = await ask(`${baseOf(parts)}/v1/models`, { signal: parts.signal });
  const models: unknown = await answer.json().catch(() => undefined);
  if (answer.ok && Value.Check(ModelsSchema, models))
    return models.data.filter(({ parent }) => parent === null);
  throw new CatalogueError('network', `it does not say which one it is (${answer.status}).`);
}

function baseOf({ url }: NodeFamilyParts): string {
  const address = readAddress(url);
  return typeof address === 'string' ? url : address.shown;
}

/** Asks with the token. Nothing is followed to another place, since the token would go there. */
function asking({ fetch, token }: NodeFamilyParts): typeof globalThis.fetch {
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(input, { ...init, headers, redirect: 'error' });
  };
}
