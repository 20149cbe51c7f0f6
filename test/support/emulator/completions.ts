import { firstLine, speculate, tokensOf, type Family, type Plan, type WriteRequest } from '@foretype/models';
import assert from 'node:assert/strict';
import type { Random } from '../../../evaluation/src/random.ts';
import { complete, type CompletionParts } from '../../../server/src/completion.ts';
import { Control } from '../../../server/src/control.ts';
import { COMPLETION_LIMIT, promptFor, type Place, type Prompt } from '../../../models/src/prompt.ts';
import { EdgeError } from '../../../server/src/rounds.ts';
import type { Verifier } from '../../../server/src/verifier.ts';
import { FAKE, FakeEngine } from '../fake-engine.ts';
import { roundOf } from '../verdict.ts';

/** How a completion is made: by the product's pipeline, or by rounds of these plans. */
export type Making = 'pipeline' | ((random: Random) => Plan);

export interface CompletionsOptions {
  readonly verifier: Verifier;
  readonly adapter: string;
  readonly random: Random;
}

const FAMILY = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'suffix-first' },
} as unknown as Family;

/** Tokens after what leads that rounds commit: some three rounds. */
const COMMITTED = 12;

/** A draft that follows the target's rule but for every fifth place. */
class Apprentice extends FakeEngine {
  readonly #adapter: string;

  constructor(adapter: string) {
    super();
    this.#adapter = adapter;
  }

  override async *write(request: WriteRequest, signal?: AbortSignal) {
    let place = request.context.length;
    for await (const written of super.write({ ...request, adapter: this.#adapter }, signal))
      yield place++ % 5 > 0 ? written : { ...written, token: 'Z'.charCodeAt(0) };
  }
}

/** Completions whose texts are known beforehand, since the target follows a rule. */
export class Completions {
  readonly #adapter: string;
  readonly #verifier: Verifier;
  readonly #random: Random;
  readonly #draft: FakeEngine;
  readonly #target = new FakeEngine();
  readonly #parts: CompletionParts;

  constructor({ verifier, adapter, random }: CompletionsOptions) {
    this.#adapter = adapter;
    this.#verifier = verifier;
    this.#random = random;
    this.#draft = new Apprentice(adapter);
    const now = () => performance.now();
    // With energy to spare, so that no completion is left to the draft alone.
    const edge = { verifier, control: new Control({ now, jPerHour: () => 1e9 }) };
    this.#parts = { family: FAMILY, draft: this.#draft, edge, now };
  }

  /**
   * Whether every text that was given is what its model writes alone, and the last one is the target's.
   * Rejects as the pipeline does; with an AssertionError where it fails by an {@link EdgeError} before it gave the draft.
   */
  async right(place: Place, making: Making, signal: AbortSignal): Promise<boolean> {
    const prompt = await promptFor({ family: FAMILY, tokenizer: this.#draft }, place);
    if (making === 'pipeline') return this.#pipeline(place, prompt, signal);
    return this.#rounds(prompt, () => making(this.#random), signal);
  }

  async #pipeline(place: Place, prompt: Prompt, signal: AbortSignal): Promise<boolean> {
    const alone = {
      draft: await this.#line(this.#draft, prompt),
      speculated: await this.#line(this.#target, prompt),
    };
    // At times something is remembered, which is right at first and then wrong, as after an edit.
    const remembered = this.#random() < 0.5 ? `${alone.speculated.slice(0, 4)}Z` : '';
    const request = { ...place, adapter: this.#adapter, remembered: { text: remembered, verified: true } };
    const paths: string[] = [];
    try {
      for await (const { text, report } of complete(this.#parts, request, signal)) {
        if (text !== alone[report.path]) return false;
        paths.push(report.path);
      }
    } catch (error) {
      if (error instanceof EdgeError) assert.deepEqual(paths, ['draft'], `no draft, but ${error.message}`);
      throw error;
    }
    assert.equal(paths.at(-1), 'speculated');
    return true;
  }

  /** The line that an engine writes on its own. */
  async #line(engine: FakeEngine, { context, leading }: Prompt): Promise<string> {
    const limit = COMPLETION_LIMIT + leading.tokens.length;
    const request = { adapter: this.#adapter, context, limit, leading: leading.text, until: 'line' as const };
    const text = await engine.detokenize(await tokensOf(engine.write(request)));
    return firstLine(text.slice(leading.text.length));
  }

  async #rounds({ context, leading }: Prompt, plan: () => Plan, signal: AbortSignal): Promise<boolean> {
    const limit = COMMITTED + leading.tokens.length;
    const adapter = this.#adapter;
    const rule = { adapter, context, limit, leading: leading.text };
    const alone = await tokensOf(this.#target.write(rule));
    const begunOf = (so: readonly number[]) => so.length - context.length;
    void this.#verifier.sync({ adapter, context }, signal);
    const commits = speculate({
      prompt: context,
      limit,
      end: new Set([FAKE.end]),
      plan,
      draft: (so, count) =>
        tokensOf(this.#draft.write({ ...rule, context: so, limit: count, begun: begunOf(so) })),
      verify: (so, drafted, more) => {
        const about = { adapter, context: so, leading: leading.tokens, begun: begunOf(so) };
        return this.#verifier.verify(roundOf({ ...about, drafted, more }), signal);
      },
    });
    const output = await Array.fromAsync(commits, ({ committed }) => committed);
    return output.flat().join() === alone.join();
  }
}
