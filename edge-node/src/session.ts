import {
  EngineError,
  type EngineErrorCode,
  type ModelFacts,
  type ReadRequest,
  type Token,
} from '@foretype/models';
import {
  applyDelta,
  CLOSE,
  incompatibility,
  MAX_DRAFT_LENGTH,
  WIRE_VERSION,
  type decodeClientFrame,
  type encodeNodeFrame,
  type FailureCode,
  type SyncFrame,
  type VerifyFrame,
} from './protocol/index.ts';
import { objectionTo, type Asked } from './objection.ts';
import type { Target } from './target.ts';
import { verify } from './verify.ts';

export type ClientBody = NonNullable<ReturnType<typeof decodeClientFrame>>;
export type NodeBody = Parameters<typeof encodeNodeFrame>[0];
type Hello = Extract<ClientBody, { case: 'hello' }>['value'];

/** How a session reaches the world. */
export interface SessionOptions {
  readonly target: Target;
  readonly send: (frame: NodeBody) => void;
  /** Ends the connection; `reason` is one sentence of any length. */
  readonly close: (code: number, reason: string) => void;
  /** Told of faults of the node itself, which no client can mend. */
  readonly report: (fault: unknown) => void;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** How many rounds of one connection may be under way; an editor has one, or two when the user outruns it. */
export const MAX_RUNNING = 4;

/** The same with those that were cancelled and are not out of the engine yet: a stall may deliver many at once. */
const MAX_LEAVING = 64;

/**
 * Milliseconds in which tokens that come one after the other travel in one frame, which costs more bytes than they, and a
 * wakeup at the other end. Nobody shows them before the line ends, and what ends it is sent at once.
 */
const TOGETHER_MS = 40;

/** The longest family name that a hello may bear: it is quoted back. */
const MAX_NAME_LENGTH = 128;

/** A round, or a context that is being read ahead. */
interface Work {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * One connection's conversation: hello, welcome, then contexts to read and rounds, each on its own and each answered. It
 * remembers the tokens of the last of them, so that the next one travels as a change to them; all the rest of its state
 * is what is under way.
 */
export class Session {
  readonly #target: Target;
  readonly #world: SessionOptions;
  readonly #running = new Map<number, Work>();
  /** Work that was cancelled and may still have a place in the engine, with the cache of this conversation in it. */
  #leaving: Promise<unknown> = Promise.resolve();
  #base: readonly Token[] = [];
  #reading: Work | undefined;
  #greeted = false;
  /** Known once the client was welcomed. */
  #facts: ModelFacts | undefined;
  #draining = false;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#target = options.target;
    this.#world = options;
  }

  /** Takes the next frame; `undefined` stands for bytes that are none. */
  receive(frame: ClientBody | undefined): void {
    if (this.#closed) return;
    if (!frame) {
      this.#close(CLOSE.malformed, 'The edge node cannot read this frame.');
    } else if (frame.case === 'hello' && !this.#greeted) {
      this.#guard(this.#greet(frame.value));
    } else if (frame.case === 'verify' && this.#facts) {
      this.#guard(this.#round(frame.value, this.#facts));
    } else if (frame.case === 'sync' && this.#facts) {
      this.#sync(frame.value, this.#facts);
    } else if (frame.case === 'cancel' && this.#facts) {
      const running = this.#running.get(frame.value.id);
      if (running) this.#stop(running);
    } else {
      this.#close(CLOSE.malformed, `A ${frame.case} frame came out of turn.`);
    }
  }

  /** The time for a hello is up. */
  overdue(): void {
    if (!this.#greeted) this.#close(CLOSE.timeout, 'No hello frame came in time.');
  }

  /** Takes on nothing more, and says goodbye when what is under way is done. */
  drain(): void {
    this.#draining = true;
    this.#leaveWhenIdle();
  }

  /** Says goodbye at once. */
  leave(): void {
    this.#close(CLOSE.goingAway, 'The edge node is shutting down.');
  }

  /** The connection is gone. */
  end(): void {
    this.#closed = true;
    for (const work of [...this.#running.values(), ...(this.#reading ? [this.#reading] : [])])
      work.abort.abort();
  }

  async #greet(hello: Hello): Promise<void> {
    this.#greeted = true;
    if (hello.family.length > MAX_NAME_LENGTH) {
      this.#close(
        CLOSE.malformed,
        `The hello frame's family name is longer than ${MAX_NAME_LENGTH} characters.`,
      );
      return;
    }
    const client = {
      wireVersion: hello.wireVersion,
      family: hello.family,
      tokenizer: Buffer.from(hello.tokenizer).toString('hex'),
      backbone: Buffer.from(hello.backbone).toString('hex'),
    };
    const { engine, identity, adapters } = this.#target;
    const difference = incompatibility(client, identity);
    if (difference !== undefined) {
      this.#refuse('incompatible', CLOSE.incompatible, difference);
      return;
    }
    let facts;
    try {
      facts = await engine.facts();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#refuse('unavailable', CLOSE.unavailable, error.message);
      return;
    }
    if (this.#closed) return;
    this.#facts = facts;
    this.#send({
      case: 'welcome',
      value: {
        wireVersion: WIRE_VERSION,
        adapters: [...adapters],
        context: facts.context,
        draftLength: MAX_DRAFT_LENGTH,
      },
    });
  }

  async #round(frame: VerifyFrame, facts: ModelFacts): Promise<void> {
    const started = this.#world.now();
    const { id, drafted, more, begun, untilLine, temperature, seed } = frame;
    // A frame that came twice: the answer to the first is the answer to both.
    if (this.#running.has(id)) return;
    const context = this.#recall(frame, drafted, facts);
    if (!context) return;
    const objection = this.#objection(frame, context, facts);
    if (objection) {
      this.#fail(id, ...objection);
      return;
    }

    const abort = new AbortController();
    const done = Promise.withResolvers<undefined>();
    this.#running.set(id, { abort, done: done.promise });
    try {
      const { engine, end } = this.#target;
      // What was read ahead must be out of the engine's hands, or the round would read it again somewhere else.
      if (this.#reading) this.#stop(this.#reading);
      this.#reading = undefined;
      await unless(abort.signal, this.#leaving);
      const leading = frame.leading.length > 0 ? await engine.detokenize(frame.leading, abort.signal) : '';
      const request = {
        adapter: frame.adapter || undefined,
        context,
        drafted,
        more,
        leading,
        begun,
        untilLine,
        sampling: temperature > 0 ? { temperature, seed } : undefined,
      };
      const spentUs = () => Math.round((this.#world.now() - started) * 1000);
      let own = 0;
      let open = true;
      let sentAt = 0;
      let held: Token[] = [];
      const send = () => {
        const start = own - held.length;
        this.#send({ case: 'written', value: { id, tokens: held, spentUs: spentUs(), open, start } });
        sentAt = this.#world.now();
        held = [];
      };
      for await (const { accepted, tokens, fresh } of verify(engine, request, abort.signal)) {
        abort.signal.throwIfAborted();
        open = own < more && !end.has(tokens.at(-1)!);
        if (own === 0) {
          const value = { id, tokens: [...tokens], spentUs: spentUs(), open, accepted, fresh };
          this.#send({ case: 'verdict', value });
          sentAt = this.#world.now();
        } else held.push(...tokens);
        own += tokens.length;
        if (held.length > 0 && (!open || this.#world.now() - sentAt >= TOGETHER_MS)) send();
      }
      abort.signal.throwIfAborted();
      // The line ended before the tokens did.
      if (open) {
        open = false;
        send();
      }
    } catch (error) {
      if (abort.signal.aborted) {
        // Whoever cancelled knows, but takes a node for gone that leaves a round without an answer.
        this.#fail(id, 'cancelled', 'The round was cancelled.');
      } else if (error instanceof EngineError) {
        this.#fail(id, FAILURE[error.code], error.message);
      } else {
        this.#world.report(error);
        this.#fail(id, 'unavailable', 'The edge node failed to verify the draft; its log says why.');
      }
    } finally {
      done.resolve(undefined);
      this.#running.delete(id);
      this.#leaveWhenIdle();
    }
  }

  /** Answers at once; what is read shows in the next round's haste, and if it cannot be read, that round says why. */
  #sync(frame: SyncFrame, facts: ModelFacts): void {
    const started = this.#world.now();
    const { id, adapter } = frame;
    const context = this.#recall(frame, [], facts);
    if (!context) return;
    const asked = { ...frame, drafted: [], more: 0, leading: [], begun: 0, temperature: 0 };
    const objection = this.#objection(asked, context, facts);
    if (objection) {
      this.#fail(id, ...objection);
      return;
    }
    this.#read({ adapter: adapter || undefined, context });
    const spentUs = Math.round((this.#world.now() - started) * 1000);
    this.#send({ case: 'synced', value: { id, spentUs } });
  }

  /** Begins to read as soon as the context before it, which it replaces, is out of the engine's hands. */
  #read(request: ReadRequest): void {
    if (this.#reading) this.#stop(this.#reading);
    const abort = new AbortController();
    const read = async () => {
      await this.#leaving;
      if (!abort.signal.aborted) await this.#target.engine.read(request, abort.signal);
    };
    this.#reading = { abort, done: read().catch(() => undefined) };
  }

  #stop(work: Work): void {
    if (work.abort.signal.aborted) return;
    work.abort.abort();
    // Only when, not what: of an array in an array without end every connection would grow.
    this.#leaving = Promise.all([this.#leaving, work.done]).then(() => undefined);
  }

  /** The context that a frame tells as a change, or undefined after a failure that says what to do. */
  #recall(frame: SyncFrame | VerifyFrame, drafted: readonly Token[], facts: ModelFacts): Token[] | undefined {
    const context = applyDelta(this.#base, frame);
    // The client remembers these tokens from the moment it sent them, so the node does before anything can fail.
    // What no target could hold is not worth remembering: it would grow with every frame.
    const remembered = context && context.length + drafted.length <= facts.context;
    this.#base = remembered ? [...context, ...drafted] : [];
    if (!context) {
      this.#fail(frame.id, 'resync', 'The edge node remembers another context; send it whole.');
    }
    return context;
  }

  /** Why a round is not begun, if it is not. */
  #objection(
    frame: Asked,
    context: readonly Token[],
    facts: ModelFacts,
  ): [code: FailureCode, message: string] | undefined {
    const objection = objectionTo(frame, context, { facts, adapters: this.#target.adapters });
    if (objection) return objection;
    if (this.#draining) return ['unavailable', 'The edge node is shutting down.'];
    const wanted = [...this.#running.values()].filter(({ abort }) => !abort.signal.aborted).length;
    if (wanted >= MAX_RUNNING || this.#running.size >= MAX_LEAVING) {
      return ['busy', `${MAX_RUNNING} rounds of this connection are already under way.`];
    }
    return undefined;
  }

  /** A bug that shows in one connection ends that connection, never the process. */
  #guard(work: Promise<void>): void {
    work.catch((fault: unknown) => {
      this.#world.report(fault);
      this.#close(CLOSE.fault, 'The edge node failed to handle a frame; its log says why.');
    });
  }

  #leaveWhenIdle(): void {
    if (this.#draining && this.#running.size === 0) this.leave();
  }

  #refuse(code: FailureCode, close: number, message: string): void {
    // A close reason has room for 123 bytes only, so that the sentence goes ahead of it as a frame.
    this.#fail(0, code, message);
    this.#close(close, message);
  }

  #fail(id: number, code: FailureCode, message: string): void {
    this.#send({ case: 'failure', value: { id, code, message } });
  }

  #send(frame: NodeBody): void {
    if (!this.#closed) this.#world.send(frame);
  }

  #close(code: number, reason: string): void {
    if (this.#closed) return;
    this.end();
    this.#world.close(code, reason);
  }
}

/** Waits for `work`; rejects with the signal's reason as soon as nobody waits any more. */
async function unless(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** What an engine's failure means to a client. */
const FAILURE = {
  'context-full': 'context-full',
  'unknown-adapter': 'unknown-adapter',
  'unknown-token': 'invalid',
  'model-invalid': 'unavailable',
  'engine-lost': 'unavailable',
  'engine-disposed': 'unavailable',
  'engine-failed': 'unavailable',
} as const satisfies Record<EngineErrorCode, FailureCode>;
