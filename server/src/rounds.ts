import type { decodeNodeFrame, FailureCode } from '@foretype/edge-node/protocol';
import type { Verifier } from './completion.ts';

export type Verdict = Awaited<ReturnType<Verifier['verify']>>;
export type NodeBody = NonNullable<ReturnType<typeof decodeNodeFrame>>;

/** A verification that did not come about; the completion goes on with the draft alone. */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly code: FailureCode | 'away';

  constructor(code: FailureCode | 'away', message: string) {
    super(message);
    this.code = code;
  }
}

interface Round {
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (reason: unknown) => void;
  /** Tokens in the draft. */
  readonly drafted: number;
  readonly bytesUp: number;
}

/** The rounds that a node owes an answer to, whether or not somebody still waits for it. */
export class Rounds {
  readonly #owed = new Map<number, Round>();

  /** How many answers are still to come. */
  get owed(): number {
    return this.#owed.size;
  }

  /** Rejects with an {@link EdgeError}, or with what the round was abandoned for. */
  begin(id: number, drafted: number, bytesUp: number): Promise<Verdict> {
    return new Promise((resolve, reject) => this.#owed.set(id, { resolve, reject, drafted, bytesUp }));
  }

  /** Nobody waits any more; the node answers all the same, and by that shows that it is there. */
  abandon(id: number, reason: unknown): void {
    this.#owed.get(id)?.reject(reason);
  }

  /** Takes the one answer that each round gets; false where that answer makes no sense. */
  settle(frame: Exclude<NodeBody, { case: 'welcome' }>, bytesDown: number): boolean {
    const { id } = frame.value;
    const round = this.#owed.get(id);
    if (!round) return true;
    if (frame.case === 'failure') {
      const { code, message } = frame.value;
      round.reject(new EdgeError(code as FailureCode, message));
    } else {
      const { accepted, tokens } = frame.value;
      // A verdict that accepts more than was drafted, or adds nothing, is not one.
      if (accepted > round.drafted || tokens.length === 0) return false;
      round.resolve({ accepted, tokens, bytesUp: round.bytesUp, bytesDown });
    }
    this.#owed.delete(id);
    return true;
  }

  /** No answer will come. */
  lose(reason: string): void {
    for (const { reject } of this.#owed.values()) reject(new EdgeError('away', reason));
    this.#owed.clear();
  }
}
