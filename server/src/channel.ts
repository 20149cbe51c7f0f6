import { contextDelta, encodeClientFrame, type ContextDelta } from '@foretype/edge-node/protocol';
import type { Token } from '@foretype/models';
import { Assignments, type Whose } from './assignments.ts';
import { Connection, type ConnectionOptions, type EdgeState } from './connection.ts';
import type { Line } from './dial.ts';
import type { Answer, Receipt, Verifier, VerifyRequest } from './verifier.ts';
import { EdgeError, Rounds } from './rounds.ts';

export type { EdgeState } from './connection.ts';

export interface ChannelOptions extends Pick<
  ConnectionOptions,
  'url' | 'token' | 'identity' | 'network' | 'onState' | 'onIncompatible' | 'random'
> {
  /** Milliseconds without a word after which a node that owes one is taken for gone; {@link SILENCE} if absent. */
  readonly silence?: number;
}

/** A node that is silent for this long, in milliseconds, is taken for gone: a cut network closes no connection. */
const SILENCE = 10_000;

/**
 * The connection to an edge node: one WebSocket, kept up for as long as the channel lives. Losing it rejects what is
 * under way with `away` and reconnects with growing pauses; nothing is shown but the state.
 */
export class Channel implements Verifier {
  readonly #assignments = new Assignments();
  readonly #rounds: Rounds;
  readonly #connection: Connection;
  /** Absent while the node is not connected. */
  #line: Line | undefined;
  #nextId = 1;
  /** What the node remembers of this connection: the last context, then its draft. */
  #base: readonly Token[] = [];

  constructor({ silence = SILENCE, ...options }: ChannelOptions) {
    // Longer than that, so that a node which says nothing at all loses the connection and not one round after another.
    this.#rounds = new Rounds(2 * silence);
    this.#connection = new Connection({
      ...options,
      silence,
      owes: () => this.#rounds.owed > 0,
      onWelcome: (adapters, line) => {
        this.#line = line;
        this.#assignments.welcomed(adapters, (whose) =>
          line.send(encodeClientFrame({ case: 'ask', value: { whose } })),
        );
      },
      onFrame: (frame, bytes) => {
        if (frame.case === 'assigned') this.#assignments.assigned(frame.value);
        else if (!this.#line) return;
        else if (this.#rounds.settle(frame, bytes)) this.#connection.watch();
        else this.#connection.lose('The edge node sent a verdict that makes no sense.');
      },
      onLost: (reason) => {
        this.#line = undefined;
        this.#base = [];
        this.#rounds.lose(reason);
        this.#assignments.lost();
      },
    });
  }

  get state(): EdgeState {
    return this.#connection.state;
  }

  /** Names of the adapters that the node said it has, as far as it was asked since. */
  get adapters(): readonly string[] {
    return this.#assignments.adapters;
  }

  /**
   * Id of the adapter to ask for, as the node last told; empty for the backbone, and where the node says nothing in time:
   * a draft must not wait for it.
   */
  adapterOf(whose: Whose): Promise<string> {
    return this.#assignments.adapterOf(whose);
  }

  /** Rejects with an {@link EdgeError}, or the signal's reason. */
  async *verify(request: VerifyRequest, signal: AbortSignal): AsyncGenerator<Answer, void> {
    const { adapter, context, drafted, more, leading, begun, sampling } = request;
    yield* this.#ask(context, drafted, signal, (id, delta) => ({
      case: 'verify',
      value: {
        id,
        ...delta,
        drafted: [...drafted],
        more,
        adapter,
        leading: [...leading],
        begun,
        untilLine: true,
        ...sampling,
      },
    }));
  }

  /** A node that cannot be asked now, or not any more, says so at the next round. */
  async sync(
    { adapter, context }: Pick<VerifyRequest, 'adapter' | 'context'>,
    signal: AbortSignal,
  ): Promise<Receipt | undefined> {
    const answers = this.#ask(context, [], signal, (id, delta) => ({
      case: 'sync',
      value: { id, ...delta, adapter },
    }));
    try {
      for await (const receipt of answers) return receipt;
    } catch {
      // The next round says what is wrong.
    }
    return undefined;
  }

  /** Closes the connection for good; no state comes after it. */
  dispose(): void {
    this.#connection.dispose();
  }

  /** Sends what `frame` makes of a change to the last context, or of the whole where the node remembers another. */
  async *#ask(
    context: readonly Token[],
    drafted: readonly Token[],
    signal: AbortSignal,
    frame: (id: number, delta: ContextDelta) => Parameters<typeof encodeClientFrame>[0],
  ): AsyncGenerator<Answer, void> {
    const once = () => {
      signal.throwIfAborted();
      const line = this.#line;
      if (!line) throw new EdgeError('away', 'The edge node is not connected.');
      const id = this.#nextId++;
      const bytes = encodeClientFrame(frame(id, contextDelta(this.#base, context)));
      this.#base = [...context, ...drafted];
      line.send(bytes);
      const cancel = () => {
        if (this.#line !== line) return;
        line.send(encodeClientFrame({ case: 'cancel', value: { id } }));
        if (this.#rounds.owed === 0) this.#connection.watch();
      };
      const answers = this.#rounds.begin(id, drafted.length, bytes.length, cancel);
      // The patience with a node that owes an answer must not begin anew with every keystroke.
      if (this.#rounds.owed === 1) this.#connection.watch();
      const abort = () => {
        cancel();
        this.#rounds.abandon(id, signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      return { answers, done: () => signal.removeEventListener('abort', abort) };
    };
    for (let attempt = 0; ; attempt++) {
      const { answers, done } = once();
      try {
        yield* answers;
        return;
      } catch (error) {
        if (attempt > 0 || !(error instanceof EdgeError) || error.code !== 'resync') throw error;
        this.#base = [];
      } finally {
        done();
      }
    }
  }
}
