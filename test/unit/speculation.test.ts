import { judge, speculate, upToEnd, type Commit, type Token, type VerdictPart } from '@foretype/models';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAKE, fakeNext, fakeWrite } from '../support/fake-engine.ts';
import { inOnePart } from '../support/verdict.ts';

describe('judge', () => {
  const cases: [name: string, drafted: Token[], choices: Token[], accepted: number, next: Token][] = [
    ['perfect match: the whole draft and a bonus token', [1, 2, 3], [1, 2, 3, 4], 3, 4],
    ['early mismatch: nothing but the recovered token', [1, 2, 3], [9, 2, 3, 4], 0, 9],
    ['mismatch in the middle', [1, 2, 3], [1, 9, 3, 4], 1, 9],
    ['mismatch at the last drafted token', [1, 2, 3], [1, 2, 9, 4], 2, 9],
    ['no draft: the target writes alone', [], [7], 0, 7],
    ['agreement after a mismatch does not count', [1, 2, 3], [9, 2, 3, 3], 0, 9],
  ];
  for (const [name, drafted, choices, accepted, next] of cases) {
    it(name, () => assert.deepEqual(judge(drafted, choices), { accepted, next }));
  }

  it('refuses choices that do not belong to the draft', () => {
    assert.throws(() => judge([1, 2], [1, 2]), /Expected 3 choices for 2 drafted tokens, got 2/);
  });
});

describe('speculate', () => {
  /** Drafts that agree with the target's rule now and then; `skill` in percent, `short` drafts less than asked. */
  const drafts = fc.record({
    prompt: fc.array(fc.integer({ min: 0, max: 299 }), { minLength: 1, maxLength: 20 }),
    seed: fc.integer(),
    limit: fc.integer({ min: 1, max: 40 }),
    draftLength: fc.integer({ min: 0, max: 17 }),
    skill: fc.integer({ min: 0, max: 100 }),
    short: fc.boolean(),
    more: fc.integer({ min: 0, max: 5 }),
  });

  it('commits exactly what the target alone writes, whatever is drafted and however much', async () => {
    await fc.assert(
      fc.asyncProperty(drafts, async (world) => {
        const output = await run(world);
        assert.deepEqual(output, fakeWrite(world.prompt, world.limit, '', world.seed));
      }),
      { numRuns: 3000 },
    );
  });

  it('is caught when one token too many is accepted: the test of the test', async () => {
    const greedyJudge = (drafted: readonly Token[], choices: readonly Token[]) => {
      const { accepted } = judge(drafted, choices);
      const tooMany = Math.min(accepted + 1, drafted.length);
      return { accepted: tooMany, next: choices[tooMany]! };
    };
    await assert.rejects(
      fc.assert(
        fc.asyncProperty(drafts, async (world) => {
          assert.deepEqual(
            await run(world, greedyJudge),
            fakeWrite(world.prompt, world.limit, '', world.seed),
          );
        }),
        { numRuns: 3000 },
      ),
      /Property failed/,
    );
  });

  it('never drafts what could not be committed', async () => {
    const asked: number[] = [];
    const rounds = speculate({
      prompt: [1],
      limit: 10,
      plan: () => ({ draft: 8, more: 0 }),
      end: new Set(),
      draft: (_context, count) => {
        asked.push(count);
        return Promise.resolve(Array.from({ length: count + 3 }, () => 5));
      },
      verify: (_context, drafted) => inOnePart({ accepted: drafted.length, tokens: [6] }),
    });
    const committed = await Array.fromAsync(rounds, (round: Commit) => round.committed.length);
    assert.deepEqual([asked, committed], [[8], [9, 1]]);
  });

  it('ends at the first end token, accepted or the target’s own', async () => {
    const one = async (verdict: VerdictPart, drafted: Token[]) =>
      Array.fromAsync(
        speculate({
          prompt: [1],
          limit: 10,
          plan: () => ({ draft: 4, more: 0 }),
          end: new Set([2]),
          draft: () => Promise.resolve(drafted),
          verify: () => inOnePart(verdict),
        }),
      );
    assert.deepEqual(await one({ accepted: 3, tokens: [9] }, [5, 2, 5]), [
      { first: true, drafted: 3, accepted: 2, committed: [5, 2] },
    ]);
    assert.deepEqual(await one({ accepted: 1, tokens: [2] }, [5, 7, 7]), [
      { first: true, drafted: 3, accepted: 1, committed: [5, 2] },
    ]);
  });

  it('never asks for more than may be committed, and stops asking at the limit', async () => {
    const asked: number[] = [];
    const rounds = speculate({
      prompt: [1],
      limit: 10,
      plan: () => ({ draft: 3, more: 100 }),
      end: new Set(),
      draft: () => Promise.resolve([5, 5, 5]),
      verify: async function* (_context, _drafted, more) {
        asked.push(more);
        yield { accepted: 1, tokens: [6] };
        for (;;) yield await Promise.resolve({ accepted: 0, tokens: [7] });
      },
    });
    const committed = await Array.fromAsync(rounds, (round: Commit) => round.committed);
    assert.deepEqual([asked, committed.flat()], [[6], [5, 6, 7, 7, 7, 7, 7, 7, 7, 7]]);
  });

  it('refuses a verdict that adds nothing instead of asking for ever', async () => {
    const rounds = speculate({
      prompt: [1],
      limit: 4,
      plan: () => ({ draft: 0, more: 0 }),
      end: new Set(),
      draft: () => Promise.resolve([]),
      verify: () => inOnePart({ accepted: 0, tokens: [] }),
    });
    await assert.rejects(rounds.next(), RangeError);
  });
});

it('upToEnd keeps the end token and nothing after it', () => {
  assert.deepEqual(upToEnd([1, 2, 3, 2], new Set([2])), [1, 2]);
  assert.deepEqual(upToEnd([1, 3], new Set([2])), [1, 3]);
});

interface World {
  readonly prompt: Token[];
  readonly seed: number;
  readonly limit: number;
  readonly draftLength: number;
  readonly skill: number;
  readonly short: boolean;
  readonly more: number;
}

async function run(world: World, rule: typeof judge = judge): Promise<Token[]> {
  const { prompt, seed, limit, draftLength, skill, short, more } = world;
  const next = (context: readonly Token[]) => fakeNext(context, '', seed);
  const output: Token[] = [];
  const rounds = speculate({
    prompt,
    limit,
    plan: () => ({ draft: draftLength, more }),
    end: new Set([FAKE.end]),
    draft: (context, count) => {
      const drafted: Token[] = [];
      while (drafted.length < (short ? Math.ceil(count / 2) : count)) {
        const right = next([...context, ...drafted]);
        const lucky = fakeNext([...context, ...drafted, 7], 'draft', seed) % 100 < skill;
        drafted.push(lucky ? right : (right + 1) % FAKE.vocabulary);
      }
      return Promise.resolve(drafted);
    },
    verify: async function* (context, drafted, more) {
      const seen = (count: number) => [...context, ...drafted.slice(0, count)];
      const choices = Array.from({ length: drafted.length + 1 }, (_, count) => next(seen(count)));
      const { accepted, next: own } = rule(drafted, choices);
      yield { accepted, tokens: [own] };
      // Written on in parts of two tokens, as a target may that is faster than the wire.
      const written = own === FAKE.end ? [] : fakeWrite([...seen(accepted), own], more, '', seed);
      for (let at = 0; at < written.length; at += 2) {
        await Promise.resolve();
        yield { accepted: 0, tokens: written.slice(at, at + 2) };
      }
    },
  });
  for await (const round of rounds) output.push(...round.committed);
  return output;
}
