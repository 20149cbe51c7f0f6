/** Completions without a draft model: all of the text is the target's, and it is the text that it would be with one. */
import type { Family } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verify } from '../../edge-node/src/verify.ts';
import { complete, type Candidate, type CompletionRequest } from '../../server/src/completion.ts';
import { Control } from '../../server/src/control.ts';
import type { Offer } from '../../server/src/drafts.ts';
import type { CompletionTrace } from '../../server/src/trace.ts';
import type { Verifier } from '../../server/src/verifier.ts';
import { EdgeError } from '../../server/src/rounds.ts';
import { FAKE, FakeEngine } from '../support/fake-engine.ts';

const family = {
  context: FAKE.context,
  tokenizer: { fingerprint: FAKE.tokenizer, end: [FAKE.end, FAKE.prefix, FAKE.suffix, FAKE.middle] },
  fim: { prefix: FAKE.prefix, suffix: FAKE.suffix, middle: FAKE.middle, order: 'suffix-first' },
} as unknown as Family;
const request: CompletionRequest = { text: 'const a = ;\n', offset: 10, adapter: '' };
const never = new AbortController().signal;

function verifierOf(target: FakeEngine): Verifier {
  return {
    verify: async function* ({ leading, ...asked }, signal) {
      const text = await target.detokenize(leading);
      for await (const part of verify(target, { ...asked, leading: text, untilLine: true }, signal))
        yield { ...part, nodeMs: 1, bytesUp: 10, bytesDown: 5 };
    },
    sync: () => Promise.resolve(undefined),
  };
}

/** All that the service has of an engine which writes nothing. */
function vocabulary() {
  const engine = new FakeEngine();
  return {
    tokenize: (text: string) => engine.tokenize(text),
    detokenize: (tokens: readonly number[]) => engine.detokenize(tokens),
  };
}

function withoutDraft(verifier: Verifier | undefined, asked: Partial<CompletionRequest> = {}) {
  const now = () => 0;
  const edge = verifier && { verifier, control: new Control({ now }) };
  const traces: CompletionTrace[] = [];
  const parts = {
    family,
    draft: vocabulary(),
    edge,
    now,
    onTrace: (trace: CompletionTrace) => traces.push(trace),
  };
  const candidates = Array.fromAsync(complete(parts, { ...request, ...asked }, never));
  return { candidates, traces };
}

async function withDraft(verifier: Verifier, seed: number): Promise<Candidate> {
  const now = () => 0;
  const control = new Control({ now, jPerHour: () => 36_000 });
  const parts = { family, draft: new FakeEngine({ seed }), edge: { verifier, control }, now };
  return (await Array.fromAsync(complete(parts, request, never))).at(-1)!;
}

describe('a completion without a draft model', () => {
  for (let seed = 0; seed < 20; seed++) {
    it(`is one text, and the one that it is with a draft model, target ${seed}`, async () => {
      const target = new FakeEngine({ seed });
      const { text } = await withDraft(verifierOf(target), seed + 1);
      const { candidates, traces } = withoutDraft(verifierOf(target));
      const [only, ...more] = await candidates;
      assert.equal(more.length, 0);
      assert.equal(only!.text, text);
      const { path, drafted, firstTextMs, verifiedMs } = only!.report;
      assert.deepEqual([path, drafted, firstTextMs, verifiedMs], ['speculated', 0, 0, 0]);
      assert.deepEqual([traces[0]!.outcome, traces[0]!.drafted], ['done', 0]);
      assert.ok(traces[0]!.rounds.every(({ source }) => source === null));
    });
  }

  it('is drafted from what was said before, whether that is right or wrong', async () => {
    const target = new FakeEngine({ seed: 3 });
    const right = (await withDraft(verifierOf(target), 4)).text;
    assert.ok(right.length > 3);
    for (const text of [right, `${right.slice(0, 2)}Q${right.slice(3)}`, 'QQQQQQ']) {
      const remembered = { text, verified: true };
      const [only] = await withoutDraft(verifierOf(target), { remembered }).candidates;
      assert.equal(only!.text, right);
      assert.ok(only!.report.drafted > 0, 'what is remembered is a draft');
      assert.equal(only!.report.accepted === only!.report.drafted, text === right);
    }
  });

  it('does not give up however slow the node is: there is nothing else to see', async () => {
    const target = new FakeEngine({ seed: 5 });
    const { text } = await withDraft(verifierOf(target), 6);
    const [only] = await withoutDraft(verifierOf(target), { patience: 0 }).candidates;
    assert.equal(only!.text, text);
  });

  it('fails with what the node says', async () => {
    const refused = new EdgeError('busy', 'Too much to do.');
    const verifier: Verifier = {
      verify: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refused) }) }),
      sync: () => Promise.resolve(undefined),
    };
    const { candidates, traces } = withoutDraft(verifier);
    await assert.rejects(candidates, refused);
    assert.equal(traces[0]!.outcome, 'failed');
  });

  it('is nothing where nobody can write it', async () => {
    assert.deepEqual(await withoutDraft(undefined).candidates, []);
  });
});

describe('a control without a budget', () => {
  const nothing: Offer = { source: 'lookup', hand: [], writes: false, waitedMs: null };
  it('has the node write, whatever was spent, where nothing is drafted', () => {
    const control = new Control({ now: () => 0 });
    control.spend({ drafted: 1e6, rounds: 1e6, waitMs: 1e9 });
    assert.equal(control.rests, false);
    const { plan } = control.decide({ adapter: '', written: 0, offers: [nothing], deadlineMs: Infinity });
    assert.equal(plan.kind, 'stream');
    assert.ok(plan.more > 0, 'to the end and not token by token');
  });

  it('as one with a budget would not', () => {
    const control = new Control({ now: () => 0, jPerHour: () => 900 });
    control.spend({ drafted: 1e6, rounds: 1e6, waitMs: 1e9 });
    const { plan } = control.decide({ adapter: '', written: 0, offers: [nothing], deadlineMs: Infinity });
    assert.equal(plan.kind, 'draft-only');
  });
});
