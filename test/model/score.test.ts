/** The engine's probabilities, and continuations that must begin with a given text. */
import {
  tokensOf,
  backboneSpec,
  EMBEDDED_FAMILY,
  judge,
  loadFamily,
  startEngine,
  type Token,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { realPrompts } from '../support/prompts.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const adapter = family.adapters[0]!.name;
const engine = startEngine(backboneSpec(family, { sequences: 1, threads: 1 }));
let prompts: Token[][];

before(async () => {
  prompts = await realPrompts(engine, family, 12, 42);
});
after(() => engine.dispose());

describe('score', () => {
  it('the probabilities of all tokens add up to 1, and the greedy choice has the largest', async () => {
    const { vocabulary } = await engine.facts();
    const context = prompts[0]!;
    const all: number[] = [];
    for (let token = 0; token < vocabulary; token++)
      all.push((await engine.score({ context, tokens: [token] }))[0]!);
    const sum = all.reduce((total, logarithm) => total + Math.exp(logarithm), 0);
    assert.ok(Math.abs(sum - 1) < 1e-4, `They add up to ${sum}.`);
    assert.equal(all.indexOf(Math.max(...all)), (await engine.choose({ context, drafted: [] }))[0]);
  });

  for (const name of [undefined, adapter]) {
    it(`${name ?? 'backbone'}: a text at once has the probabilities of its tokens one by one`, async () => {
      const text = prompts.find(({ length }) => length > 200)!;
      for (const [from, to] of [
        [1, 200],
        [60, 93],
        [100, 133],
      ] as const) {
        const together = await engine.score({
          adapter: name,
          context: text.slice(0, from),
          tokens: text.slice(from, to),
        });
        assert.equal(together.length, to - from);
        for (let at = from; at < to; at += 7) {
          const context = text.slice(0, at);
          const [alone] = await engine.score({ adapter: name, context, tokens: [text[at]!] });
          assert.equal(alone, together[at - from]);
          assert.ok(alone! <= 0);
        }
      }
    });
  }

  it('fills the context to its last token and no further', async () => {
    const long = [...prompts.flat(), ...prompts.flat()].slice(0, family.context + 1);
    assert.equal(
      (await engine.score({ context: long.slice(0, 1), tokens: long.slice(1) })).length,
      family.context,
    );
    await assert.rejects(engine.score({ context: long.slice(0, 2), tokens: [...long.slice(2), 1, 1] }), {
      code: 'context-full',
    });
    assert.deepEqual(await engine.score({ context: [1], tokens: [] }), []);
    await assert.rejects(engine.score({ context: [1], tokens: [1_000_000] }), { code: 'unknown-token' });
  });
});

describe('a leading text', () => {
  const texts = ['co', 'retur', ' = ', ';\n  ', '    ', '漢é', '\u{1F600}x', 'Zqxj'];

  it('begins whatever is written, with every byte of it', async () => {
    for (const [index, context] of prompts.entries()) {
      const leading = texts[index % texts.length]!;
      const written = await tokensOf(engine.write({ context, limit: 24, leading }));
      assert.ok((await engine.detokenize(written)).startsWith(leading), leading);
    }
  });

  it('changes nothing where the model would have begun so anyway', async () => {
    for (const context of prompts) {
      const free = await tokensOf(engine.write({ context, limit: 8 }));
      const leading = await engine.detokenize(free.slice(0, 1));
      if (leading === '' || leading.includes('\uFFFD')) continue;
      assert.deepEqual(await tokensOf(engine.write({ context, limit: 8, leading })), free);
    }
  });

  it('binds the choices for a draft as it binds what is written', async () => {
    for (const [index, context] of prompts.entries()) {
      const leading = texts[index % texts.length]!;
      const written = await tokensOf(engine.write({ context, limit: 8, leading }));
      const drafted = written.slice(0, -1);
      assert.deepEqual(
        (await engine.choose({ context, drafted, leading })).slice(0, written.length),
        written,
      );
      // A draft that does not begin so is rejected where it departs, and the token there is the right one.
      const departed = [drafted[0] === 300 ? 301 : 300, ...drafted];
      const verdict = judge(departed, await engine.choose({ context, drafted: departed, leading }));
      assert.deepEqual(verdict, { accepted: 0, next: written[0] });
    }
  });

  it('`until` looks at what comes after it', async () => {
    for (const context of prompts) {
      const leading = 'x;\ny';
      const text = await engine.detokenize(
        await tokensOf(engine.write({ context, limit: 30, until: 'line', leading })),
      );
      assert.match(text, /^x;\ny/u);
      assert.doesNotMatch(text.slice(leading.length, -1), /\S[^\n]*\n[^]*\n/u);
    }
  });
});
