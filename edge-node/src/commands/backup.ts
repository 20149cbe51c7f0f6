import { sizeText } from '@foretype/models/catalogue';
import { copyFile, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Blocks } from '../adapters/blocks.ts';
import { alone } from '../adapters/lock.ts';
import { CONFIG_FILE } from '../config.ts';
import { systemCode } from '@foretype/models/catalogue';
import { backupTo, DATABASE_FILE } from '../state/database.ts';
import type { CommandIo } from './io.ts';
import { CommandError } from './problem.ts';
import type { Asked } from './run.ts';
import { blocksIn, openState } from '../state/state.ts';

/**
 * Copies what the node remembers to a new folder, which is a state directory itself: copied back, or named with `--state`,
 * it is what the node remembered. It is there whole or not at all. Weights are not in it: they can be had again.
 */
export async function backup({ words, config }: Asked, io: CommandIo): Promise<void> {
  const folder = resolve(words[0]!);
  const found = await lstat(folder).catch(() => undefined);
  if (found) throw new CommandError('exists', `The folder ${folder} exists already; name a new one.`);
  // Nothing is made where nothing is: a wrong --state would give a backup of an empty node.
  if (!(await lstat(join(config.state, DATABASE_FILE)).catch(() => undefined)))
    throw new CommandError(
      'unknown',
      `There is no node's state in ${config.state}; name its folder with --state.`,
    );
  const beside = `${folder}.new`;
  await mkdir(dirname(folder), { recursive: true });
  using state = openState(config.state, io);
  const blocks = blocksIn(config.state);
  try {
    await mkdir(blocksIn(beside), { recursive: true, mode: 0o700 });
    // Nobody may remove a block between the copy of the database and that of what it counts on.
    const bytes = await alone(`${blocks}.lock`, async () => {
      await backupTo(state.database, join(beside, DATABASE_FILE));
      return copyBlocks(new Blocks(blocks), beside);
    });
    const settings = await copyIfThere(join(config.state, CONFIG_FILE), join(beside, CONFIG_FILE));
    await settle(beside);
    await rename(beside, folder);
    const parts = [
      'the database',
      `${sizeText(bytes)} of adapters`,
      ...(settings ? ['the configuration'] : []),
    ];
    io.out(`${folder} has ${parts.join(', ')}.`);
    io.err('Families that were pulled are not in it; pull them again.');
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}

/** Copies what the copied database counts on, and so finds what is damaged while the copy before may still be there. */
async function copyBlocks(from: Blocks, folder: string): Promise<number> {
  const to = new Blocks(blocksIn(folder));
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  // All of it in one file; whoever opens it to serve sets another mode again.
  database.exec('PRAGMA journal_mode = DELETE');
  const ids = database.prepare('SELECT DISTINCT block FROM piece').all();
  database.close();
  let bytes = 0;
  for (const row of ids) {
    const id = String(row['block']);
    const block = await from.get(id).catch((cause: unknown) => {
      const message = `The block ${id} of an adapter is missing or damaged; add the adapter again, or restore an older backup.`;
      throw new CommandError('damaged', message, { cause });
    });
    await to.put(block);
    bytes += block.length;
  }
  return bytes;
}

async function copyIfThere(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** What is renamed next must not be lost with the power. */
async function settle(folder: string): Promise<void> {
  const database = await open(join(folder, DATABASE_FILE), 'r+');
  try {
    await database.chmod(0o600);
    await database.sync();
  } finally {
    await database.close();
  }
}
