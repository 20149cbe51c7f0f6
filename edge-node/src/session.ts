import { EngineError, unless, type ModelFacts, type Token } from '@foretype/models';
import { Assignments } from './assignments.ts';
import type { RoundFigures } from './metrics/metrics.ts';
import { objectionTo, type Asked } from './objection.ts';
import {
  applyDelta,
  CLOSE,
  incompatibility,
  MAX_DRAFT_LENGTH,
  WIRE_VERSION,
  type decodeClientFrame,
  type FailureCode,
  type SyncFrame,
  type VerifyFrame,
} from './protocol/index.ts';
import { answersTo, failureOf, type NodeBody, type Outcome } from './round.ts';
import type { Target } from './target.ts';

export type { NodeBody };
export type ClientBody = NonNullable<ReturnType<typeof decodeClientFrame>>;
type Hello = Extract<ClientBody, { case: 'hello' }>['value'];

/** How a session reaches the world. */
export interface SessionOptions {
  /** One for each family that the node serves. */
  readonly targets: readonly Target[];
  /** Whose connection it is: the requests of one client wait for each other. */
  readonly client: string;
  /** What tells this connection from all others. */
  readonly conversation: string;
  readonly send: (frame: NodeBody) => void;
  /** Ends the connection; `reason` is one sentence of any length. */
  readonly close: (code: number, reason: string) => void;
  /** Told of faults of the node itself, which no client can mend. */
  readonly report: (fault: unknown) => void;
  /** Told of each round that came to its end. */
  readonly done?: (round: RoundFigures) => void;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** How many rounds of one connection may be under way; an editor has one, or two when the user outruns it. */
export const MAX_RUNNING = 4;

/** The same with those that were cancelled and are not out of the engine yet: a stall may deliver many at once. */
const MAX_LEAVING = 64;

/** The longest family name that a hello may bear: it is quoted back. */
const MAX_NAME_LENGTH = 128;

/** What a client is verified with. */
interface Partner {
  readonly target: Target;
  readonly facts: ModelFacts;
  readonly assignments: Assignments;
}

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
  readonly #world: SessionOptions;
  readonly #running = new Map<number, Work>();
  /** Work that was cancelled and may still have a place in the engine, with the cache of this conversation in it. */
  #leaving: Promise<unknown> = Promise.resolve();
  #base: readonly Token[] = [];
  #reading: Work | undefined;
  #greeted = false;
  /** Known once the client was welcomed: what it is verified with. */
  #partner: Partner | undefined;
  #draining = false;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#world = options;
  }

  /** Takes the next frame; `undefined` stands for bytes that are none. */
  receive(frame: ClientBody | undefined): void {
    if (this.#closed) return;
    if (!frame) {
      this.#close(CLOSE.malformed, 'The edge node cannot read this frame.');
    } else if (frame.case === 'hello' && !this.#greeted) {
      this.#guard(this.#greet(frame.value));
    } else if (frame.case === 'verify' && this.#partner) {
      this.#guard(this.#round(frame.value, this.#partner));
    } else if (frame.case === 'sync' && this.#partner) {
      this.#sync(frame.value, this.#partner);
    } else if (frame.case === 'ask' && this.#partner) {
      const objection = this.#partner.assignments.ask(frame.value);
      if (objection !== undefined) this.#close(CLOSE.malformed, objection);
    } else if (frame.case === 'cancel' && this.#partner) {
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

  /** The connection's token is not valid any more. */
  revoke(reason: string): void {
    this.#refuse('unauthorized', CLOSE.unauthorized, reason);
  }

  /** The roster may be another one. */
  renew(): void {
    this.#partner?.assignments.renew();
  }

  /** The connection is gone. */
  end(): void {
    this.#closed = true;
    this.#partner?.target.scheduler.gone(this.#world.conversation);
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
    const { targets } = this.#world;
    const target = targets.find(({ identity }) => identity.family === client.family) ?? targets[0]!;
    const difference = incompatibility(client, target.identity);
    if (difference !== undefined) {
      this.#refuse('incompatible', CLOSE.incompatible, difference);
      return;
    }
    let facts;
    try {
      facts = await target.engine.facts();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#refuse('unavailable', CLOSE.unavailable, error.message);
      return;
    }
    if (this.#closed) return;
    const assignments = new Assignments(target, (frame) => this.#send(frame));
    this.#partner = { target, facts, assignments };
    this.#send({
      case: 'welcome',
      value: {
        wireVersion: WIRE_VERSION,
        adapters: target.roster().current.map(({ name }) => name),
        context: facts.context,
        draftLength: MAX_DRAFT_LENGTH,
      },
    });
  }

  async #round(frame: VerifyFrame, { target, facts }: Partner): Promise<void> {
    const started = this.#world.now();
    const { id, drafted } = frame;
    // A frame that came twice: the answer to the first is the answer to both.
    if (this.#running.has(id)) return;
    const context = this.#recall(frame, drafted, facts);
    if (!context) return;
    let failure = this.#objection(frame, context, { target, facts });
    if (failure) {
      this.#fail(id, ...failure);
      return;
    }

    const abort = new AbortController();
    const { signal } = abort;
    const done = Promise.withResolvers<undefined>();
    this.#running.set(id, { abort, done: done.promise });
    let outcome: Outcome = { accepted: 0, own: 0, fresh: 0 };
    try {
      // What was read ahead must be out of the engine's hands, or the round would read it again somewhere else.
      if (this.#reading) this.#stop(this.#reading);
      this.#reading = undefined;
      await unless(signal, this.#leaving);
      const { client, conversation, now } = this.#world;
      const parts = { target, client, conversation, now, started };
      const answers = answersTo(parts, frame, context, signal);
      let next = await answers.next();
      for (; !next.done; next = await answers.next()) this.#send(next.value);
      outcome = next.value;
    } catch (error) {
      if (signal.aborted) {
        // Whoever cancelled knows, but takes a node for gone that leaves a round without an answer.
        failure = ['cancelled', 'The round was cancelled.'];
      } else {
        failure = failureOf(error);
        if (!failure) this.#world.report(error);
        failure ??= ['unavailable', 'The edge node failed to verify the draft; its log says why.'];
      }
      this.#fail(id, ...failure);
    } finally {
      done.resolve(undefined);
      this.#running.delete(id);
      this.#world.done?.({
        ...outcome,
        family: target.identity.family,
        adapter: frame.adapter,
        context: context.length,
        drafted: drafted.length,
        spentMs: this.#world.now() - started,
        outcome: failure?.[0] ?? 'verified',
      });
      this.#leaveWhenIdle();
    }
  }

  /** Answers at once; what is read shows in the next round's haste, and if it cannot be read, that round says why. */
  #sync(frame: SyncFrame, partner: Partner): void {
    const started = this.#world.now();
    const { id, adapter } = frame;
    const context = this.#recall(frame, [], partner.facts);
    if (!context) return;
    const asked = { ...frame, drafted: [], more: 0, leading: [], begun: 0, temperature: 0 };
    const objection = this.#objection(asked, context, partner);
    if (objection) {
      this.#fail(id, ...objection);
      return;
    }
    this.#read({ adapter, context }, partner.target);
    const spentUs = Math.round((this.#world.now() - started) * 1000);
    this.#send({ case: 'synced', value: { id, spentUs } });
  }

  /**
   * Begins to read as soon as the context before it, which it replaces, is out of the engine's hands; not where others
   * wait, who would wait for it.
   */
  #read(
    { adapter, context }: { adapter: string; context: readonly Token[] },
    { engine, scheduler, prepare }: Target,
  ): void {
    if (this.#reading) this.#stop(this.#reading);
    const abort = new AbortController();
    const { signal } = abort;
    const read = async () => {
      await this.#leaving;
      await unless(signal, prepare(adapter));
      if (signal.aborted) return;
      const { client, conversation } = this.#world;
      const place = scheduler.enterIfFree({ client, conversation, adapter, context });
      if (!place) return;
      try {
        await engine.read({ adapter: adapter || undefined, context }, signal);
        place.answered();
      } finally {
        place.leave();
      }
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
    { target, facts }: Pick<Partner, 'target' | 'facts'>,
  ): [code: FailureCode, message: string] | undefined {
    const objection = objectionTo(frame, context, { facts, roster: target.roster() });
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
