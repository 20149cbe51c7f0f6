import { EngineError, loadFamily, type Family } from '@foretype/models';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { json } from 'node:stream/consumers';
import { Blocks } from '../adapters/blocks.ts';
import type { CommandIo } from '../commands/io.ts';
import { sentenceOf } from '../commands/problem.ts';
import { blocksIn, openState } from '../state/state.ts';
import type { Config } from '../config.ts';
import { needsOf, sha256Of, systemCode } from '@foretype/models/catalogue';
import { backupTo, DATABASE_FILE } from '../state/database.ts';
import type { CertificateFacts, FileFacts, PortFacts, StateFacts } from './judge.ts';

/** What a processor can do, as Linux tells; undefined elsewhere. */
export async function cpuFeatures(): Promise<ReadonlySet<string> | undefined> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => undefined);
  const [, features] = /^(?:flags|Features)\s*:(.*)$/m.exec(text ?? '') ?? [];
  return features === undefined ? undefined : new Set(features.trim().split(/\s+/));
}

/** Bytes that are free now, as Linux tells; undefined elsewhere. */
export async function availableMemory(): Promise<number | undefined> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => undefined);
  const [, kib] = /^MemAvailable:\s*(\d+) kB$/m.exec(text ?? '') ?? [];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

export interface FamilyProbe {
  readonly files: FileFacts;
  /** Bytes of memory, about; null where the files do not tell. */
  readonly needs: number | null;
}

/** Reads all files that a node needs of a family, of which the draft is none. */
export async function probeFamily(directory: string, sequences: number): Promise<FamilyProbe> {
  let family;
  try {
    family = await loadFamily(directory);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { files: { family: directory, problems: [error.message], files: 0 }, needs: null };
  }
  const weights = [family.backbone, ...family.adapters];
  const found = await Promise.all(weights.map(problemOf));
  const problems = found.filter((problem) => problem !== undefined);
  const needs = found[0] === undefined ? await needsOf(family.backbone, family.context, sequences) : null;
  return { files: { family: family.id, problems, files: weights.length }, needs };
}

async function problemOf({ path, bytes, sha256 }: Family['backbone']): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return `${path} is missing.`;
  if (found.size !== bytes) return `${path} has ${found.size} bytes, expected ${bytes}.`;
  try {
    return (await sha256Of(path)) === sha256 ? undefined : `${path} is damaged.`;
  } catch (error) {
    return `${path} cannot be read (${systemCode(error)}).`;
  }
}

export async function probePort({ host, port }: Config): Promise<PortFacts> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return { host, port, found: 'free' };
  } catch (error) {
    const code = systemCode(error);
    const found = code === 'EADDRINUSE' && (await nodeAnswers(host, port)) ? 'node' : code;
    return { host, port, found };
  } finally {
    server.close();
  }
}

async function nodeAnswers(hostname: string, port: number): Promise<boolean> {
  // Nothing is told to whoever answers, so that its certificate, which rarely names this address, does not matter.
  const options = { hostname, port, path: '/health', timeout: 2_000, rejectUnauthorized: false };
  const looks = [http.get(options), https.get(options)].map(async (request) => {
    request.once('timeout', () => request.destroy(new Error('Nobody answers.')));
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const health = (await json(answer)) as Partial<Record<string, unknown>> | null;
    if (health?.['engine'] === undefined) throw new Error('Something else answers.');
  });
  return Promise.any(looks).then(
    () => true,
    () => false,
  );
}

/** @returns undefined where the node has no certificate. */
export function probeCertificate({ tlsCert, tlsKey }: Config): CertificateFacts | undefined {
  if (tlsCert === '') return undefined;
  let certificate;
  try {
    certificate = new X509Certificate(readFileSync(tlsCert));
  } catch (error) {
    return { problem: `The certificate ${tlsCert} cannot be read (${systemCode(error)}).` };
  }
  try {
    return {
      subject: certificate.subjectAltName ?? certificate.subject,
      from: certificate.validFromDate,
      to: certificate.validToDate,
      keyMatches: certificate.checkPrivateKey(createPrivateKey(readFileSync(tlsKey))),
      keyMode: statSync(tlsKey).mode & 0o777,
    };
  } catch (error) {
    return { problem: `The key ${tlsKey} cannot be read (${systemCode(error)}).` };
  }
}

export interface StateProbe {
  readonly state: StateFacts;
  /** The last time that the database remembers. */
  readonly newest: Date | undefined;
}

/**
 * Looks into the state directory, which it does not make, and of whose database it reads a copy: opened as the node does,
 * an older one would be brought up to date, and a backup made before would be needed to go back.
 */
export async function probeState(
  directory: string,
  io: Pick<CommandIo, 'random' | 'now'>,
): Promise<StateProbe> {
  const nothing = { integrity: 'ok', tokens: { valid: 0, admin: 0 }, incomplete: [], outdated: false };
  if (!existsSync(join(directory, DATABASE_FILE)))
    return { state: { directory, exists: false, mode: 0, ...nothing }, newest: undefined };
  const copy = await mkdtemp(join(tmpdir(), 'foretype-doctor-'));
  try {
    const before = await copyTo(copy, directory);
    using state = openState(copy, io);
    const tokens = state.tokens.list();
    const valid = tokens.filter(
      ({ revoked, expires }) => revoked === null && (expires === null || expires > io.now()),
    );
    const versions = state.adapters.versions();
    const blocks = new Blocks(blocksIn(directory));
    const incomplete: string[] = [];
    for (const { id, adapter, number } of versions) {
      const there = await Promise.all(state.adapters.pieces(id).map(({ block }) => blocks.has(block)));
      if (there.includes(false)) incomplete.push(`${adapter}@${number}`);
    }
    const times = [...tokens, ...versions].map(({ created }) => created.getTime());
    const { quick_check: integrity } = state.database.prepare('PRAGMA quick_check').get()!;
    return {
      state: {
        directory,
        exists: true,
        mode: statSync(directory).mode & 0o777,
        integrity: String(integrity),
        tokens: {
          valid: valid.length,
          admin: valid.filter(({ account }) => account.role === 'admin').length,
        },
        incomplete,
        outdated: before < versionOf(state.database),
      },
      newest: times.length > 0 ? new Date(Math.max(...times)) : undefined,
    };
  } catch (error) {
    const problem = sentenceOf(error);
    if (problem === undefined) throw error;
    const where = problem.replaceAll(copy, directory);
    return { state: { directory, exists: true, mode: 0, ...nothing, problem: where }, newest: undefined };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Copies the database, which it does not change. @returns the version of its tables. */
async function copyTo(folder: string, directory: string): Promise<number> {
  const database = new DatabaseSync(join(directory, DATABASE_FILE), { readOnly: true });
  try {
    const version = versionOf(database);
    await backupTo(database, join(folder, DATABASE_FILE));
    return version;
  } finally {
    database.close();
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()!['user_version']);
}
