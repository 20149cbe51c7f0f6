/**
 * KV computed under one adapter means nothing under another (llama.cpp #26207). All adapters share one context and one
 * set of slots, so that a slot goes from one adapter to the other, and batches of one follow those of another.
 */
import {
  backboneSpec,
  EMBEDDED_FAMILY,
  loadFamily,
  startEngine,
  tokensOf,
  type Token,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { chance, realPrompts } from '../support/prompts.ts';

const REQUESTS = 504;
/** How many are under way at once. */
const TOGETHER = 6;
const LIMIT = 8;
const PROMPTS = 8;

const family = await loadFamily(EMBEDDED_FAMILY);
const adapters = ['', ...family.adapters.map(({ name }) => name)];

interface Asked {
  readonly adapter: string;
  readonly prompt: number;
  /** Tokens of the prompt that are left out, as if they were typed later. */
  readonly less: number;
}

describe('requests of several adapters at once', () => {
  // Fewer slots than requests under way, so that each goes from one adapter to another all the time.
  const together = startEngine(backboneSpec(family, { sequences: 3, threads: 1 }));
  const alone = startEngine(backboneSpec(family, { sequences: 1, threads: 1 }));
  let prompts: Token[][];

  before(async () => {
    prompts = (await realPrompts(alone, family, PROMPTS, 26_207)).map((prompt) => prompt.slice(0, 120));
  });
  after(() => Promise.all([together.dispose(), alone.dispose()]));

  it(`write what each adapter writes alone: 0 differences in ${REQUESTS}`, async (t) => {
    assert.ok(adapters.length >= 6, 'the backbone and five adapters at least');
    const random = chance(26_207);
    const asked = Array.from({ length: REQUESTS }, (_, number): Asked => {
      // Each adapter gets as many; prompts come again under others, and a little shorter or longer.
      const prompt = Math.floor(random() * PROMPTS);
      return { adapter: adapters[number % adapters.length]!, prompt, less: Math.floor(random() * 2) };
    });
    const write = (engine: typeof alone, { adapter, prompt, less }: Asked) => {
      const context = prompts[prompt]!.slice(0, prompts[prompt]!.length - less);
      return tokensOf(engine.write({ adapter: adapter || undefined, context, limit: LIMIT }));
    };

    const texts = new Map<Asked, Token[]>();
    const queue = [...asked];
    await Promise.all(
      Array.from({ length: TOGETHER }, async () => {
        for (let next = queue.shift(); next; next = queue.shift())
          texts.set(next, await write(together, next));
      }),
    );
    let different = 0;
    const others = new Set<string>();
    const known = new Map<string, Token[]>();
    for (const one of [...asked].sort((a, b) => a.adapter.localeCompare(b.adapter))) {
      const key = JSON.stringify(one);
      const own = known.get(key) ?? (await write(alone, one));
      known.set(key, own);
      if (texts.get(one)!.join() !== own.join()) different++;
      others.add(`${one.prompt} ${one.less} ${own.join()}`);
    }
    const places = new Set(asked.map(({ prompt, less }) => `${prompt} ${less}`)).size;
    t.diagnostic(`${different} of ${REQUESTS} different; ${others.size} texts at ${places} places`);
    assert.equal(different, 0);
    // Were adapters without effect, nothing could be seen of one taken for another.
    assert.ok(others.size > 2 * places, 'the adapters write different texts');
  });
});
