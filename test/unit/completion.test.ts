import { tokensOf, type Family, type Sampling, type Token } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verify } from '../../edge-node/src/verify.ts';
import { complete, type Candidate } from '../../server/src/completion.ts';
import { Control } from '../../server/src/control.ts';
import type { Verifier } from '../../server/src/verifier.ts';
import { reportOf, type CompletionTrace } from '../../server/src/trace.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const family = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end, FAKE.prefix, FAKE.suffix, FAKE.middle] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'suffix-first' },
} as unknown as Family;
const request = { text: 'const a = ;\n', offset: 10, adapter: '' };
const prompt: Token[] = [
  FAKE.suffix,
  ...Buffer.from(';\n'),
  FAKE.prefix,
  // The blank before the cursor is taken back, and led with.
  ...Buffer.from('const a ='),
  FAKE.middle,
];
const leading = ' ';

const never = new AbortController().signal;

/** The seed of a fake is its weights: a draft with the target's seed is always right, another one nearly never. */
function verifierOf(target: FakeEngine) {
  const contexts: (readonly Token[])[] = [];
  const synced: (readonly Token[])[] = [];
  return {
    contexts,
    synced,
    verify: async function* ({ leading, ...request }, signal) {
      contexts.push(request.context);
      const text = await target.detokenize(leading);
      const parts = verify(target, { ...request, leading: text, untilLine: true }, signal);
      let bytesUp = 10;
      for await (const part of parts) {
        yield { ...part, nodeMs: 1, bytesUp, bytesDown: 5 };
        bytesUp = 0;
      }
    },
    sync: ({ context }) => {
      synced.push(context);
      return Promise.resolve(undefined);
    },
  } satisfies Verifier & Record<string, unknown>;
}

/** The text of the target alone, by the rule that a completion is cut with. */
async function alone(target: FakeEngine, seed: number, sampling?: Sampling): Promise<string> {
  const written = new FakeEngine({ seed }).write({ context: prompt, limit: 49, leading, sampling });
  const text = (await target.detokenize(await tokensOf(written))).slice(leading.length);
  return /^\s*\S[^\n]*(?=\n)/u.exec(text)?.[0].trimEnd() ?? text.trimEnd();
}

describe('complete', () => {
  it('without a verifier gives the draft and says so', async () => {
    const draft = new FakeEngine({ seed: 1 });
    const [only, ...more] = await all(draft, undefined);
    assert.equal(more.length, 0);
    assert.equal(only!.report.path, 'draft');
    assert.equal(only!.text, await alone(draft, 1));
  });

  for (let seed = 0; seed < 40; seed++) {
    it(`ends with exactly the target's text, target ${seed}`, async () => {
      const target = new FakeEngine({ seed });
      for (const draftSeed of [seed, seed + 1]) {
        const verifier = verifierOf(target);
        const candidates = await all(new FakeEngine({ seed: draftSeed }), verifier);
        const [first, second] = [candidates[0], candidates.at(-1)];
        assert.equal(second!.text, await alone(target, seed));
        assert.equal(second!.report.path, 'speculated');
        assert.deepEqual(verifier.contexts[0], prompt);
        const { rounds, committed, accepted, bytesUp, bytesDown } = second!.report;
        assert.deepEqual([rounds, bytesUp], [verifier.contexts.length, rounds * 10]);
        assert.ok(bytesDown >= rounds * 5 && bytesDown % 5 === 0);
        assert.ok(accepted <= committed && committed <= 48 + leading.length);
        if (draftSeed === seed) assert.equal(first!.text, second!.text);
      }
    });
  }

  it('by chance ends with exactly what the target writes with the same seed', async () => {
    const texts = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const sampling = { temperature: 1, seed };
      const target = new FakeEngine({ seed: 7 });
      const parts = partsOf(new FakeEngine({ seed: 7 + (seed % 2) }), verifierOf(target));
      const candidates = await Array.fromAsync(complete(parts, { ...request, sampling }, never));
      assert.equal(candidates.at(-1)!.text, await alone(target, 7, sampling));
      texts.add(candidates.at(-1)!.text);
    }
    assert.ok(texts.size > 10, 'another seed is another text');
  });

  it('typing in a long file appends to the prompt and seldom changes anything before it', async () => {
    const before = Array.from({ length: 200 }, (_, line) => `const value${line} = ${line};\n`).join('');
    const line = 'const total = value1 + value2 + value3;';
    const typed: Token[][] = [];
    for (let length = 0; length <= line.length; length++) {
      const draft = new FakeEngine({ seed: 1 });
      const text = before + line.slice(0, length) + '\n' + before;
      const candidates = complete(
        partsOf(draft, undefined),
        { text, offset: before.length + length, adapter: '' },
        never,
      );
      await candidates.next();
      typed.push([...draft.calls[0]!.context]);
    }
    // All but the end marker of one prompt starts the next one.
    const moved = typed.slice(1).filter((context, index) => {
      const last = typed[index]!.slice(0, -1);
      return !last.every((token, at) => context[at] === token);
    });
    assert.ok(moved.length <= 1, `${moved.length} of ${line.length} keystrokes changed the prompt's front.`);
  });

  it('leaves a trace of what was done, however it ends', async () => {
    const traces: CompletionTrace[] = [];
    const onTrace = (trace: CompletionTrace) => traces.push(trace);
    let clock = 0;
    const now = () => clock++;
    const target = new FakeEngine({ seed: 5 });
    const parts = { ...partsOf(new FakeEngine({ seed: 5 }), verifierOf(target)), now, onTrace };
    const candidates = await Array.fromAsync(complete(parts, request, never));
    const trace = traces[0]!;
    assert.deepEqual(reportOf(trace, 'speculated'), candidates.at(-1)!.report);
    assert.deepEqual([trace.outcome, trace.context, trace.leading], ['done', prompt.length, 1]);
    const times = trace.rounds.flatMap(({ startMs, sentMs, parts }) => [startMs, sentMs, parts[0]!.ms]);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a! - b!),
    );
    assert.ok(trace.endMs! > trace.verifiedMs! && !JSON.stringify(trace).includes('const'));

    await complete(parts, request, AbortSignal.abort())
      .next()
      .catch(() => undefined);
    const lost = new FakeEngine({ fail: () => assert.fail('lost') });
    await complete({ ...parts, draft: lost, edge: undefined }, request, never)
      .next()
      .catch(() => undefined);
    assert.deepEqual(
      traces.map(({ outcome }) => outcome),
      ['done', 'left', 'failed'],
    );
  });

  it('weighs what was spent: rounds that were sent, and nothing for those that were only planned', async () => {
    const spent: Parameters<Control['spend']>[0][] = [];
    const now = () => 0;
    class Watched extends Control {
      override spend(one: Parameters<Control['spend']>[0]): void {
        spent.push(one);
      }
    }
    const control = new Watched({ now, jPerHour: () => 36_000 });
    const target = new FakeEngine({ seed: 5 });
    const edge = { verifier: verifierOf(target), control };
    const parts = { family, draft: new FakeEngine({ seed: 5 }), edge, now };
    await Array.fromAsync(complete(parts, request, never));
    assert.ok(spent[0]!.rounds >= 1);
    const stuck = new FakeEngine({ delay: () => new Promise(() => undefined) });
    const abort = new AbortController();
    const left = complete({ ...parts, draft: stuck }, request, abort.signal).next();
    setImmediate(() => abort.abort());
    await left.catch(() => undefined);
    assert.deepEqual(
      spent
        .slice(1)
        .map(({ rounds }) => rounds)
        .filter(Boolean),
      [],
    );
  });

  it('asks the node nothing while the energy budget is used up', async () => {
    const verifier = verifierOf(new FakeEngine({ seed: 1 }));
    const traces: CompletionTrace[] = [];
    const parts = partsOf(new FakeEngine({ seed: 2 }), verifier);
    parts.edge!.control.spend({ drafted: 0, rounds: 1e6, waitMs: 0 });
    const onTrace = (trace: CompletionTrace) => traces.push(trace);
    const candidates = await Array.fromAsync(complete({ ...parts, onTrace }, request, never));
    assert.deepEqual(
      candidates.map(({ report }) => report.path),
      ['draft'],
    );
    assert.deepEqual([verifier.synced, verifier.contexts], [[], []]);
    assert.equal(traces[0]!.unverified, 'energy budget used up');
  });

  it('reads the context ahead', async () => {
    const verifier = verifierOf(new FakeEngine({ seed: 1 }));
    await all(new FakeEngine({ seed: 2 }), verifier);
    assert.deepEqual(verifier.synced, [prompt]);
  });

  it('learns from the node’s answer to that, though nobody waits for the completion any more', async () => {
    const seen: Parameters<Control['observe']>[0][] = [];
    class Watched extends Control {
      override observe(one: Parameters<Control['observe']>[0]): void {
        seen.push(one);
      }
    }
    const answer = Promise.withResolvers<{ nodeMs: number; bytesUp: number; bytesDown: number }>();
    const parts = partsOf(new FakeEngine({ seed: 1 }), undefined);
    const verifier: Verifier = {
      verify: () => new ReadableStream(),
      sync: (_request, signal) => Promise.race([answer.promise, aborted(signal)]),
    };
    const edge = { verifier, control: new Watched({ now: parts.now, jPerHour: () => 36_000 }) };
    const keystroke = new AbortController();
    const candidates = complete({ ...parts, edge }, request, keystroke.signal);
    await candidates.next();
    keystroke.abort();
    await candidates.return();
    answer.resolve({ nodeMs: 1, bytesUp: 2, bytesDown: 3 });
    await new Promise(setImmediate);
    assert.equal(seen.filter(({ kind }) => kind === 'sync').length, 1);
  });

  it('asks no node that is known to be too far for anybody’s patience, and says why', async () => {
    const parts = partsOf(new FakeEngine({ seed: 1 }), verifierOf(new FakeEngine({ seed: 1 })));
    for (let sync = 0; sync < 20; sync++) {
      const sizes = { nodeSpentMs: 0, bytesUp: 50, bytesDown: 10 };
      parts.edge!.control.observe({ kind: 'sync', at: 0, sentAt: -1200, ...sizes });
    }
    const candidates = await Array.fromAsync(complete(parts, { ...request, patience: 400 }, never));
    assert.equal(candidates.at(-1)!.report.path, 'draft');
    assert.match(candidates.at(-1)!.report.unverified!, /ms expected/u);
  });

  it('is the target’s text where the draft engine fails, and the draft where the node does', async () => {
    const fail = () => assert.fail('lost');
    const target = new FakeEngine({ seed: 2 });
    const [only, ...more] = await all(new FakeEngine({ fail }), verifierOf(target));
    assert.deepEqual([only!.text, more], [await alone(target, 2), []]);
    const broken: Verifier = { verify: fail, sync: () => Promise.resolve(undefined) };
    const draft = new FakeEngine({ seed: 1 });
    const drafted = complete(partsOf(draft, broken), request, never);
    const first = await drafted.next();
    assert.equal((first.value as Candidate).text, await alone(draft, 1));
    const both = complete(partsOf(new FakeEngine({ fail }), broken), request, never);
    await assert.rejects(both.next(), /lost/u);
  });

  it('does not show half a character where the limit cuts one', async () => {
    const emoji = [...Buffer.from('\u{1F600}')];
    const half: Token[] = [
      ...Buffer.from(leading),
      ...Array.from({ length: 46 }, () => 97),
      ...emoji.slice(0, 2),
    ];
    const draft = new FakeEngine();
    draft.write = async function* () {
      for (const token of half) yield await Promise.resolve({ token, probability: 1, evaluated: 1 });
    };
    const [only] = await all(draft, undefined);
    assert.equal(only!.text, 'a'.repeat(46));
  });

  it('stops at the draft when the request is cancelled there', async () => {
    const abort = new AbortController();
    const draft = new FakeEngine({ seed: 3, delay: cancelIn(abort) });
    const candidates = complete(partsOf(draft, undefined), request, abort.signal);
    await assert.rejects(candidates.next(), { name: 'AbortError' });
    assert.equal(draft.calls[0]!.outcome, 'aborted');
  });

  it('cancels the verification under way', async () => {
    const abort = new AbortController();
    const target = new FakeEngine({ seed: 3, delay: cancelIn(abort) });
    const candidates = complete(
      partsOf(new FakeEngine({ seed: 3 }), verifierOf(target)),
      request,
      abort.signal,
    );
    await candidates.next();
    await assert.rejects(candidates.next(), { name: 'AbortError' });
    assert.equal(target.calls[0]!.outcome, 'aborted');
  });
});

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
}

/** An evaluation that the user cancels in its middle, and that would never end by itself. */
function cancelIn(abort: AbortController) {
  return () => {
    setImmediate(() => abort.abort());
    return new Promise(() => undefined);
  };
}

function partsOf(draft: FakeEngine, verifier: Verifier | undefined) {
  const now = () => 0;
  const edge = verifier && { verifier, control: new Control({ now, jPerHour: () => 36_000 }) };
  return { family, draft, edge, now };
}

function all(draft: FakeEngine, verifier: Verifier | undefined): Promise<Candidate[]> {
  return Array.fromAsync(complete(partsOf(draft, verifier), request, never));
}
