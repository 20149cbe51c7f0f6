/** One engine process for all hosts of a user that want the same of it. */
import { fork, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { startLinked, type EngineHost, type EngineState } from './host.ts';
import { CHILD, ownProcess, type Link } from './link.ts';
import { tryLock, unlock } from '../lock.ts';
import { meetingDirectory, meetingPlace, type MeetingPlace } from './meeting.ts';
import type { EngineSpec } from './spec.ts';

export interface Sharing {
  /** Version of the product: an engine of another one is left alone. */
  readonly version: string;
  /** One sentence where nothing can be shared, and the engine is the host's own. */
  readonly log: (message: string) => void;
  /** Where sockets stand; a directory for this user where absent. */
  readonly directory?: string | undefined;
}

/** Hosts that find as many KV slots as they asked for; more hosts share what there is. */
const HOSTS = 4;
/** Bytes that the KV slots of all hosts may take. */
const KV_BYTES = 256 * 1024 ** 2;
/** Milliseconds for a process to be started, by this host or another. */
const WITHIN_MS = 20_000;
/** Milliseconds between two looks whether another host has started it. */
const LOOK_MS = 20;
/** Milliseconds after which whoever began to start a process is taken to have given up. */
const LOCK_AGE_MS = 15_000;

/**
 * As `startEngine`, in a process that other hosts of the same user use too, where they want the same model and threads: the
 * first of them starts it, and it ends some seconds after the last has gone. It takes no adapters. Where nothing can be
 * shared it is as `startEngine`.
 */
export function startSharedEngine(
  spec: EngineSpec,
  sharing: Sharing,
  onState: (state: EngineState) => void = () => undefined,
): EngineHost {
  const resources = {
    // The process has another working directory.
    weights: { ...spec.weights, path: resolve(spec.weights.path) },
    sequences: spec.sequences * HOSTS,
    kvBytes: KV_BYTES,
  };
  const wanted = { ...spec, ...resources };
  let alone = false;
  const keepAlone = (why: string) => {
    alone = true;
    sharing.log(`The model cannot be shared with other windows, so that this one has its own: ${why}`);
  };
  const open = async (): Promise<Link> => {
    if (alone) return ownProcess();
    try {
      const directory = sharing.directory ?? (await meetingDirectory());
      const place = await meetingPlace(directory, await wantedBy(wanted, sharing));
      const distrust = () => keepAlone('another model was found in its place.');
      return linkOver(await meet(place), { resources, distrust });
    } catch (error) {
      keepAlone(error instanceof Error ? error.message : String(error));
      return ownProcess();
    }
  };
  return startLinked(spec, open, onState);
}

/** All that hosts must agree on. Code that was changed does not speak to code that was not. */
async function wantedBy({ weights, ...rest }: EngineSpec, { version }: Sharing): Promise<unknown> {
  const { mtimeMs } = await stat(CHILD);
  return [version, CHILD, mtimeMs, process.version, weights.sha256, rest];
}

/** Connects to the process, which is started where there is none. @throws Error, one sentence, where that does not come about. */
async function meet(place: MeetingPlace): Promise<Socket> {
  const deadline = performance.now() + WITHIN_MS;
  while (performance.now() < deadline) {
    const socket = await connect(place.socket);
    if (socket) return socket;
    if (await tryLock(place.lock, LOCK_AGE_MS)) {
      try {
        const started = (await connect(place.socket)) ?? (await start(place));
        if (started) return started;
      } finally {
        await unlock(place.lock);
      }
    }
    await sleep(LOOK_MS);
  }
  throw new Error('The process was not there in time.');
}

/** Undefined where nobody listens. */
async function connect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What a process that was killed left behind refuses.
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

/** Starts the process; whoever does holds the lock. */
async function start({ socket, lock }: MeetingPlace): Promise<Socket | undefined> {
  const directory = dirname(lock);
  if (process.platform !== 'win32') await rm(socket, { force: true });
  const options = {
    execArgv: [],
    // Elsewhere a process outlives the one that started it as it is.
    detached: process.platform === 'win32',
    windowsHide: true,
    cwd: directory,
    // Half of a start is compiling what was compiled before; what nobody else can write may be believed.
    env: { NODE_COMPILE_CACHE: join(directory, 'compiled'), ...process.env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  } as const;
  const child = fork(CHILD, [socket], options as unknown as ForkOptions);
  const ended = Promise.withResolvers<never>();
  child.once('error', (error) => ended.reject(error));
  child.once('exit', () => ended.reject(new Error('The process ended as soon as it was started.')));
  try {
    await Promise.race([once(child, 'message'), ended.promise]);
  } finally {
    ended.promise.catch(() => undefined);
    child.unref();
    if (child.connected) child.disconnect();
  }
  return connect(socket);
}

function linkOver(socket: Socket, more: Pick<Link, 'resources' | 'distrust'>): Link {
  const { promise, resolve: over } = Promise.withResolvers<string>();
  socket.on('error', () => undefined);
  socket.once('close', () => over('ended'));
  return {
    connection: createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket)),
    pid: undefined,
    ended: promise,
    close: async () => {
      socket.destroy();
      await promise;
    },
    drop: () => {
      socket.destroy();
    },
    ...more,
  };
}
