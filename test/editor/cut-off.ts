import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** What to put before a command so that it, and all that it starts, runs in a network of its own with loopback only. */
type Wrapper = readonly string[];

const LOOPBACK = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

/**
 * Cuts the network by a namespace of Linux's own. Sockets that are files are reached from outside all the same.
 * @throws Error where this machine makes no such namespace, since a test that went on without would show nothing.
 */
export function cutOff(): Wrapper {
  const reasons = [];
  // Who is not root needs a user namespace around it; where those are forbidden, root can still do without.
  for (const flags of [['--net'], ['--map-root-user', '--net']]) {
    const wrapper = ['unshare', ...flags, '--', ...LOOPBACK];
    const tried = spawnSync(wrapper[0]!, [...wrapper.slice(1), 'true'], { encoding: 'utf8' });
    if (tried.status === 0) return wrapper;
    reasons.push(tried.error?.message ?? tried.stderr.trim());
  }
  throw new Error(
    'Nothing can be shown about working off-line where no network namespace can be made: run the tests as root ' +
      '(in a container, with CAP_SYS_ADMIN) or allow user namespaces, and install util-linux and iproute2 ' +
      `(${reasons.join('; ')}).`,
  );
}

export interface Attempts {
  /** Connections, datagrams and look-ups of names that were to leave the machine, or that nobody listened for. */
  readonly away: number;
  /** Connections by TCP to the machine itself. */
  readonly loopback: number;
}

/**
 * What a process and all others in its network namespace tried to reach, as the kernel counted it: in whatever language
 * they are written, and whatever became of it. Readable while the process runs.
 */
export async function attemptsOf(pid: number): Promise<Attempts> {
  const read = (file: string) => readFile(`/proc/${pid}/net/${file}`, 'utf8');
  const counters = new Map([...countersOf4(await read('snmp')), ...countersOf6(await read('snmp6'))]);
  const sum = (...names: readonly string[]) =>
    names.reduce((total, name) => {
      const count = counters.get(name);
      if (count === undefined || Number.isNaN(count)) throw new Error(`This kernel does not count ${name}.`);
      return total + count;
    }, 0);
  return {
    away: sum('Ip:OutNoRoutes', 'Udp:NoPorts', 'Ip6OutNoRoutes', 'Udp6NoPorts'),
    loopback: sum('Tcp:ActiveOpens'),
  };
}

/** Runs JavaScript where the network is cut and tells what it tried; it writes a line when it is through. */
export async function attemptsOfScript(script: string): Promise<Attempts> {
  const [command, ...args] = [...cutOff(), process.execPath, '--eval', script] as const;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    return await attemptsOf(child.pid!);
  } finally {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}

/** By protocol a line of names, then one of values in the same order. */
function countersOf4(table: string): [name: string, count: number][] {
  const lines = table.split('\n').map((line) => line.split(' '));
  return lines.flatMap(([protocol = '', ...names], index) => {
    const [next, ...values] = lines[index + 1] ?? [];
    if (index % 2 > 0 || next !== protocol) return [];
    return names.map((name, column): [string, number] => [`${protocol}${name}`, Number(values[column])]);
  });
}

/** A name and a value to a line. */
function countersOf6(table: string): [name: string, count: number][] {
  return table.split('\n').map((line) => {
    const [name = '', value] = line.split(/\s+/);
    return [name, Number(value)];
  });
}
