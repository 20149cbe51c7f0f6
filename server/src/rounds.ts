import type { decodeNodeFrame, FailureCode } from '@foretype/edge-node/protocol';
import type { Answer } from './verifier.ts';

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
  readonly answers: ReadableStreamDefaultController<Answer>;
  /** Tokens in the draft. */
  readonly drafted: number;
  /** Bytes sent that no answer has accounted for yet. */
  bytesUp: number;
  /** Tokens of the target's own that came; none before its verdict. */
  own: number;
  /** Whether somebody still reads. */
  wanted: boolean;
  /** Runs out when too long nothing was heard of this one. */
  readonly patience: NodeJS.Timeout;
}

/** What a node owes an answer to, whether or not somebody still waits for it. */
export class Rounds {
  readonly #owed = new Map<number, Round>();
  readonly #patience: number;

  /** @param patience milliseconds without news of it after which a round ends, though the node answers others. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** How many are not answered to their end. */
  get owed(): number {
    return this.#owed.size;
  }

  /**
   * The answers to come. Ends with an {@link EdgeError}, or with what the round was abandoned for.
   * @param onLeave called when the reader leaves before the end, or nothing is heard for too long.
   */
  begin(id: number, drafted: number, bytesUp: number, onLeave: () => void): ReadableStream<Answer> {
    return new ReadableStream<Answer>({
      start: (answers) => {
        const forgotten = () => {
          this.#end(id, new EdgeError('away', 'The edge node left this round without an answer.'));
          onLeave();
        };
        const patience = setTimeout(forgotten, this.#patience);
        this.#owed.set(id, { answers, drafted, bytesUp, own: 0, wanted: true, patience });
      },
      cancel: () => {
        const round = this.#owed.get(id);
        if (round) round.wanted = false;
        onLeave();
      },
    });
  }

  /** Nobody waits any more; the node answers all the same, and by that shows that it is there. */
  abandon(id: number, reason: unknown): void {
    const round = this.#owed.get(id);
    if (!round?.wanted) return;
    round.wanted = false;
    round.answers.error(reason);
  }

  /** Takes an answer; false where it makes no sense. */
  settle(frame: Exclude<NodeBody, { case: 'welcome' | 'assigned' }>, bytesDown: number): boolean {
    const { id } = frame.value;
    const round = this.#owed.get(id);
    if (!round) return true;
    if (frame.case === 'failure') {
      const { code, message } = frame.value;
      this.#end(id, new EdgeError(code as FailureCode, message));
      return true;
    }
    if (frame.case === 'synced') {
      const nodeMs = frame.value.spentUs / 1000;
      const receipt = { nodeMs, bytesUp: round.bytesUp, bytesDown };
      if (round.wanted) round.answers.enqueue({ accepted: 0, tokens: [], fresh: 0, ...receipt });
      this.#end(id);
      return true;
    }
    const { tokens, open, spentUs } = frame.value;
    const { accepted, fresh } = frame.case === 'verdict' ? frame.value : { accepted: 0, fresh: 0 };
    // A verdict comes first and once, accepts no more than was drafted, and adds something; what follows has no gap.
    const sensible =
      frame.case === 'written'
        ? round.own > 0 && frame.value.start === round.own
        : round.own === 0 && accepted <= round.drafted && tokens.length > 0;
    if (!sensible) return false;
    if (round.wanted && tokens.length > 0) {
      const nodeMs = spentUs / 1000;
      round.answers.enqueue({ accepted, tokens, nodeMs, fresh, bytesUp: round.bytesUp, bytesDown });
    }
    round.own += tokens.length;
    round.bytesUp = 0;
    if (open) round.patience.refresh();
    else this.#end(id);
    return true;
  }

  /** No answer will come. */
  lose(reason: string): void {
    for (const id of [...this.#owed.keys()]) this.#end(id, new EdgeError('away', reason));
  }

  #end(id: number, error?: EdgeError): void {
    const round = this.#owed.get(id);
    if (!round) return;
    this.#owed.delete(id);
    clearTimeout(round.patience);
    if (!round.wanted) return;
    if (error) round.answers.error(error);
    else round.answers.close();
  }
}
