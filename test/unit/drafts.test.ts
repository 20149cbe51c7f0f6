import type { Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Drafts } from '../../server/src/drafts.ts';
import type { Prompt } from '../../models/src/prompt.ts';
import { Recollection } from '../../server/src/recollection.ts';
import { WriteAhead } from '../../server/src/write-ahead.ts';
import { FAKE, FakeEngine, fakeWrite } from '../support/fake-engine.ts';

const tokens = (text: string): Token[] => [...Buffer.from(text)];
const textOf = (drafted: readonly { readonly token: Token }[]) =>
  Buffer.from(drafted.map(({ token }) => token)).toString();
const never = new AbortController().signal;

function draftsAt({ before = 'let a', leading = '', others = [] as string[], remembered = '', seed = 1 }) {
  const engine = new FakeEngine({ seed });
  const context = [FAKE.suffix, FAKE.prefix, ...tokens(before), FAKE.middle];
  const prompt: Prompt = {
    context,
    leading: { text: leading, tokens: tokens(leading) },
    around: { prefix: tokens(before), suffix: [] },
  };
  let clock = 0;
  const ahead = new WriteAhead({
    engine,
    prompt,
    limit: 24,
    sampling: undefined,
    now: () => (clock += 2),
    signal: never,
  });
  const drafts = new Drafts({
    tokenizer: engine,
    prompt,
    ahead,
    others: others.map(tokens),
    remembered: remembered ? { text: remembered, verified: true } : undefined,
  });
  return { drafts, ahead, context, own: fakeWrite(context, 24, undefined, seed) };
}

describe('drafts', () => {
  it('of the draft model are what it writes, as far as they are wanted', async () => {
    const { drafts, own } = draftsAt({});
    const [offer] = await drafts.offers([]);
    assert.deepEqual([offer!.source, offer!.writes], ['neural', true]);
    const taken = await drafts.take(offer!, [], (so) => so.length < 3);
    assert.deepEqual(
      taken.map(({ token }) => token),
      own.slice(0, 3),
    );
    assert.ok(taken.every(({ sureness }) => sureness === 0.5));
  });

  it('of the draft model begin anew where the target departed from them', async () => {
    const { drafts, ahead, context, own } = draftsAt({});
    await ahead.whole();
    assert.deepEqual(textOf(drafts.ahead(own.slice(0, 1))), textOf(drafts.ahead([])).slice(1));
    const other: Token[] = [own[0] === 122 ? 121 : 122];
    assert.deepEqual(drafts.ahead(other), []);
    const [offer] = await drafts.offers(other);
    const taken = await drafts.take(offer!, other, (so) => so.length < 2);
    assert.deepEqual(
      taken.map(({ token }) => token),
      fakeWrite([...context, ...other], 2, undefined, 1),
    );
  });

  it('know what time they took', async () => {
    const { ahead } = draftsAt({});
    const written = await ahead.whole();
    assert.deepEqual(ahead.pace, { tokens: written.length - 1, ms: 2 * (written.length - 1), startMs: 2 });
  });

  it('are copied from the text before, or from other texts, with the length of the match as sureness', async () => {
    const { drafts } = draftsAt({ before: 'const total = 1; const tot' });
    const lookup = (await drafts.offers([])).find(({ source }) => source === 'lookup')!;
    assert.equal(textOf(lookup.hand), 'al = 1; const to');
    assert.ok(lookup.hand.every(({ sureness }) => sureness === 1) && !lookup.writes);
    const taken = await drafts.take(lookup, [], (so) => so.length < 6);
    assert.equal(textOf(taken), 'al = 1');
    const elsewhere = draftsAt({ before: 'if (que', others: ['else', 'const query = 1'] });
    const copied = (await elsewhere.drafts.offers([])).find(({ source }) => source === 'lookup')!;
    assert.equal(textOf(copied.hand), 'ry = 1');
    assert.equal(copied.hand[0]!.sureness, 3 / 8);
  });

  it('are not copied where they say something else than the text that must come first', async () => {
    const offers = async (leading: string) => {
      const { drafts } = draftsAt({ before: 'abcd abc', leading });
      return (await drafts.offers([])).map(({ source }) => source);
    };
    assert.deepEqual(await offers('d'), ['neural', 'lookup']);
    assert.deepEqual(await offers('x'), ['neural']);
  });

  it('go on with what an earlier completion said, as long as it holds', async () => {
    const { drafts } = draftsAt({ remembered: 'nswer = 42;' });
    const recalled = async (begun: string) => {
      const offers = await drafts.offers(tokens(begun));
      return textOf(offers.find(({ source }) => source === 'memory')?.hand ?? []);
    };
    assert.equal(await recalled(''), 'nswer = 42;');
    assert.equal(await recalled('nswer'), ' = 42;');
    assert.equal(await recalled('nsx'), '');
  });
});

describe('recollection', () => {
  const verified = (text: string) => ({ text, verified: true });
  const cursor = (uri: string, text: string) => ({ uri, text, offset: text.length });

  it('is of the last completion, while what is typed agrees with it', () => {
    const recollection = new Recollection(new FakeEngine());
    assert.equal(recollection.rememberedAt(cursor('a', 'const ')), undefined);
    recollection.keep(cursor('a', 'const '), verified('answer = 42;'));
    assert.deepEqual(recollection.rememberedAt(cursor('a', 'const ')), verified('answer = 42;'));
    assert.deepEqual(recollection.rememberedAt(cursor('a', 'const ans')), verified('wer = 42;'));
    for (const other of [cursor('a', 'const b'), cursor('a', 'con'), cursor('b', 'const ans')])
      assert.equal(recollection.rememberedAt(other), undefined);
    assert.equal(recollection.rememberedAt(cursor('a', 'const answer = 42;')), undefined);
  });

  it('has the tokens of the last three documents, the latest last, and not of the one at hand', async () => {
    const recollection = new Recollection(new FakeEngine());
    for (const uri of ['a', 'b', 'c', 'd', 'e']) {
      recollection.keep(cursor(uri, `text of ${uri}`), verified(''));
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      recollection.othersThan('c').map((one) => Buffer.from(one).toString()),
      ['text of b', 'text of d'],
    );
  });

  it('does without the tokens of a document that no engine could read', async () => {
    const lost = new FakeEngine();
    lost.tokenize = () => Promise.reject(new Error('lost'));
    const recollection = new Recollection(lost);
    recollection.keep(cursor('a', 'one'), verified(''));
    recollection.keep(cursor('b', 'two'), verified(''));
    await new Promise(setImmediate);
    assert.deepEqual(recollection.othersThan('b'), []);
  });
});
