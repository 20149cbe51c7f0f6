import { MAX_ASKED, type AskFrame, type AssignedFrame } from '@foretype/edge-node/protocol';

/** Whose adapter is asked for: a project's, by SHA-256 in hex, or the newest version of a name's. */
export type Whose = { readonly project: string } | { readonly name: string };

/** Asks the node; it answers with an assigned frame, and with another whenever the adapter changes. */
export type Ask = (whose: AskFrame['whose']) => void;

/** Milliseconds in which a node says which adapter is meant; it knows without looking. */
const PATIENCE = 1000;
/** The longest name that a node takes. */
const MAX_NAME = 128;

/** What the node last said that projects and names stand for. */
export class Assignments {
  readonly #patience: number;
  /** What was asked for, which is asked again of each connection: another may have told of a change. */
  readonly #asked = new Map<string, { readonly whose: Whose; adapter: PromiseWithResolvers<string> }>();
  #adapters = new Set<string>();
  /** Absent while there is no node to ask. */
  #ask: Ask | undefined;

  /** @param patience milliseconds for which an answer is waited for. */
  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  /** Names of the adapters that the node said it has, as far as it was asked since. */
  get adapters(): readonly string[] {
    return [...this.#adapters];
  }

  /** Id of the adapter; empty for the backbone, while there is no node, and where it says nothing in time. */
  async adapterOf(whose: Whose): Promise<string> {
    const key = keyOf(whose);
    let known = this.#asked.get(key);
    if (!known) {
      // The node would close the connection.
      if (this.#asked.size >= MAX_ASKED || ('name' in whose && whose.name.length > MAX_NAME)) return '';
      known = { whose, adapter: Promise.withResolvers() };
      this.#asked.set(key, known);
      this.#ask?.(onWire(whose));
    }
    if (!this.#ask) return '';
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => late.resolve(''), this.#patience);
    try {
      return await Promise.race([known.adapter.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** There is a node to ask, which has these adapters. */
  welcomed(adapters: readonly string[], ask: Ask): void {
    this.#adapters = new Set(adapters);
    this.#ask = ask;
    for (const { whose } of this.#asked.values()) ask(onWire(whose));
  }

  /** The node answered, or something changed; what was not asked for is nothing to us. */
  assigned({ whose, adapter }: AssignedFrame): void {
    if (whose.case === undefined) return;
    const known = this.#asked.get(keyOf(fromWire(whose)));
    if (!known) return;
    if (whose.case === 'name' && adapter !== '') this.#adapters.add(whose.value);
    if (whose.case === 'name' && adapter === '') this.#adapters.delete(whose.value);
    // Who asked before gets the first answer, who asks from now on gets this one.
    known.adapter.resolve(adapter);
    known.adapter = Promise.withResolvers();
    known.adapter.resolve(adapter);
  }

  /** The node is gone, and with it what it said of ids; whoever waits goes on with the backbone. */
  lost(): void {
    this.#ask = undefined;
    for (const known of this.#asked.values()) {
      known.adapter.resolve('');
      known.adapter = Promise.withResolvers();
    }
  }
}

function onWire(whose: Whose): AskFrame['whose'] {
  return 'project' in whose
    ? { case: 'project', value: Buffer.from(whose.project, 'hex') }
    : { case: 'name', value: whose.name };
}

function fromWire(whose: Exclude<AssignedFrame['whose'], { case: undefined }>): Whose {
  return whose.case === 'project'
    ? { project: Buffer.from(whose.value).toString('hex') }
    : { name: whose.value };
}

function keyOf(whose: Whose): string {
  return 'project' in whose ? `project ${whose.project}` : `name ${whose.name}`;
}
