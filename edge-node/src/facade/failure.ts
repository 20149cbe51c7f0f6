/** Pure: what a client of the facade is told when there is no answer. */
import { EngineError, type EngineErrorCode } from '@foretype/models';
import { Type, type Static } from 'typebox';
import { BusyError } from '../scheduler.ts';

export type FacadeErrorCode =
  /** The body is not what the API takes; the same request will fail again. */
  | 'invalid-request'
  /** There is no model of that name. */
  | 'model-not-found';

/** A request that cannot be answered as it is; `message` is one sentence that says what to change. */
export class FacadeError extends Error {
  override readonly name = 'FacadeError';
  readonly code: FacadeErrorCode;

  constructor(code: FacadeErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Failure {
  /** Of HTTP. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Seconds after which to try again, where that may help. */
  readonly retryAfter?: number;
}

/** The error objects of OpenAI's API; llama-server's have the same fields, with the status as `code`. */
export const ErrorSchema = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'One of a few words that tell programs what happened.' }),
    message: Type.String({ description: 'One sentence that says what to do.' }),
    type: Type.Enum(['invalid_request_error', 'server_error']),
    param: Type.Null(),
  }),
});

/** @returns undefined for a fault of the node itself. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof FacadeError) {
    const status = error.code === 'model-not-found' ? 404 : 400;
    return { status, code: error.code, message: error.message };
  }
  if (error instanceof BusyError) {
    return { status: 503, code: error.code, message: error.message, retryAfter: 1 };
  }
  if (error instanceof EngineError) return { ...OF_ENGINE[error.code], message: error.message };
  if (isRefusal(error)) {
    const message = `The request is wrong: ${error.message.replace(/\.$/, '')}.`;
    return { status: error.statusCode, code: 'invalid-request', message };
  }
  return undefined;
}

export const FAULT: Failure = {
  status: 500,
  code: 'internal',
  message: 'The edge node failed to answer; its log says why.',
};

export function errorBody({ status, code, message }: Failure): Static<typeof ErrorSchema> {
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { code, message, type, param: null } };
}

const UNAVAILABLE = { status: 503, code: 'unavailable' } as const;

const OF_ENGINE = {
  'context-full': { status: 400, code: 'context-full' },
  'unknown-adapter': { status: 404, code: 'model-not-found' },
  // The ids are the node's own making.
  'unknown-token': { status: 500, code: 'internal' },
  'model-invalid': UNAVAILABLE,
  'memory-full': UNAVAILABLE,
  'not-placed': UNAVAILABLE,
  'engine-lost': { ...UNAVAILABLE, retryAfter: 1 },
  'engine-disposed': UNAVAILABLE,
  'engine-failed': UNAVAILABLE,
} as const satisfies Record<EngineErrorCode, Omit<Failure, 'message'>>;

/** A request that was refused before it came here: no JSON, too large, of another type. */
function isRefusal(error: unknown): error is Error & { readonly statusCode: number } {
  if (!(error instanceof Error) || !('statusCode' in error)) return false;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
