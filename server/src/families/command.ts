/** `foretype families`: what the editors' own choice of a family does, for those that have none. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import {
  catalogueSentence,
  freeBytes,
  progressLines,
  sizeText,
  type Pulled,
} from '@foretype/models/catalogue';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Network } from '../network.ts';
import { readSettings } from '../settings.ts';
import { importFamily, installFamily, listFamilies, type InstallTools } from './families.ts';
import type { MachineFacts } from './fit.ts';
import { machineFacts } from './machine.ts';
import type { FamilyList } from './messages.ts';
import { fetchThrough } from './fetch.ts';
import { familiesDirectory, settingOf, type Places } from './place.ts';
import { removeFamily } from './remove.ts';

export interface FamiliesIo {
  readonly places: Places;
  readonly machine: () => Promise<MachineFacts>;
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  /** A line of what was asked for. */
  readonly out: (line: string) => void;
  /** A line about what is going on, or went wrong. */
  readonly err: (line: string) => void;
  /** Where the user sends the command away. */
  readonly signal: AbortSignal;
}

/** This process, its terminal, its machine and its network. */
export function familiesIo(signal: AbortSignal): FamiliesIo {
  const { env, platform } = process;
  const families = familiesDirectory({ platform, env, home: homedir() });
  return {
    places: { standard: env['FORETYPE_FAMILY'] ?? EMBEDDED_FAMILY, families },
    machine: () => machineFacts(families),
    fetch: fetchThrough(new Network(readSettings({}).settings, env)),
    now: () => new Date(),
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    signal,
  };
}

export type FamiliesTask =
  | { readonly name: 'list'; readonly json: boolean }
  /** A name of the catalogue or an address; a folder or an address. */
  | { readonly name: 'pull' | 'import'; readonly from: string }
  | { readonly name: 'remove'; readonly id: string };

/** The task that words behind `families` mean; undefined where they mean none. */
export function familiesTask(words: readonly string[], json: boolean): FamiliesTask | undefined {
  const [name = 'list', from, ...more] = words;
  if (name === 'list') return from === undefined ? { name, json } : undefined;
  if (from === undefined || more.length > 0) return undefined;
  if (name === 'remove') return { name, id: from };
  if (name !== 'pull' && name !== 'import') return undefined;
  return { name, from: name === 'pull' || isAddress(from) ? from : resolve(from) };
}

function isAddress(from: string): boolean {
  return /^https?:\/\//i.test(from);
}

/** Carries a task out. @throws Error with one sentence */
export async function runFamilies(task: FamiliesTask, io: FamiliesIo): Promise<void> {
  const { places } = io;
  if (task.name === 'list') {
    const list = await listFamilies({ ...places, used: places.standard }, await io.machine());
    if (task.json) io.out(JSON.stringify(list, null, 2));
    else lines(list).forEach(io.out);
    return;
  }
  if (task.name === 'remove') {
    await remove(task.id, places);
    io.out(`${task.id} is removed.`);
    io.err('An editor whose setting "family" names it needs another one now.');
    return;
  }
  const { directory, family, already } = await got(task, io);
  io.out(
    already
      ? `${family.id} is installed already, in ${directory}.`
      : `${family.id} is installed in ${directory}.`,
  );
  io.err(`Draft with it by the setting "family": ${JSON.stringify(settingOf(directory, places))}.`);
}

async function remove(id: string, places: Places): Promise<void> {
  // What editors use only they know.
  await removeFamily(id, () => ({ ...places, used: places.standard })).catch((error: unknown) => {
    throw told(error);
  });
}

async function got({ name, from }: Extract<FamiliesTask, { from: string }>, io: FamiliesIo): Promise<Pulled> {
  const { families } = io.places;
  const tools: InstallTools = {
    fetch: io.fetch,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    freeBytes,
    note: io.err,
    progress: progressLines(io.now, io.err),
    signal: io.signal,
  };
  try {
    const named = name === 'pull' && !isAddress(from);
    return named ? await installFamily(from, families, tools) : await importFamily(from, families, tools);
  } catch (error) {
    if (io.signal.aborted)
      throw new Error('It was called off; what came is kept, and goes on when you ask again.', {
        cause: error,
      });
    throw told(error);
  }
}

/** An error as a person is told of it; a fault of ours as it is. */
function told(error: unknown): unknown {
  const sentence = catalogueSentence(error);
  return sentence === undefined ? error : new Error(sentence, { cause: error });
}

function lines({ families, problems }: FamilyList): string[] {
  const shown = families.map(({ id, where, parameters, bytes, licence, note, fit, came }) => {
    const there = where === 'catalogue' ? (came > 0 ? 'begun' : 'to be had') : where;
    const head = [id, there, parameters ?? '?', sizeText(bytes), licence, fit.verdict].join(' · ');
    return [head, `  ${fit.sentence}`, ...(note === null ? [] : [`  ${note}`])];
  });
  return [...shown.flat(), ...problems];
}
