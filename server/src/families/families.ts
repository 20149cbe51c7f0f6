/** The families of this machine, and those that it could have. */
import { EngineError, loadFamily } from '@foretype/models';
import {
  cameBefore,
  CatalogueError,
  ggufOf,
  importFrom,
  KNOWN_FAMILIES,
  memoryNeeded,
  needsOf,
  pullFrom,
  pullKnown,
  sizeOf,
  type KnownFamily,
  type Pulled,
  type PullTools,
} from '@foretype/models/catalogue';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { DRAFT_SEQUENCES, fitOf, type MachineFacts } from './fit.ts';
import { alone } from './lock.ts';
import type { FamilyList, FamilyOffer } from './messages.ts';
import { settingOf, type Places } from './place.ts';

/** What installing needs beside what is the same on every laptop. */
export type InstallTools = Omit<PullTools, 'wants' | 'alone' | 'elsewhere'>;

/** Families whose draft can be had alone: of the others nobody knows the backbone that an edge node must have. */
export const OFFERED: readonly KnownFamily[] = KNOWN_FAMILIES.filter(
  ({ backbone }) => backbone.sha256 !== null,
);

/** What this machine could draft with: what is here, then what could be had. Asks no network. */
export async function listFamilies(
  places: Places & { readonly used: string },
  machine: MachineFacts,
  offered = OFFERED,
): Promise<FamilyList> {
  const { used } = places;
  const families: FamilyOffer[] = [];
  const problems: string[] = [];
  for (const directory of new Set([places.standard, ...(await installedIn(places.families)), used])) {
    try {
      families.push({ ...(await offerAt(directory, places, machine)), used: directory === used });
    } catch (error) {
      if (!(error instanceof EngineError || error instanceof CatalogueError)) throw error;
      problems.push(error.message);
    }
  }
  for (const known of offered)
    if (!families.some(({ id }) => id === known.id))
      families.push(await offerOf(known, places.families, machine));
  return { families, problems };
}

/**
 * Downloads the draft of a family of the catalogue, from where an earlier download ended.
 * @throws CatalogueError, what the system says, and the signal's reason.
 */
export async function installFamily(
  id: string,
  families: string,
  tools: InstallTools,
  offered = OFFERED,
): Promise<Pulled> {
  const known = offered.find((one) => one.id === id);
  if (known) return pullKnown(known, families, laptop(tools));
  const names = offered.map((one) => one.id).join(', ');
  throw new CatalogueError(
    'unknown',
    `The catalogue has no family ${JSON.stringify(id)}; it has ${names || 'none'}.`,
  );
}

/**
 * Installs a family from a folder or an address of one.
 * @throws CatalogueError, EngineError, what the system says, and the signal's reason.
 */
export async function importFamily(from: string, families: string, tools: InstallTools): Promise<Pulled> {
  if (/^https?:\/\//i.test(from)) return pullFrom(from, families, laptop(tools));
  if (isAbsolute(from)) return importFrom(from, families, laptop(tools));
  throw new CatalogueError(
    'usage',
    `${JSON.stringify(from)} is no family: expected the absolute path of a folder with a family.json in it, or its http(s) address.`,
  );
}

function laptop(tools: InstallTools): PullTools {
  return { ...tools, wants: 'draft', alone };
}

async function installedIn(families: string): Promise<string[]> {
  const names = await readdir(families).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).map((name) => join(families, name));
}

/** @throws EngineError, CatalogueError where nothing can be drafted with what is there */
async function offerAt(
  directory: string,
  places: Places,
  machine: MachineFacts,
): Promise<Omit<FamilyOffer, 'used'>> {
  const { id, licence, context, draft } = await loadFamily(directory);
  const size = await sizeOf(draft.path);
  if (size !== draft.bytes)
    throw new CatalogueError(
      'damaged',
      `${draft.path} has ${size} bytes, expected ${draft.bytes}; install the model family ${id} again.`,
    );
  const needs = await needsOf(draft, context, DRAFT_SEQUENCES);
  const setting = settingOf(directory, places);
  const known = KNOWN_FAMILIES.find((one) => one.id === id);
  return {
    id,
    where: setting === '' ? 'embedded' : isAbsolute(setting) ? 'elsewhere' : 'installed',
    setting,
    parameters: known?.parameters[1] ?? (await parametersOf(draft.path)),
    bytes: draft.bytes,
    came: draft.bytes,
    licence,
    note: known?.note ?? null,
    fit: fitOf(machine, { bytes: draft.bytes, context, needs, toCome: 0 }),
  };
}

async function offerOf(known: KnownFamily, families: string, machine: MachineFacts): Promise<FamilyOffer> {
  const { id, licence, note, context, kvPerToken, parameters } = known;
  const { bytes, file } = known.draft;
  const came = Math.min(bytes, await cameBefore(families, id, file));
  const facts = { weights: bytes, kvPerToken: kvPerToken.draft, context, sequences: DRAFT_SEQUENCES };
  const needs = memoryNeeded(facts);
  return {
    id,
    where: 'catalogue',
    setting: null,
    used: false,
    parameters: parameters[1],
    bytes,
    came,
    licence,
    note: note ?? null,
    fit: fitOf(machine, { bytes, context, needs, toCome: bytes - came }),
  };
}

async function parametersOf(path: string): Promise<string> {
  const { tensors } = await ggufOf(path);
  const sizes = tensors.map(({ shape }) => shape.reduce((product, length) => product * length, 1));
  const count = sizes.reduce((sum, size) => sum + size, 0);
  return count < 1e8 ? `${(count / 1e6).toPrecision(2)} M` : `${(count / 1e9).toPrecision(2)} B`;
}
