import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { speculate, type Token } from '@foretype/models';
import { verify } from '../../edge-node/src/verify.ts';
import { FAKE, FakeEngine, fakeNext, fakeWrite } from '../support/fake-engine.ts';
import { wholeVerdict } from '../support/verdict.ts';

const end = new Set([FAKE.end]);
/** A round about the backbone with nothing special. */
const PLAIN = { adapter: undefined, drafted: [], more: 0, leading: '', begun: 0, untilLine: false };
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
          const request = { ...PLAIN, adapter, context, drafted, more };
          const { accepted, tokens } = await wholeVerdict(verify(new FakeEngine(), request, forever));
          const output = [...drafted.slice(0, accepted), ...tokens];
          assert.deepEqual(output, alone.slice(0, output.length));
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
            plan: () => ({ draft: draftLength, more }),
            end,
            draft: (tokens, count) => Promise.resolve(fakeWrite(tokens, count, undefined, drafterSeed)),
            verify: (tokens, drafted, more) =>
              verify(engine, { ...PLAIN, context: tokens, drafted, more }, forever),
          });
          for await (const round of rounds) committed.push(...round.committed);
          assert.deepEqual(committed, fakeWrite(context, 40));
        },
      ),
    );
  });

  it('goes on from the target’s own token with as many tokens as asked for', async () => {
    const context = contextWith((alone) => alone.length > 10);
    const parts = verify(new FakeEngine(), { ...PLAIN, context, more: 5 }, forever);
    const { accepted, tokens } = await wholeVerdict(parts);
    assert.deepEqual([accepted, tokens], [0, fakeWrite(context, 6)]);
  });

  it('does not write on after an end token, own or accepted', async () => {
    const context = contextWith((alone) => alone.length === 1);
    for (const drafted of [[], [FAKE.end], [FAKE.end, 65]]) {
      const parts = verify(new FakeEngine(), { ...PLAIN, context, drafted, more: 5 }, forever);
      const { accepted, tokens } = await wholeVerdict(parts);
      assert.deepEqual([...drafted.slice(0, accepted), ...tokens], [FAKE.end]);
    }
  });

  it('begins with the leading text, and goes on where an earlier round left it', async () => {
    const context = [...Buffer.from('const ')];
    const request = { ...PLAIN, context, drafted: [...Buffer.from('vax')], more: 3, leading: 'value' };
    const first = await wholeVerdict(verify(new FakeEngine(), request, forever));
    assert.deepEqual([first.accepted, Buffer.from(first.tokens).toString().slice(0, 3)], [2, 'lue']);
    const begun = [...Buffer.from('val')];
    const later = { ...request, context: [...context, ...begun], drafted: [], begun: begun.length };
    const { tokens } = await wholeVerdict(verify(new FakeEngine(), later, forever));
    assert.equal(Buffer.from(tokens).toString().slice(0, 2), 'ue');
  });

  it('rejects with the reason of an abort, while the engine works and before it starts', async () => {
    const abort = new AbortController();
    const engine = new FakeEngine({ delay: () => new Promise(() => undefined) });
    const request = { ...PLAIN, context: [1], more: 5 };
    const running = wholeVerdict(verify(engine, request, abort.signal));
    abort.abort(new Error('not wanted'));
    await assert.rejects(running, /not wanted/);
    assert.equal(engine.calls[0]?.outcome, 'aborted');
    await assert.rejects(wholeVerdict(verify(engine, request, abort.signal)), /not wanted/);
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
