import { EMBEDDED_FAMILY, EngineError, loadFamily } from '@foretype/models';
import {
  importFrom,
  KNOWN_FAMILIES,
  memoryNeeded,
  memoryText,
  needsOf,
  progressLines,
  pullFrom,
  pullKnown,
  sizeText,
  type KnownFamily,
  type Pulled,
  type PullTools,
} from '@foretype/models/catalogue';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { alone } from '../adapters/lock.ts';
import { familiesOf, type Config } from '../config.ts';
import type { CommandIo } from './io.ts';
import { CommandError } from './problem.ts';
import type { Asked } from './run.ts';
import { familiesIn } from '../state/state.ts';
import { jsonText, table } from './text.ts';

interface Listed {
  readonly id: string;
  readonly licence: string;
  /** `built in`, `installed`, `elsewhere` (named in the settings) or `catalogue`. */
  readonly where: string;
  /** Null in the catalogue. */
  readonly directory: string | null;
  readonly served: boolean;
  /** Bytes of the backbone and the draft. */
  readonly bytes: number;
  /** Bytes of memory that a node needs for it, about; null where its files do not tell. */
  readonly needs: number | null;
  readonly fits: boolean | null;
  readonly note: string | null;
}

export async function list({ options, config }: Asked, io: CommandIo): Promise<void> {
  const served = familiesOf(config).map((directory) => resolve(directory));
  const families = familiesIn(config.state);
  const names = await readdir(families).catch(() => []);
  const installed = names.filter((name) => !name.startsWith('.')).map((name) => resolve(families, name));
  const found = new Map([
    [EMBEDDED_FAMILY, 'built in'],
    ...installed.map((directory): [string, string] => [directory, 'installed']),
    ...served
      .filter((directory) => directory !== EMBEDDED_FAMILY && !installed.includes(directory))
      .map((directory): [string, string] => [directory, 'elsewhere']),
  ]);
  const here: Listed[] = [];
  for (const [directory, where] of found) {
    try {
      const family = await loadFamily(directory);
      const needs = await needsOf(family.backbone, family.context, config.sequences);
      const bytes = family.backbone.bytes + family.draft.bytes;
      const about = {
        where,
        directory,
        served: served.includes(directory),
        bytes,
        needs,
        fits: fits(needs, config, io),
        note: null,
      };
      here.push({ id: family.id, licence: family.licence, ...about });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      io.err(error.message);
    }
  }
  const known = KNOWN_FAMILIES.filter(({ id }) => !here.some((one) => one.id === id)).map((one): Listed => {
    const needs = needsOfKnown(one, config);
    const bytes = one.backbone.bytes + one.draft.bytes;
    return {
      id: one.id,
      licence: one.licence,
      where: 'catalogue',
      directory: null,
      served: false,
      bytes,
      needs,
      fits: fits(needs, config, io),
      note: one.note ?? null,
    };
  });
  const all = [...here, ...known];
  if (options.has('json')) {
    io.out(jsonText(all));
    return;
  }
  const rows = all.map((one) => [
    one.id,
    one.served ? `${one.where}, served` : one.where,
    sizeText(one.bytes),
    one.needs === null ? '?' : memoryText(one.needs),
    one.fits === null ? '?' : one.fits ? 'yes' : 'no',
    one.licence,
  ]);
  for (const line of table([['FAMILY', 'WHERE', 'FILES', 'MEMORY', 'FITS', 'LICENCE'], ...rows]))
    io.out(line);
  for (const { id, note } of all) if (note !== null) io.out(`${id}: ${note}`);
}

export async function pull({ words, config }: Asked, io: CommandIo): Promise<void> {
  const [which] = words as [string];
  const tools: PullTools = {
    ...io,
    wants: 'backbone',
    elsewhere: '--state',
    alone,
    note: io.err,
    progress: progressLines(io.now, io.err),
  };
  const known = KNOWN_FAMILIES.find(({ id }) => id === which);
  if (known) {
    if (known.note !== undefined) io.err(`${known.licence}: ${known.note}`);
    const needs = needsOfKnown(known, config);
    if (!fits(needs, config, io)) io.err(tooLarge(known.id, needs));
  }
  const { family, directory, already } = await pulled(which, known, familiesIn(config.state), tools);
  io.out(
    already
      ? `${family.id} is installed already, in ${directory}.`
      : `${family.id} is installed in ${directory}.`,
  );
  const needs = await needsOf(family.backbone, family.context, config.sequences);
  if (!known && fits(needs, config, io) === false) io.err(tooLarge(family.id, needs!));
  io.err(`Serve it with --family ${directory}.`);
}

async function pulled(
  which: string,
  known: KnownFamily | undefined,
  families: string,
  tools: PullTools,
): Promise<Pulled> {
  if (known) return pullKnown(known, families, tools);
  if (/^https?:\/\//i.test(which)) return pullFrom(which, families, tools);
  const folder = resolve(which);
  if (await stat(join(folder, 'family.json')).catch(() => undefined))
    return importFrom(folder, families, tools);
  const names = KNOWN_FAMILIES.map(({ id }) => id).join(', ');
  const expected = `a name of the catalogue (${names}), a URL, or a folder with a family.json in it`;
  throw new CommandError('unknown', `${JSON.stringify(which)} is no family: expected ${expected}.`);
}

function needsOfKnown({ backbone, kvPerToken, context }: KnownFamily, { sequences }: Config): number {
  return memoryNeeded({ weights: backbone.bytes, kvPerToken: kvPerToken.backbone, context, sequences });
}

/** Whether a node could hold it beside nothing else; null where that is not known. */
function fits(needs: number | null, { memory }: Config, { machine }: CommandIo): boolean | null {
  if (needs === null) return null;
  return needs <= (memory === 0 ? machine.memory : Math.min(machine.memory, memory * 1024 ** 2));
}

function tooLarge(id: string, needs: number): string {
  return `${id} needs about ${memoryText(needs)} of memory, more than this node may have (--memory) with so many prompts (--sequences).`;
}
