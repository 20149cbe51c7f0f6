/** What the engine's process and its hosts say to each other, over Node's IPC channel or a socket, by `vscode-jsonrpc`. */
import { ProgressType, RequestType, ResponseError } from 'vscode-jsonrpc/node';
import {
  EngineError,
  type ChooseRequest,
  type EngineErrorCode,
  type ModelFacts,
  type ReadRequest,
  type ScoreRequest,
  type Token,
  type WriteRequest,
  type Written,
} from '../engine.ts';
import type { EngineSpec, NamedWeights } from './spec.ts';

export interface LoadRequest {
  readonly spec: EngineSpec;
  /** Stamps of files that need not be read again for their checksums, see `checkWeights`. */
  readonly verified: readonly string[];
}

/** What an engine process has loaded. */
export interface Loaded {
  readonly facts: ModelFacts;
  /** SHA-256 (hex) of the weights. */
  readonly weights: string;
  readonly pid: number;
  /** Stamps of the files whose checksums it has found right. */
  readonly verified: readonly string[];
}

/** The first loads the model, each after it is told what was loaded. */
export const Load = new RequestType<LoadRequest, Loaded, EngineErrorCode>('load');
export const Adopt = new RequestType<NamedWeights, null, EngineErrorCode>('adopt');
export const Tokenize = new RequestType<string, Token[], EngineErrorCode>('tokenize');
export const Detokenize = new RequestType<readonly Token[], string, EngineErrorCode>('detokenize');
export const Choose = new RequestType<ChooseRequest, Token[], EngineErrorCode>('choose');
export const Read = new RequestType<ReadRequest, null, EngineErrorCode>('read');
export const Score = new RequestType<ScoreRequest, number[], EngineErrorCode>('score');
export const Write = new RequestType<WriteRequest & { readonly stream: number }, null, EngineErrorCode>(
  'write',
);
/** One token of the `write` with that stream number. */
export const Wrote = new ProgressType<Written>();

/** A number outside the range that JSON-RPC reserves; the engine's own code travels as data. */
const ENGINE_ERROR = 1;

export function toResponseError(error: unknown): ResponseError<EngineErrorCode> {
  const { code, message } =
    error instanceof EngineError
      ? error
      : { code: 'engine-failed' as const, message: `The engine failed: ${String(error)}` };
  return new ResponseError(ENGINE_ERROR, message, code);
}

export function fromResponseError(error: unknown): EngineError {
  if (error instanceof ResponseError && error.code === ENGINE_ERROR) {
    return new EngineError(error.data as EngineErrorCode, error.message);
  }
  // Anything else is the connection going away under the request.
  return new EngineError('engine-lost', 'The model process ended; it is being restarted.', { cause: error });
}
