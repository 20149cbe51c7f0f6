/** Pure: what the facts about a machine and its node mean for whoever runs it. */
import { memoryText, sizeText } from '@foretype/models/catalogue';

export interface Finding {
  /** What was looked at. */
  readonly check: string;
  /** `fail` is what keeps the node from running or from being trusted. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, one sentence. */
  readonly says: string;
  /** What to do, one sentence; absent where there is nothing. */
  readonly mend?: string;
}

const MIB = 1024 ** 2;
const DAY = 86_400_000;

export interface CpuFacts {
  /** As Node names it. */
  readonly architecture: string;
  readonly cores: number;
  /** The setting. */
  readonly threads: number;
  /** As the system names them; undefined where it does not tell. */
  readonly features: ReadonlySet<string> | undefined;
}

/** The instructions without which the engine is many times slower, by architecture. */
const WANTED: Readonly<Record<string, string>> = { x64: 'avx2', arm64: 'asimd' };

export function judgeCpu({ architecture, cores, threads, features }: CpuFacts): Finding {
  const check = 'processor';
  const wanted = WANTED[architecture];
  const about = `${cores} cores (${architecture})`;
  if (threads > cores) {
    const says = `The node evaluates with ${threads} threads on ${about}, which makes it slower than fewer do.`;
    return { check, status: 'warn', says, mend: `Set --threads to ${cores} or less.` };
  }
  if (wanted === undefined) {
    const says = `Nothing is known of how fast the engine is on ${about}.`;
    return { check, status: 'warn', says, mend: 'Prefer x64 or arm64.' };
  }
  if (features && !features.has(wanted)) {
    const says = `It has ${about} without ${wanted.toUpperCase()}, so that the engine is many times slower.`;
    return {
      check,
      status: 'warn',
      says,
      mend: 'In a virtual machine, hand the instructions of its host through.',
    };
  }
  return { check, status: 'ok', says: `It has ${about}${features ? ` with ${wanted.toUpperCase()}` : ''}.` };
}

export interface MemoryState {
  /** Bytes that this process may have. */
  readonly total: number;
  /** Bytes that are free now; undefined where the system does not tell. */
  readonly available: number | undefined;
  /** The setting, in bytes; 0 for no bound. */
  readonly budget: number;
  /** What the families that are served need together, in bytes, about. */
  readonly needs: number;
}

export function judgeMemory({ total, available, budget, needs }: MemoryState): Finding {
  const check = 'memory';
  const about = `The families need about ${memoryText(needs)} without adapters that were added`;
  if (budget > 0 && needs > budget) {
    const says = `${about}, more than the bound of ${memoryText(budget)}.`;
    return {
      check,
      status: 'fail',
      says,
      mend: 'Raise --memory, lower --sequences, or serve a smaller family.',
    };
  }
  if (needs > total) {
    const says = `${about}, more than the ${memoryText(total)} of the machine.`;
    return { check, status: 'fail', says, mend: 'Lower --sequences, or serve a smaller family.' };
  }
  if (budget > total) {
    const says = `The bound of ${memoryText(budget)} is more than the ${memoryText(total)} of the machine.`;
    return { check, status: 'warn', says, mend: 'Lower --memory.' };
  }
  if (available !== undefined && needs > available) {
    const says = `${about}, and ${memoryText(available)} are free now.`;
    return {
      check,
      status: 'warn',
      says,
      mend: 'If the node does not run already, end what takes the memory.',
    };
  }
  return { check, status: 'ok', says: `${about}, of ${memoryText(budget || total)}.` };
}

export interface FileFacts {
  readonly family: string;
  /** One sentence for each file that is not what it should be. */
  readonly problems: readonly string[];
  readonly files: number;
}

export function judgeFiles({ family, problems, files }: FileFacts): Finding {
  const check = `family ${family}`;
  if (problems.length === 0)
    return { check, status: 'ok', says: `All ${files} files are what they should be.` };
  return { check, status: 'fail', says: problems.join(' '), mend: 'Install the model family again.' };
}

export interface PortFacts {
  readonly host: string;
  readonly port: number;
  /** `node` is an edge node that answers there; otherwise the system's name for why it cannot be listened on. */
  readonly found: 'free' | 'node' | (string & {});
}

export function judgePort({ host, port, found }: PortFacts): Finding {
  const check = 'port';
  const address = `${host}:${port}`;
  if (found === 'free') return { check, status: 'ok', says: `${address} is free.` };
  if (found === 'node') return { check, status: 'ok', says: `A node answers at ${address}.` };
  const [says, mend] = UNUSABLE[found] ?? [
    `cannot be listened on (${found})`,
    'Choose another with --host and --port.',
  ];
  return { check, status: 'fail', says: `${address} ${says}.`, mend };
}

const UNUSABLE: Readonly<Record<string, readonly [says: string, mend: string]>> = {
  EADDRINUSE: ['is in use by something else', 'Stop what listens there, or choose another with --port.'],
  EACCES: ['is not open to this user', 'Choose a port above 1023 with --port.'],
  EADDRNOTAVAIL: ['does not belong to this machine', 'Choose an address of this machine with --host.'],
  ENOTFOUND: ['has no such host', 'Choose an address of this machine with --host.'],
};

/** What the certificate's files say; a text is why they cannot be read. */
export type CertificateFacts =
  | { readonly problem: string }
  | {
      readonly subject: string;
      readonly from: Date;
      readonly to: Date;
      readonly keyMatches: boolean;
      /** Permission bits of the key's file. */
      readonly keyMode: number;
    };

/** @param facts undefined where the node has none. */
export function judgeCertificate(facts: CertificateFacts | undefined, host: string, now: Date): Finding {
  const check = 'certificate';
  if (!facts) {
    if (isLoopback(host)) return { check, status: 'ok', says: 'None is needed on loopback.' };
    const says = `The node listens on ${host} without TLS: whoever is on the way reads tokens and code.`;
    return {
      check,
      status: 'warn',
      says,
      mend: 'Set --tls-cert and --tls-key, or put a proxy with TLS before it.',
    };
  }
  if ('problem' in facts)
    return { check, status: 'fail', says: facts.problem, mend: 'Look at --tls-cert and --tls-key.' };
  const { subject, from, to, keyMatches, keyMode } = facts;
  const day = (date: Date) => date.toISOString().slice(0, 10);
  const renew = 'Get a new certificate, and start the node again.';
  if (!keyMatches)
    return {
      check,
      status: 'fail',
      says: `The key does not belong to the certificate of ${subject}.`,
      mend: 'Name the key that the certificate was made with in --tls-key.',
    };
  if (to <= now)
    return { check, status: 'fail', says: `The certificate of ${subject} ended on ${day(to)}.`, mend: renew };
  if (from > now)
    return {
      check,
      status: 'fail',
      says: `The certificate of ${subject} begins on ${day(from)} only.`,
      mend: 'Set the clock, or wait.',
    };
  if (keyMode & 0o077)
    return {
      check,
      status: 'warn',
      says: 'The key can be read by other users.',
      mend: 'Let only the user of the node read it (chmod 600).',
    };
  const days = Math.floor((to.getTime() - now.getTime()) / DAY);
  if (days < 21)
    return {
      check,
      status: 'warn',
      says: `The certificate of ${subject} ends in ${days} days.`,
      mend: renew,
    };
  return { check, status: 'ok', says: `The certificate of ${subject} is valid until ${day(to)}.` };
}

export interface StateFacts {
  readonly directory: string;
  /** One sentence on why the state cannot be used. */
  readonly problem?: string;
  readonly exists: boolean;
  /** Permission bits of the directory. */
  readonly mode: number;
  /** What SQLite says of the database; `ok` where it is whole. */
  readonly integrity: string;
  /** Tokens that are valid now, and those of them that are an admin's. */
  readonly tokens: { readonly valid: number; readonly admin: number };
  /** Adapters of which something is missing. */
  readonly incomplete: readonly string[];
  /** Whether an older version made the database. */
  readonly outdated: boolean;
}

export function judgeState(facts: StateFacts): Finding {
  const check = 'state';
  const { directory, problem, exists, mode, integrity, tokens, incomplete, outdated } = facts;
  if (problem !== undefined) return { check, status: 'fail', says: problem };
  if (!exists)
    return {
      check,
      status: 'warn',
      says: `There is no node's state in ${directory} yet.`,
      mend: 'Make it with foretype-edge init.',
    };
  if (integrity !== 'ok')
    return {
      check,
      status: 'fail',
      says: `The database in ${directory} is damaged (${integrity.split('\n', 1)[0]!}).`,
      mend: 'Restore a backup.',
    };
  if (incomplete.length > 0)
    return {
      check,
      status: 'fail',
      says: `Parts of ${incomplete.join(', ')} are missing on the disk.`,
      mend: 'Remove and add what is named there, or restore a backup.',
    };
  if (mode & 0o077)
    return {
      check,
      status: 'warn',
      says: `${directory} is open to other users.`,
      mend: 'Let only the user of the node in (chmod 700).',
    };
  if (tokens.admin === 0)
    return {
      check,
      status: 'warn',
      says: `Of ${tokens.valid} valid tokens none is an admin's.`,
      mend: 'Make one with foretype-edge token create NAME --admin.',
    };
  const next = outdated ? '; its database will be brought up to date at the next start' : '';
  return { check, status: 'ok', says: `${directory} is whole; valid tokens: ${tokens.valid}${next}.` };
}

/** Nothing of this was there before. */
const EARLIEST = new Date('2026-01-01T00:00:00Z');

/** @param newest the last time that the database remembers. */
export function judgeClock(now: Date, newest: Date | undefined): Finding {
  const check = 'clock';
  const set = 'Have the clock set by the network (NTP).';
  if (now < EARLIEST)
    return {
      check,
      status: 'fail',
      says: `The clock stands at ${now.toISOString()}, which is past.`,
      mend: set,
    };
  if (newest && newest.getTime() > now.getTime() + 60_000)
    return {
      check,
      status: 'warn',
      says: `The clock stands at ${now.toISOString()}, before something that was done at ${newest.toISOString()}: tokens end later than they should.`,
      mend: set,
    };
  return { check, status: 'ok', says: `The clock stands at ${now.toISOString()}.` };
}

/** @param free bytes. */
export function judgeDisk(directory: string, free: number): Finding {
  const check = 'disk';
  const says = `There are ${sizeText(free)} free at ${directory}.`;
  if (free < 128 * MIB) return { check, status: 'fail', says, mend: 'Make room.' };
  if (free < 2048 * MIB)
    return { check, status: 'warn', says, mend: 'Make room before an adapter or a family is added.' };
  return { check, status: 'ok', says };
}

/** @param problem why the native library cannot load a model. */
export function judgeEngine(problem: string | undefined): Finding {
  const check = 'engine';
  if (problem === undefined) return { check, status: 'ok', says: 'The native library loads a model.' };
  const mend = 'Install again with npm ci on this machine; the node needs glibc, not musl.';
  return { check, status: 'fail', says: problem, mend };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
