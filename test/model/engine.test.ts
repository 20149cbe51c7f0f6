import {
  tokensOf,
  backboneSpec,
  EMBEDDED_FAMILY,
  loadFamily,
  startEngine,
  type EngineHost,
  type EngineState,
  type Token,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gone } from '../support/processes.ts';
import { realPrompts } from '../support/prompts.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const spec = (sequences: number) => backboneSpec(family, { sequences, threads: 1 });

describe('the engine', () => {
  const engine = startEngine(spec(4));
  let prompts: Token[][];
  before(async () => {
    prompts = await realPrompts(engine, family, 12, 99);
  });
  after(() => engine.dispose());

  it('says what it loaded', async () => {
    const facts = await engine.facts();
    assert.deepEqual(facts, {
      vocabulary: 4096,
      context: family.context,
      tokenizer: family.tokenizer.fingerprint,
    });
    assert.equal(engine.state.status, 'ready');
  });

  for (const text of [
    'a\r\n\tb',
    'x = "\u{1F600}é漢";',
    'nul \0 end',
    '',
    '   leading',
    '</s><|fim_prefix|><0x0A>',
    '\n\n\n}',
  ]) {
    it(`reads ${JSON.stringify(text)} as plain text and gives it back`, async () => {
      const tokens = await engine.tokenize(text);
      assert.equal(await engine.detokenize(tokens), text);
      const special = new Set([family.tokenizer.bos, ...family.tokenizer.end]);
      assert.deepEqual(
        tokens.filter((token) => special.has(token)),
        [],
      );
    });
  }

  it('chooses for a whole draft what it chooses one token at a time', async () => {
    for (const context of prompts) {
      const written = await write(engine, context, 12);
      const choices = await engine.choose({ context, drafted: written.slice(0, -1) });
      assert.deepEqual(choices.slice(0, written.length), written);
    }
  });

  it('gives many requests at once the same as one after the other', async () => {
    const alone = [];
    for (const context of prompts) alone.push(await write(engine, context, 16));
    const together = await Promise.all(prompts.map((context) => write(engine, context, 16)));
    assert.deepEqual(together, alone);
  });

  it('finds a text with an adapter as likely beside another client’s as alone', async () => {
    const { name: adapter } = family.adapters[0]!;
    const source = (await realPrompts(engine, family, 12, 5)).flatMap((prompt) => prompt.slice(0, 90));
    let different = 0;
    for (let run = 0; run + 90 < source.length; run += 3) {
      // Three tokens beside two: cut into equal parts they are two and two, and one that is alone.
      const [a, b] = [source.slice(run, run + 40), source.slice(run + 41, run + 81)];
      const [more, other] = [source.slice(run + 40, run + 43), source.slice(run + 81, run + 83)];
      const asked = { adapter, context: a, tokens: more };
      const alone = await engine.score(asked);
      await Promise.all([engine.read({ adapter, context: a }), engine.read({ adapter, context: b })]);
      const [beside] = await Promise.all([
        engine.score(asked),
        engine.score({ adapter, context: b, tokens: other }),
      ]);
      if (beside.join() !== alone.join()) different++;
    }
    assert.equal(different, 0);
  });

  it('keeps what an adapter computed away from the backbone and back (llama.cpp #26207)', async () => {
    const { name } = family.adapters[0]!;
    const separate = startEngine(spec(1));
    try {
      let differ = 0;
      for (const context of prompts) {
        const base = await write(separate, context, 16);
        const adapted = await write(separate, context, 16, name);
        // Interleaved on one engine, with the same prompt in both lanes.
        assert.deepEqual(await write(engine, context, 16, name), adapted);
        assert.deepEqual(await write(engine, context, 16), base);
        if (adapted.join() !== base.join()) differ++;
      }
      assert.ok(differ > 0, 'The adapter must change something, or this test shows nothing.');
    } finally {
      await separate.dispose();
    }
  });

  it('stops at the line end when it is asked to', async () => {
    for (const context of prompts) {
      const tokens = await tokensOf(engine.write({ context, limit: 48, until: 'line' }));
      const before = await engine.detokenize(tokens.slice(0, -1));
      assert.doesNotMatch(before, /\S[^\n]*\n/u);
    }
  });

  it('stops writing when the reader leaves, and when it is cancelled', async () => {
    const abort = new AbortController();
    for await (const { token } of engine.write({ context: prompts[0]!, limit: 50 })) {
      assert.ok(token >= 0);
      break;
    }
    const written: Token[] = [];
    const cancelled = (async () => {
      for await (const { token } of engine.write({ context: prompts[1]!, limit: 50 }, abort.signal)) {
        if (written.push(token) === 3) abort.abort();
      }
    })();
    await assert.rejects(cancelled, { name: 'AbortError' });
    assert.ok(written.length < 20, `${written.length} tokens came after the cancellation.`);
    assert.deepEqual(await write(engine, prompts[2]!, 8), (await write(engine, prompts[2]!, 16)).slice(0, 8));
  });

  it('holds as many tokens as it says, to the last one', async () => {
    const long = prompts.flat().slice(0, family.context);
    const [whole] = await engine.choose({ context: long, drafted: [] });
    const [, split] = await engine.choose({ context: long.slice(0, -1), drafted: long.slice(-1) });
    const [again] = await engine.choose({ context: long, drafted: [] });
    assert.deepEqual([split, again], [whole, whole]);
  });

  const wrong: [name: string, code: string, ask: () => Promise<unknown>][] = [
    [
      'a context that is too long',
      'context-full',
      () => engine.choose({ context: Array.from({ length: 600 }, () => 9), drafted: [] }),
    ],
    [
      'an adapter nobody knows',
      'unknown-adapter',
      () => engine.choose({ context: [1], drafted: [], adapter: 'nobody' }),
    ],
    [
      'an id beyond the vocabulary',
      'unknown-token',
      () => engine.choose({ context: [1, 4096], drafted: [] }),
    ],
    ['a negative id', 'unknown-token', () => engine.detokenize([-1])],
  ];
  for (const [name, code, ask] of wrong) {
    it(`refuses ${name} and goes on`, async () => {
      await assert.rejects(ask(), { name: 'EngineError', code });
      assert.equal((await engine.choose({ context: [1], drafted: [] })).length, 1);
    });
  }
});

describe('the engine’s process', () => {
  it('is killed in the middle of a request: the request says so, the next one is answered', async () => {
    const states: EngineState[] = [];
    const engine = startEngine(spec(1), (state) => states.push(state));
    const [prompt] = await realPrompts(engine, family, 1, 5);
    const alone = await write(engine, prompt!, 8);
    const lost = (async () => {
      for await (const { token } of engine.write({ context: prompt!, limit: 50 })) {
        assert.ok(token >= 0);
        process.kill(engine.pid!, 'SIGKILL');
      }
    })();
    await assert.rejects(lost, { name: 'EngineError', code: 'engine-lost' });
    assert.deepEqual(await write(engine, prompt!, 8), alone);
    assert.deepEqual(
      states.map(({ status }) => status),
      ['ready', 'restarting', 'ready'],
    );
    assert.match(states[1]!.reason!, /^The model process was ended by SIGKILL; it is being restarted\.$/u);
    await engine.dispose();
  });

  it('comes back with growing pauses when it is killed again and again', async () => {
    const engine = startEngine(spec(1));
    for (let round = 0; round < 2; round++) {
      await engine.facts();
      process.kill(engine.pid!, 'SIGKILL');
      await until(() => engine.state.status === 'restarting');
    }
    // The second loss is followed by a pause, in which callers hear at once that there is nothing to wait for.
    await assert.rejects(engine.facts(), { code: 'engine-lost' });
    await until(() => engine.state.status === 'ready');
    assert.equal((await engine.choose({ context: [1], drafted: [] })).length, 1);
    await engine.dispose();
  });

  it('a caller who gives up while the model loads does not wait for it', async () => {
    const engine = startEngine(spec(1));
    await assert.rejects(engine.choose({ context: [1], drafted: [] }, AbortSignal.timeout(1)), {
      name: 'TimeoutError',
    });
    const reading = tokensOf(engine.write({ context: [1], limit: 1 }, AbortSignal.timeout(1)));
    await assert.rejects(reading, { name: 'TimeoutError' });
    assert.equal(engine.state.status, 'loading');
    await engine.dispose();
  });

  it('outlives a signal to the whole group, since its host still needs it', async () => {
    const engine = startEngine(spec(1));
    await engine.facts();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(engine.pid!, signal);
    assert.equal((await engine.choose({ context: [1], drafted: [] })).length, 1);
    assert.equal(engine.state.status, 'ready');
    await engine.dispose();
  });

  it('leaves nothing behind when it is disposed of', async () => {
    const engine = startEngine(spec(1));
    await engine.facts();
    const pid = engine.pid!;
    const running = write(engine, [1, 10, 11], 100);
    await Promise.all([assert.rejects(running, { name: 'EngineError' }), engine.dispose()]);
    await gone([pid]);
    await assert.rejects(engine.tokenize('a'), { code: 'engine-disposed' });
  });
});

describe('model files that are not what they should be', () => {
  const directory = mkdtempSync(join(tmpdir(), 'foretype-family-'));
  const { file } = family.backbone;
  const path = join(directory, file);
  after(() => rmSync(directory, { recursive: true }));

  const damages: [name: string, damage: () => void, message: RegExp][] = [
    [
      'missing',
      () => rmSync(path),
      new RegExp(
        `${file} is missing \\(expected ${family.backbone.bytes} bytes\\); install the model family again\\.$`,
        'u',
      ),
    ],
    [
      'cut short',
      () => truncateSync(path, 1000),
      new RegExp(
        `has 1000 bytes, expected ${family.backbone.bytes}; install the model family again\\.$`,
        'u',
      ),
    ],
    [
      'altered',
      () => writeFileSync(path, Buffer.alloc(family.backbone.bytes, 7)),
      new RegExp(
        `is damaged \\(SHA-256 [0-9a-f]{12}…, expected ${family.backbone.sha256.slice(0, 12)}…\\)`,
        'u',
      ),
    ],
  ];
  for (const [name, damage, message] of damages) {
    it(`${name}: names the file, what was expected and what to do, and does not try for ever`, async () => {
      cpSync(EMBEDDED_FAMILY, directory, { recursive: true });
      damage();
      await fails(
        startEngine(backboneSpec(await loadFamily(directory), { sequences: 1, threads: 1 })),
        message,
      );
    });
  }

  it('another tokenizer than the family’s', async () => {
    const other = { ...spec(1), tokenizer: '0'.repeat(64) };
    const found = family.tokenizer.fingerprint.slice(0, 12);
    const message = new RegExp(`has the fingerprint ${found}…, the family expects 000000000000…`, 'u');
    await fails(startEngine(other), message);
  });

  it('a manifest that is missing, not JSON, or wrong in one place', async () => {
    const manifest = join(directory, 'family.json');
    rmSync(manifest);
    await assert.rejects(loadFamily(directory), {
      code: 'model-invalid',
      message: /family\.json cannot be read/u,
    });
    writeFileSync(manifest, '{');
    await assert.rejects(loadFamily(directory), {
      code: 'model-invalid',
      message: /family\.json is not JSON/u,
    });
    writeFileSync(manifest, JSON.stringify({ ...family, fim: { ...family.fim, order: 'sideways' } }));
    await assert.rejects(loadFamily(directory), {
      code: 'model-invalid',
      message: /is wrong at fim\.order: /u,
    });
  });

  async function fails(engine: EngineHost, message: RegExp): Promise<void> {
    await assert.rejects(engine.facts(), { name: 'EngineError', code: 'model-invalid', message });
    assert.equal(engine.state.status, 'failed');
    await engine.dispose();
  }
});

function write(
  engine: EngineHost,
  context: readonly Token[],
  limit: number,
  adapter?: string,
): Promise<Token[]> {
  return tokensOf(engine.write({ context, limit, adapter }));
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('The engine did not get there.');
}
