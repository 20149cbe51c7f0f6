import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ClientFrameSchema, NodeFrameSchema, type ClientFrame, type NodeFrame } from './wire_pb.ts';

/** Raised when a frame's meaning changes; both sides must speak the same one. */
export const WIRE_VERSION = 3;

/** The longest frame either side reads, in bytes: room for a context of 64 k tokens. */
export const MAX_FRAME_BYTES = 256 * 1024;

/** The longest draft judged in one round, in tokens: with the token before it, one exact batch of the engine. */
export const MAX_DRAFT_LENGTH = 31;

/** The most tokens a target writes on in one verdict. */
export const MAX_MORE = 256;

/** The most tokens that may be taken back from before the cursor. */
export const MAX_LEADING = 64;

/** The most names and projects whose adapter a connection may ask for. */
export const MAX_ASKED = 256;

/** Reasons for which a node closes a connection, as WebSocket close codes (RFC 6455, 7.4.2: 4000-4999 are ours). */
export const CLOSE = {
  /** The node is shutting down. */
  goingAway: 1001,
  /** A frame was larger than {@link MAX_FRAME_BYTES}. */
  tooLarge: 1009,
  /** A fault of the node itself. */
  fault: 1011,
  /** The target's engine cannot be asked yet, or no more: try again later. */
  unavailable: 1013,
  /** A frame could not be read, or came out of turn. */
  malformed: 4400,
  /** The token that the connection was opened with was revoked, or its time is over. */
  unauthorized: 4401,
  /** Wire version, tokenizer, family or backbone differ. */
  incompatible: 4406,
  /** No hello came in time. */
  timeout: 4408,
} as const;

/** What a failure frame may say: of one request, after which the connection goes on, or with id 0 just before it closes. */
export type FailureCode =
  /** Wire version, tokenizer, family or backbone differ; see {@link CLOSE}. */
  | 'incompatible'
  /** The node's copy of the context differs: send it whole. */
  | 'resync'
  /** A number in the request is out of range. */
  | 'invalid'
  /** The node has no adapter of that name. */
  | 'unknown-adapter'
  /** The adapter is not in memory yet; the node loads it, and the backbone can answer meanwhile. */
  | 'loading'
  /** The connection's token is not valid any more; see {@link CLOSE}. */
  | 'unauthorized'
  /** The context and the draft are longer than the target can hold. */
  | 'context-full'
  /** The client cancelled the round before its verdict was sent. */
  | 'cancelled'
  /** The target's engine is restarting, or failed. */
  | 'unavailable'
  /** The node has as much to do as it may take on. */
  | 'busy';

export function encodeClientFrame(
  body: MessageInitShape<typeof ClientFrameSchema>['body'] & object,
): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { body }));
}

export function encodeNodeFrame(body: MessageInitShape<typeof NodeFrameSchema>['body'] & object): Uint8Array {
  return toBinary(NodeFrameSchema, create(NodeFrameSchema, { body }));
}

/** @returns the frame's body, or undefined where `bytes` are not a frame that this version knows. */
export function decodeClientFrame(bytes: Uint8Array): KnownBody<ClientFrame['body']> | undefined {
  return decode(() => fromBinary(ClientFrameSchema, bytes).body, bytes);
}

/** @returns the frame's body, or undefined where `bytes` are not a frame that this version knows. */
export function decodeNodeFrame(bytes: Uint8Array): KnownBody<NodeFrame['body']> | undefined {
  return decode(() => fromBinary(NodeFrameSchema, bytes).body, bytes);
}

type KnownBody<Body extends { case: string | undefined }> = Exclude<Body, { case: undefined }>;

function decode<Body extends { case: string | undefined }>(
  read: () => Body,
  bytes: Uint8Array,
): KnownBody<Body> | undefined {
  if (bytes.length > MAX_FRAME_BYTES) return undefined;
  try {
    const body = read();
    return body.case === undefined ? undefined : (body as KnownBody<Body>);
  } catch {
    // The library throws plain errors of several kinds for bytes that are not a message; none of them says more.
    return undefined;
  }
}
