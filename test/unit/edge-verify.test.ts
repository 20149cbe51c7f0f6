import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { speculate, type Token } from '@foretype/models';
import { verify } from '../../edge-node/src/verify.ts';
import { FAKE, FakeEngine, fakeNext, fakeWrite } from '../support/fake-engine.ts';

const end = new Set([FAKE.end]);
const forever = new AbortController().signal;
const prompt = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 12 });

describe('a verdict', () => {
  it('holds only what the target alone would have written, whatever is drafted', async () => {
    await fc.assert(
      fc.asyncProperty(
        prompt,
        fc.nat(12),
        fc.option(fc.nat(12)),
        fc.nat(12),
        fc.constantFrom(undefined, 'blue', 'red'),
        async (context, length, wrongAt, more, adapter) => {
          const alone = fakeWrite(context, 40, adapter);
          const drafted = alone.slice(0, length);
          if (wrongAt !== null && wrongAt < drafted.length) drafted[wrongAt] = (drafted[wrongAt]! + 1) % 256;
          const request = { adapter, context, drafted, more, end };
          const { accepted, tokens } = await verify(new FakeEngine(), request, forever);
          const output = [...drafted.slice(0, accepted), ...tokens];
          // Past an accepted end token the verdict still bears the target's own token, which a client cuts off.
          assert.deepEqual(output.slice(0, alone.length), alone.slice(0, output.length));
          assert.ok(tokens.length >= 1 && tokens.length <= more + 1);
        },
      ),
    );
  });

  it('makes the same text in rounds as the target alone, for every draft length and every drafter', async () => {
    await fc.assert(
      fc.asyncProperty(
        prompt,
        fc.nat(8),
        fc.nat(5),
        fc.nat(3),
        async (context, draftLength, more, drafterSeed) => {
          const engine = new FakeEngine();
          const committed: Token[] = [];
          const rounds = speculate({
            prompt: context,
            limit: 40,
            draftLength,
            end,
            draft: (tokens, count) => Promise.resolve(fakeWrite(tokens, count, undefined, drafterSeed)),
            verify: (tokens, drafted) =>
              verify(engine, { adapter: undefined, context: tokens, drafted, more, end }, forever),
          });
          for await (const round of rounds) committed.push(...round.committed);
          assert.deepEqual(committed, fakeWrite(context, 40));
        },
      ),
    );
  });

  it('goes on from the target’s own token with as many tokens as asked for', async () => {
    const context = contextWith((alone) => alone.length > 10);
    const request = { adapter: undefined, context, drafted: [], more: 5, end };
    assert.deepEqual(await verify(new FakeEngine(), request, forever), {
      accepted: 0,
      tokens: fakeWrite(context, 6),
    });
  });

  it('does not write on after an end token, own or accepted', async () => {
    const context = contextWith((alone) => alone.length === 1);
    for (const drafted of [[], [FAKE.end]]) {
      const engine = new FakeEngine();
      const verdict = await verify(engine, { adapter: undefined, context, drafted, more: 5, end }, forever);
      assert.equal(verdict.tokens.length, 1);
      assert.deepEqual(
        engine.calls.map(({ kind }) => kind),
        ['choose'],
      );
    }
  });

  it('rejects with the reason of an abort, while the engine works and before it starts', async () => {
    const abort = new AbortController();
    const engine = new FakeEngine({ delay: () => new Promise(() => undefined) });
    const request = { adapter: undefined, context: [1], drafted: [], more: 5, end };
    const running = verify(engine, request, abort.signal);
    abort.abort(new Error('not wanted'));
    await assert.rejects(running, /not wanted/);
    assert.equal(engine.calls[0]?.outcome, 'aborted');
    await assert.rejects(verify(engine, request, abort.signal), /not wanted/);
  });
});

/** A context after which the fake's own text is as `wanted`. */
function contextWith(wanted: (alone: readonly Token[]) => boolean): Token[] {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      if (wanted(fakeWrite([first, second], 20))) return [first, second];
    }
  }
  throw new Error(`The fake never writes so; after [0] it writes ${fakeNext([0])}.`);
}
