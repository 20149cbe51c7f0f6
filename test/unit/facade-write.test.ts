import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError, fimPrompt, promptFor } from '@foretype/models';
import type { WritingTarget } from '../../edge-node/src/facade/models.ts';
import { promptOf } from '../../edge-node/src/facade/prompt.ts';
import type { Outcome, TextRequest } from '../../edge-node/src/facade/text.ts';
import { writeText } from '../../edge-node/src/facade/write.ts';
import { FAKE, FakeEngine, fakeWrite } from '../support/fake-engine.ts';
import { facadeTarget, ScriptedEngine, type Script } from '../support/facade/target.ts';

const REQUEST: TextRequest = { prefix: 'a = (', suffix: ')\n', extra: [], limit: 64, stop: [], indent: 0 };

interface Written {
  readonly pieces: string[];
  readonly text: string;
  readonly outcome: Outcome;
}

async function write(
  target: WritingTarget,
  request: Partial<TextRequest>,
  now: () => number = () => 0,
): Promise<Written> {
  const parts = { target, client: 'tests', now };
  const pieces: string[] = [];
  const writing = writeText(parts, { ...REQUEST, ...request }, new AbortController().signal);
  for (;;) {
    const step = await writing.next();
    if (step.done) return { pieces, text: pieces.join(''), outcome: step.value };
    pieces.push(step.value.text);
  }
}

function scripted(script: Script): { engine: ScriptedEngine; target: WritingTarget } {
  const engine = new ScriptedEngine(script);
  return { engine, target: facadeTarget(engine) };
}

describe('a text', () => {
  it('is the engine’s own after the product’s prompt, without what only repeats text before the place', async () => {
    const engine = new FakeEngine();
    const target = facadeTarget(engine);
    const { prefix, suffix } = { prefix: 'const total = coun', suffix: ';\n' };
    const { text, outcome } = await write(target, { prefix, suffix, limit: 20 });

    const place = { text: prefix + suffix, offset: prefix.length };
    const prompt = await promptFor({ family: target.family, tokenizer: engine }, place, 20);
    assert.equal(prompt.leading.text, 'coun');
    assert.deepEqual(engine.calls[0]!.context, prompt.context);
    const expected = fakeWrite([...prompt.context, ...Buffer.from('coun')], 20);
    assert.equal(text, Buffer.from(expected.filter((token) => token !== FAKE.end)).toString());
    assert.equal(outcome.prompt, prompt.context.length);
    assert.equal(outcome.written, expected.filter((token) => token !== FAKE.end).length);
  });

  it('ends where the model ends it', async () => {
    const { target } = scripted({ text: 'b + c' });
    const { text, outcome } = await write(target, {});
    assert.equal(text, 'b + c');
    assert.deepEqual(
      [outcome.reason, outcome.word, outcome.written, outcome.evaluated],
      ['end', '', 5, outcome.prompt],
    );
  });

  it('ends before a stop text that spans tokens, of which nothing was given out', async () => {
    const { target, engine } = scripted({ text: 'b + c\n\nprint()' });
    const { text, pieces, outcome } = await write(target, { stop: ['<|endoftext|>', '\n\n'] });
    assert.equal(text, 'b + c');
    assert.ok(pieces.every((piece) => !piece.includes('\n')));
    assert.deepEqual([outcome.reason, outcome.word], ['word', '\n\n']);
    assert.equal(engine.calls[0]!.outcome, 'aborted', 'the engine writes nothing that is not wanted');
  });

  it('has what might have become a stop text when it did not', async () => {
    const { text } = await write(scripted({ text: 'b\n' }).target, { stop: ['\n\n'] });
    assert.equal(text, 'b\n');
  });

  it('has as many tokens as were asked for', async () => {
    const { text, outcome } = await write(scripted({ text: 'b + c + d' }).target, { limit: 5 });
    assert.deepEqual([text, outcome.reason, outcome.written], ['b + c', 'limit', 5]);
  });

  it('has a quarter of the context at most', async () => {
    const { outcome } = await write(scripted({ text: 'x'.repeat(600) }).target, { limit: Infinity });
    assert.deepEqual([outcome.reason, outcome.written], ['limit', FAKE.context / 4]);
  });

  it('comes in whole characters', async () => {
    const { pieces, text } = await write(scripted({ text: 'é → 🙂!' }).target, {});
    assert.deepEqual(pieces, ['é', ' ', '→', ' ', '🙂', '!']);
    assert.equal(text, 'é → 🙂!');
  });

  it('leaves out the half of a character that the limit cut', async () => {
    const { text } = await write(scripted({ text: 'a→' }).target, { limit: 2 });
    assert.equal(text, 'a');
  });

  it('is the same over many windows of the decoder', async () => {
    const long = 'żółw '.repeat(12);
    const { text } = await write(scripted({ text: long }).target, { limit: 100 });
    assert.equal(text, long);
  });

  it('ends before a line with too little indentation', async () => {
    const { text, outcome } = await write(scripted({ text: 'b)\n  c()\nd()\n' }).target, { indent: 2 });
    assert.deepEqual([text, outcome.reason], ['b)\n  c()\n', 'limit']);
  });

  it('ends at the first line end after its time, counted from the first token', async () => {
    let time = 0;
    const { target } = scripted({
      text: 'one\ntwo\nthree\n',
      before: (written) => {
        // Reading the prompt takes 500 ms, the fifth token 100 ms.
        if (written === 0) time += 500;
        if (written === 5) time += 100;
        return undefined;
      },
    });
    const { text, outcome } = await write(target, { prefix: '', lineAfterMs: 50 }, () => time);
    assert.equal(text, 'one\ntwo\n');
    assert.deepEqual([outcome.reason, outcome.promptMs, outcome.writtenMs], ['limit', 500, 100]);
  });

  it('is chosen by the sampling that was asked for, with the adapter that was', async () => {
    const { engine, target } = scripted({ text: '' });
    const sampling = { temperature: 0.5, seed: 7 };
    await write(target, { adapter: 'blue', sampling });
    const { adapter, sampling: used } = engine.requests[0]!;
    assert.deepEqual([adapter, used], ['blue', sampling]);
  });
});

describe('a prompt that is only read', () => {
  const ahead = { prefix: '', suffix: '', extra: ['import os\n'], limit: 0 };

  it('is read where a later prompt will begin with it', async () => {
    const engine = new FakeEngine();
    const { text, outcome } = await write(facadeTarget(engine, { order: 'prefix-first' }), ahead);
    assert.deepEqual(
      engine.calls.map(({ kind }) => kind),
      ['read'],
    );
    assert.deepEqual([text, outcome.reason, outcome.written], ['', 'limit', 0]);
    assert.equal(outcome.prompt, engine.calls[0]!.context.length);
  });

  it('costs nobody’s cache where none can', async () => {
    const engine = new FakeEngine();
    const target = facadeTarget(engine, { order: 'joined' });
    await write(target, ahead);
    assert.equal(engine.calls.length, 0);
    await write(target, { ...ahead, suffix: 'x\n' });
    assert.equal(engine.calls.length, 1);
  });
});

describe('the prompt', () => {
  const parts = ({ order = 'joined', bos }: { order?: 'joined' | 'prefix-first'; bos?: number }) => {
    const engine = new FakeEngine();
    const { family } = facadeTarget(engine, { order, ...(bos === undefined ? {} : { bos }) });
    return { family, tokenizer: engine };
  };
  const bytes = (text: string) => [...Buffer.from(text)];

  it('has other places before the prefix, and all of prefix and suffix', async () => {
    const around = { prefix: 'a = ', suffix: '\nb = 2\n', extra: ['import os\n', 'import re\n'] };
    const made = parts({});
    const { context, leading } = await promptOf(made, around, 64);
    const snippets = '\n\n--- snippet ---\n\nimport os\n\n\n--- snippet ---\n\nimport re\n';
    const prefix = bytes(snippets + around.prefix.slice(0, -leading.text.length));
    assert.deepEqual(context, fimPrompt(made.family.fim, { prefix, suffix: bytes(around.suffix) }));
  });

  it('has the end of them where not all have room, cut at the same place while a few letters are typed', async () => {
    const made = parts({});
    const extra = ['x'.repeat(250) + 'y'.repeat(250)];
    const lengths = await Promise.all(
      ['a = b.', 'a = b.c.', 'a = b.c.d.'].map(async (prefix) => {
        const { context } = await promptOf(made, { prefix, suffix: '\n', extra }, 64);
        return context.filter((token) => token === 'x'.charCodeAt(0) || token === 'y'.charCodeAt(0)).length;
      }),
    );
    assert.deepEqual(lengths, [320, 320, 320]);
  });

  it('has none of them where prefix and suffix fill it', async () => {
    const made = parts({});
    const place = { prefix: 'p'.repeat(300) + ' ', suffix: 's'.repeat(90) };
    const without = await promptOf(made, { ...place, extra: [] }, 64);
    const withThem = await promptOf(made, { ...place, extra: ['x'] }, 64);
    assert.deepEqual(withThem.context, without.context);
  });

  it('always leaves room for the answer', async () => {
    for (const extraLength of [0, 100, 1000]) {
      for (const length of [0, 100, 300, 2000]) {
        const text = 'word '.repeat(length / 5);
        const around = { prefix: text, suffix: text, extra: ['e'.repeat(extraLength)] };
        const { context, leading } = await promptOf(parts({ bos: 1 }), around, 128);
        assert.ok(context.length + leading.tokens.length + 128 <= FAKE.context, `${length}, ${extraLength}`);
      }
    }
  });

  it('is the text as it stands where it is only to be continued', async () => {
    const { context, leading } = await promptOf(parts({ bos: 1 }), { prefix: 'def area(r', extra: [] }, 16);
    assert.deepEqual([context, leading.text], [[1, ...bytes('def area(')], 'r']);
  });

  it('is never empty', async () => {
    const { context } = await promptOf(parts({}), { prefix: '', extra: [] }, 16);
    assert.deepEqual(context, [FAKE.suffix, FAKE.middle]);
  });

  it('keeps the end of a text that is too long', async () => {
    const text = `${'a\n'.repeat(2000)}the end `;
    const { context, leading } = await promptOf(parts({ bos: 1 }), { prefix: text, extra: [] }, 16);
    assert.ok(context.length <= FAKE.context - 16 && context.length > FAKE.context - 16 - 128);
    const read = Buffer.from(context.slice(1)).toString() + leading.text;
    assert.ok(text.endsWith(read));
  });
});

describe('a place in the engine', () => {
  it('is asked for in the client’s and the adapter’s name, after the model is there, and given back', async () => {
    const order: string[] = [];
    const { engine, target } = scripted({ text: 'b' });
    const prepare = (adapter: string) => {
      order.push(`prepare ${adapter}`);
      return Promise.resolve();
    };
    const enter: WritingTarget['scheduler']['enter'] = (asking) => {
      order.push(`enter ${asking.client} ${asking.adapter}`);
      return Promise.resolve({
        answered: () => order.push('answered'),
        leave: () => order.push(`leave after ${engine.calls.length}`),
      });
    };
    const scheduler = Object.assign(Object.create(target.scheduler) as typeof target.scheduler, { enter });
    await write({ ...target, prepare, scheduler }, { adapter: 'blue' });
    assert.deepEqual(order, ['prepare blue', 'enter tests blue', 'answered', 'leave after 1']);
  });

  it('is given back when the engine fails', async () => {
    const lost = new EngineError('engine-lost', 'The model process ended; it is being restarted.');
    const { target } = scripted({
      text: 'b',
      before: () => Promise.reject(lost),
    });
    await assert.rejects(write(target, {}), lost);
    assert.equal(target.scheduler.load.running, 0);
  });

  it('is given back when nobody asks any more, and the engine stops', async () => {
    const { engine, target } = scripted({ text: 'b + c' });
    const parts = { target, client: 'tests', now: () => 0 };
    const writing = writeText(parts, REQUEST, new AbortController().signal);
    await writing.next();
    assert.equal(target.scheduler.load.running, 1);
    await writing.return(undefined as never);
    assert.equal(target.scheduler.load.running, 0);
    assert.equal(engine.calls[0]!.outcome, 'aborted');
  });

  it('is not waited for by whoever has left, nor is an adapter', async () => {
    const { target } = scripted({ text: 'b' });
    const abort = new AbortController();
    const never = new Promise<void>(() => undefined);
    const parts = { target: { ...target, prepare: () => never }, client: 'tests', now: () => 0 };
    const next = writeText(parts, { ...REQUEST, adapter: 'blue' }, abort.signal).next();
    abort.abort();
    await assert.rejects(next, { name: 'AbortError' });
  });
});
