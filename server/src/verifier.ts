/** What the server asks of an edge node. */
import type { Sampling, Token, VerdictPart } from '@foretype/models';

export interface VerifyRequest {
  /** Name of the adapter, or empty for the backbone. */
  readonly adapter: string;
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
  /** The most tokens the target may write on after its own. */
  readonly more: number;
  /** Tokens whose text the continuation must begin with. */
  readonly leading: readonly Token[];
  /** How many of the last tokens of `context` are the beginning of the continuation. */
  readonly begun: number;
  /** Absent for the greedy choice. */
  readonly sampling?: Sampling | undefined;
}

/** What a frame from the node tells of the way there and back. */
export interface Receipt {
  /** Milliseconds that the node had spent on it. */
  readonly nodeMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A part of a verdict as it came over the wire. */
export interface Answer extends VerdictPart, Receipt {
  /** Tokens of the context, but its last, that the target had not read yet. */
  readonly fresh: number;
}

/** Judges drafts with a target; what the server asks of an edge node. */
export interface Verifier {
  /** The verdict on a draft and what the target writes on until the line ends. Rejects with the signal's reason. */
  verify(request: VerifyRequest, signal: AbortSignal): AsyncIterable<Answer>;
  /**
   * Lets the target read a context ahead of the round that will need it. The node answers at once; never rejects.
   * @returns undefined where no answer came.
   */
  sync(
    request: Pick<VerifyRequest, 'adapter' | 'context'>,
    signal: AbortSignal,
  ): Promise<Receipt | undefined>;
}
