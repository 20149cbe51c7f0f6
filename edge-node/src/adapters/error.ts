/** Why something cannot be done with an adapter. */
export type AdapterErrorCode =
  /** The file is not an adapter for the backbone, or the name is none. */
  | 'invalid'
  /** There is no such adapter or version. */
  | 'unknown';

export class AdapterError extends Error {
  override readonly name = 'AdapterError';
  readonly code: AdapterErrorCode;

  constructor(code: AdapterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
