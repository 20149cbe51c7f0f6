import { MAX_ASKED, type AskFrame } from './protocol/index.ts';
import type { NodeBody } from './round.ts';
import type { Target } from './target.ts';

/** The longest name that may be asked for. */
const MAX_NAME_LENGTH = 128;

/** Of an ask frame that says whose adapter it asks for. */
type Whose = Exclude<AskFrame['whose'], { case: undefined }>;

/** What one client was told that projects and names stand for. */
export class Assignments {
  readonly #target: Target;
  readonly #send: (frame: NodeBody) => void;
  readonly #told = new Map<string, { readonly whose: Whose; adapter: string }>();

  constructor(target: Target, send: (frame: NodeBody) => void) {
    this.#target = target;
    this.#send = send;
  }

  /** Answers; the result is what is wrong with the question, if anything is. */
  ask({ whose }: AskFrame): string | undefined {
    const key = keyOf(whose);
    if (key === undefined || whose.case === undefined)
      return 'An ask frame names neither a project nor an adapter.';
    if (!this.#told.has(key) && this.#told.size >= MAX_ASKED)
      return `More than ${MAX_ASKED} projects and names were asked for.`;
    const adapter = this.#standsFor(whose);
    this.#told.set(key, { whose, adapter });
    this.#send({ case: 'assigned', value: { whose, adapter } });
    return undefined;
  }

  /** The roster may be another one: tells what stands for something else now. */
  renew(): void {
    for (const told of this.#told.values()) {
      const adapter = this.#standsFor(told.whose);
      if (adapter === told.adapter) continue;
      told.adapter = adapter;
      this.#send({ case: 'assigned', value: { whose: told.whose, adapter } });
    }
  }

  /** Id of the adapter, empty where there is none and the backbone answers. */
  #standsFor(whose: Whose): string {
    const roster = this.#target.roster();
    const found = whose.case === 'project' ? roster.ofProject(hex(whose.value)) : roster.resolve(whose.value);
    return found?.id ?? '';
  }
}

function keyOf(whose: AskFrame['whose']): string | undefined {
  switch (whose.case) {
    case 'project':
      return whose.value.length === 32 ? `project ${hex(whose.value)}` : undefined;
    case 'name':
      return whose.value.length <= MAX_NAME_LENGTH ? `name ${whose.value}` : undefined;
    case undefined:
      return undefined;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
