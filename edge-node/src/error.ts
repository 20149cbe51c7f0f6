/** Why the node did not start; see {@link StartError}. */
export type StartErrorCode =
  /** A flag, an environment variable, the config file or the command itself is wrong. */
  | 'usage'
  /** The node's own files (tokens) are damaged or cannot be read or written. */
  | 'state-invalid'
  /** The address cannot be listened on. */
  | 'address-unavailable';

/** A reason not to start that the person at the terminal can mend; `message` is one sentence for each thing to mend. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
