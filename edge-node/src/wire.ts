import { setTimeout as sleep } from 'node:timers/promises';
import { decodeClientFrame, encodeNodeFrame } from './protocol/index.ts';
import { Session, type SessionOptions } from './session.ts';
import type { Target } from './target.ts';

/** The part of a structured log that a connection writes to. */
export interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a connection uses of a WebSocket, as `ws` has it. */
export interface Socket {
  /** Bytes that were sent and did not leave yet. */
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  ping(): void;
  close(code: number, reason: string): void;
  /** Drops the socket without a goodbye. */
  terminate(): void;
  on(event: 'message', listener: (data: Data, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  on(event: 'pong', listener: () => void): unknown;
}

type Data = Buffer | ArrayBuffer | Buffer[];

export interface WireOptions {
  readonly targets: readonly Target[];
  /** See `SessionOptions.client`. */
  readonly client: string;
  /** See `SessionOptions.done`. */
  readonly done?: SessionOptions['done'];
  readonly log: Log;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Milliseconds in which the hello must come. */
  readonly helloWithin: number;
}

/** A socket and its session. */
export interface Connection {
  readonly closed: Promise<unknown>;
  /** Takes on nothing more, and closes when what is under way is done. */
  drain(): void;
  /** Says goodbye at once. */
  leave(): void;
  /** Ends it because its token is not valid any more; `reason` is one sentence. */
  revoke(reason: string): void;
  /** Drops the socket. */
  terminate(): void;
}

/** A laptop that was shut says nothing: without a beat its connection would stay for ever. Milliseconds. */
const BEAT = 30_000;

/** Bytes that may wait for a client which sends but does not read. */
const MAX_UNREAD = 1024 * 1024;

let conversations = 0;

/** Holds a conversation over an open socket until it closes. */
export function converse(
  socket: Socket,
  { targets, client, done, log, now, helloWithin }: WireOptions,
): Connection {
  const session = new Session({
    targets,
    client,
    conversation: `wire ${++conversations}`,
    ...(done && { done }),
    now,
    send: (frame) => {
      if (socket.bufferedAmount > MAX_UNREAD) socket.terminate();
      else socket.send(encodeNodeFrame(frame));
    },
    close: (code, reason) => socket.close(code, closeReason(reason)),
    report: (err) => log.error({ err }, 'fault in a session'),
  });

  const forget = targets.map(({ onRoster }) => onRoster(() => session.renew()));
  const overdue = setTimeout(() => session.overdue(), helloWithin);
  let alive = true;
  const beat = setInterval(() => {
    if (alive) socket.ping();
    else socket.terminate();
    alive = false;
  }, BEAT);

  socket.on('pong', () => (alive = true));
  socket.on('message', (data, isBinary) => {
    alive = true;
    session.receive(isBinary ? decodeClientFrame(bytesOf(data)) : undefined);
  });
  const closed = Promise.withResolvers<undefined>();
  socket.on('close', (code, reason) => {
    closed.resolve(undefined);
    clearTimeout(overdue);
    clearInterval(beat);
    for (const leave of forget) leave();
    session.end();
    log.info({ code, reason: reason.toString() }, 'connection closed');
  });

  return {
    closed: closed.promise,
    drain: () => session.drain(),
    leave: () => session.leave(),
    revoke: (reason) => session.revoke(reason),
    terminate: () => socket.terminate(),
  };
}

/** Lets every connection finish what is under way, for at most `patience` milliseconds, and closes all of them. */
export async function closeAll(connections: Iterable<Connection>, patience: number): Promise<void> {
  const all = [...connections];
  const closed = Promise.all(all.map((connection) => connection.closed));
  for (const connection of all) connection.drain();
  await Promise.race([closed, sleep(patience, undefined, { ref: false })]);
  for (const connection of all) connection.leave();
  await Promise.race([closed, sleep(GOODBYE, undefined, { ref: false })]);
  for (const connection of all) connection.terminate();
}

/** Milliseconds for a client to answer a close frame. */
const GOODBYE = 500;

/** `sentence` cut to what a close frame can hold: 123 bytes of UTF-8 (RFC 6455, 5.5), whole characters only. */
export function closeReason(sentence: string): string {
  const bytes = Buffer.from(sentence);
  if (bytes.length <= 123) return sentence;
  // A character cut in half decodes to U+FFFD; it goes, and the ellipsis takes its 3 bytes.
  return `${new TextDecoder().decode(bytes.subarray(0, 120)).replace(/\uFFFD$/, '')}…`;
}

function bytesOf(data: Data): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
