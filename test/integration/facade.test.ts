import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '@foretype/models';
import { Value } from 'typebox/value';
import { CompletionAnswer } from '../../edge-node/src/facade/completions.ts';
import { ErrorSchema } from '../../edge-node/src/facade/failure.ts';
import { InfillWhole } from '../../edge-node/src/facade/infill.ts';
import { promptOf } from '../../edge-node/src/facade/prompt.ts';
import { answerLimit } from '../../edge-node/src/facade/text.ts';
import { FakeEngine, fakeWrite } from '../support/fake-engine.ts';
import { eventsIn, post, startFacade, valueAt } from '../support/facade/app.ts';
import { CLIENT_BODIES } from '../support/facade/bodies.ts';
import { facadeTarget, ScriptedEngine, type Script, type TargetFields } from '../support/facade/target.ts';

/** As the clients' users would name the model. */
const ID = 'foretype-small';
const PLACE = { input_prefix: '', input_suffix: ')\n', prompt: 'print(' };

function scripted(script: Script, fields: TargetFields = {}) {
  const engine = new ScriptedEngine(script);
  return { engine, target: facadeTarget(engine, { id: ID, ...fields }) };
}

/** What goes before a body of so many bytes. */
function head(bytes: number): string {
  const lines = [
    'POST /infill HTTP/1.1',
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${bytes}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

async function errorOf(response: Response): Promise<{ code: string; message: string; type: string }> {
  const body: unknown = await response.json();
  assert.ok(Value.Check(ErrorSchema, body), JSON.stringify(body));
  assert.match(body.error.message, /^[A-Z].*\.$/u);
  return body.error;
}

describe('a body as a client sends it', () => {
  it('is there of every client that the facade is for', () => {
    const clients = new Set(CLIENT_BODIES.map(({ client }) => client));
    assert.deepEqual([...clients].toSorted(), ['Continue', 'Tabby', 'Zed', 'llama.vim', 'llama.vscode']);
    for (const { file, version, source } of CLIENT_BODIES) {
      assert.ok(version !== '' && source.includes('/'), `${file} says where it comes from`);
    }
  });

  for (const { file, client, route, body, place, reads } of CLIENT_BODIES) {
    // No stop text of any client is in it.
    const text = body['n_predict'] === 0 ? '' : 'b + c';

    it(`${file}: ${client} gets what it reads`, async (t) => {
      const { engine, target } = scripted({ text: 'b + c' });
      const { url } = await startFacade(t, [target]);
      const response = await post(url + route, body);
      assert.equal(response.status, 200, await response.clone().text());
      if (body['stream'] === true) {
        const events = await eventsIn(response);
        for (const event of events.filter((data) => data !== '[DONE]')) {
          for (const path of reads)
            assert.notEqual(valueAt(JSON.parse(event), path), undefined, `${path} in ${event}`);
        }
      } else {
        const raw = await response.text();
        // llama.vim looks at the raw text first, and passes over what does not look like this.
        if (route === '/infill' && text !== '') assert.match(raw, /^\s*\{.*"content"\s*:"/u);
        const answer: unknown = JSON.parse(raw);
        const flat = body['response_fields'] !== undefined;
        for (const path of reads) {
          const found = flat ? (answer as Record<string, unknown>)[path] : valueAt(answer, path);
          assert.notEqual(found, undefined, `${path} in ${raw}`);
        }
      }
      if (text === '') {
        assert.equal(engine.requests.length, 0);
        return;
      }
      const limit = answerLimit(Number(body['n_predict'] ?? body['max_tokens']), target.family.context);
      const prompt = await promptOf({ family: target.family, tokenizer: engine }, place, limit);
      assert.deepEqual(engine.requests[0]!.context, prompt.context);
    });

    it(`${file}: whole and in events it is the same text`, async (t) => {
      const { target } = scripted({ text: 'b + c' });
      const { url } = await startFacade(t, [target]);
      const rest = { ...body, response_fields: undefined };

      const whole: unknown = await (await post(url + route, { ...rest, stream: false })).json();
      const [schema, path] =
        route === '/infill'
          ? ([InfillWhole, 'content'] as const)
          : ([CompletionAnswer, 'choices/0/text'] as const);
      assert.ok(Value.Check(schema, whole), JSON.stringify(Value.Errors(schema, whole)));
      assert.equal(valueAt(whole, path), text);

      const events = await eventsIn(await post(url + route, { ...rest, stream: true }));
      assert.equal(events.at(-1) === '[DONE]', route === '/v1/completions');
      const data = events.filter((event) => event !== '[DONE]').map((event) => JSON.parse(event) as unknown);
      assert.equal(data.map((event) => valueAt(event, path)).join(''), text);
      const ends = data.map((event) =>
        route === '/infill' ? valueAt(event, 'stop') : valueAt(event, 'choices/0/finish_reason') !== null,
      );
      assert.deepEqual(
        ends,
        data.map((_, index) => index === data.length - 1),
        'the last event alone says that it is the last',
      );
      if (route === '/infill') assert.ok(Value.Check(InfillWhole, data.at(-1)));
    });
  }
});

describe('the text', () => {
  it('is the engine’s own with the adapter that was named', async (t) => {
    const engine = new FakeEngine();
    const target = facadeTarget(engine, { id: ID });
    const { url } = await startFacade(t, [target]);
    for (const [model, adapter] of [
      [ID, undefined],
      ['blue', 'blue'],
    ] as const) {
      const body = { model, prompt: 'x = (', suffix: ')\n', max_tokens: 24 };
      const answer: unknown = await (await post(`${url}/v1/completions`, body)).json();
      const { context } = engine.calls.at(-1)!;
      const expected = fakeWrite([...context, ...Buffer.from('(')], 24, adapter);
      assert.equal(
        valueAt(answer, 'choices/0/text'),
        Buffer.from(expected.filter((token) => token < 256)).toString(),
      );
      assert.equal(valueAt(answer, 'model'), adapter ?? ID);
      assert.equal(valueAt(answer, 'id'), 'cmpl-id');
    }
  });

  it('is of another family where that is named', async (t) => {
    const one = scripted({ text: 'one' });
    const two = scripted({ text: 'two' }, { id: 'other' });
    const { url } = await startFacade(t, [one.target, two.target]);
    const answer: unknown = await (await post(`${url}/infill`, { ...PLACE, model: 'other' })).json();
    assert.deepEqual([valueAt(answer, 'content'), valueAt(answer, 'model')], ['two', 'other']);
  });

  it('ends before a stop text of which no event has a part', async (t) => {
    const { target } = scripted({ text: 'b\n\nc' });
    const { url } = await startFacade(t, [target]);
    const body = { prompt: 'a', suffix: '', stop: ['\n\n'], stream: true, max_tokens: 20 };
    const events = await eventsIn(await post(`${url}/v1/completions`, body));
    assert.ok(events.every((event) => !event.includes('\\n')));
    assert.equal(valueAt(JSON.parse(events.at(-2)!), 'choices/0/finish_reason'), 'stop');
  });

  it('is in no log', async (t) => {
    const { target } = scripted({
      text: 'secret_answer',
      before: (at) => (at === 9 ? Promise.reject(new Error('oops')) : undefined),
    });
    const { url, log } = await startFacade(t, [target]);
    await post(`${url}/infill`, { ...PLACE, prompt: 'secret_prompt(', stop: 5 });
    await post(`${url}/infill`, { ...PLACE, prompt: 'secret_prompt(' });
    assert.ok(
      log.some((line) => line.includes('oops')),
      'faults are logged',
    );
    assert.ok(!log.join('').includes('secret'));
  });
});

describe('a request that is refused', () => {
  const cases: [what: string, route: string, body: unknown, status: number, code: string, message: RegExp][] =
    [
      ['is no JSON', '/infill', '{', 400, 'invalid-request', /JSON/],
      ['is no object', '/infill', [], 400, 'invalid-request', /the body must be object/],
      ['lacks a field', '/infill', { prompt: 'a' }, 400, 'invalid-request', /input_prefix/],
      [
        'has a text for a number',
        '/infill',
        { ...PLACE, n_predict: '5' },
        400,
        'invalid-request',
        /n_predict/,
      ],
      ['wants two texts', '/v1/completions', { prompt: 'a', n: 2 }, 400, 'invalid-request', /n must be 1/],
      [
        'names no model',
        '/v1/completions',
        { prompt: 'a', model: 'gpt-4' },
        404,
        'model-not-found',
        /"gpt-4"/,
      ],
    ];
  for (const [what, route, body, status, code, message] of cases) {
    it(`because it ${what} is told so in a sentence`, async (t) => {
      const { target, engine } = scripted({ text: 'b' });
      const { url } = await startFacade(t, [target]);
      const response = await post(url + route, body);
      const error = await errorOf(response);
      assert.deepEqual([response.status, error.code], [status, code]);
      assert.match(error.message, message);
      assert.equal(engine.calls.length, 0);
    });
  }

  it('because it is of another type is told so', async (t) => {
    const { url } = await startFacade(t, [scripted({ text: 'b' }).target]);
    const response = await post(`${url}/infill`, '<infill/>', { headers: { 'content-type': 'text/xml' } });
    assert.deepEqual([response.status, (await errorOf(response)).code], [415, 'invalid-request']);
  });

  it('because it is too large is told so before it is sent', async (t) => {
    const { url } = await startFacade(t, [scripted({ text: 'b' }).target]);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(head(1024 * 1024 + 1));
    const answer = Buffer.concat(await socket.toArray()).toString();
    assert.match(answer, /^HTTP\/1\.1 413 .*"code":"invalid-request","message":"[^"]* too large\."/su);
  });

  it('because the node is busy may come again, streamed or not', async (t) => {
    const entered = Promise.withResolvers<undefined>();
    const goOn = Promise.withResolvers<undefined>();
    const before = () => {
      entered.resolve(undefined);
      return goOn.promise;
    };
    const { target } = scripted({ text: 'b', before }, { scheduler: { running: 1, waiting: 0 } });
    const { url } = await startFacade(t, [target]);
    const first = post(`${url}/infill`, PLACE);
    await entered.promise;
    for (const stream of [true, false]) {
      const response = await post(`${url}/infill`, { ...PLACE, stream });
      const error = await errorOf(response);
      assert.deepEqual([response.status, error.code, error.type], [503, 'busy', 'server_error']);
      assert.equal(response.headers.get('retry-after'), '1');
    }
    goOn.resolve(undefined);
    assert.equal((await first).status, 200);
  });

  it('because the engine is lost has a status as long as there is nothing to show', async (t) => {
    const lost = new EngineError('engine-lost', 'The model process ended; it is being restarted.');
    const { target } = scripted({ text: 'b', before: () => Promise.reject(lost) });
    const { url } = await startFacade(t, [target]);
    for (const stream of [true, false]) {
      const response = await post(`${url}/v1/completions`, { prompt: 'a', stream });
      assert.deepEqual([response.status, (await errorOf(response)).code], [503, 'unavailable']);
    }
  });

  it('half-way ends its stream with the error', async (t) => {
    const lost = new EngineError('engine-lost', 'The model process ended; it is being restarted.');
    const before = (written: number) => (written === 3 ? Promise.reject(lost) : undefined);
    const { target } = scripted({ text: 'b + c', before });
    const { url } = await startFacade(t, [target]);
    for (const [route, body] of [
      ['/infill', PLACE],
      ['/v1/completions', { prompt: '', suffix: '', max_tokens: 9 }],
    ] as const) {
      const events = await eventsIn(await post(url + route, { ...body, stream: true }));
      const error: unknown = JSON.parse(events.at(-1)!);
      assert.ok(events.length > 1 && Value.Check(ErrorSchema, error), events.join());
      assert.deepEqual([error.error.code, error.error.message], ['unavailable', lost.message]);
    }
  });
});

describe('a client that leaves', { timeout: 30_000 }, () => {
  /** An engine that writes two tokens and waits for somebody to stop it. */
  function endless() {
    const stopped = Promise.withResolvers<undefined>();
    const waiting = Promise.withResolvers<undefined>();
    const before = (written: number, signal: AbortSignal | undefined) => {
      if (written < 2) return undefined;
      waiting.resolve(undefined);
      return new Promise((_, reject) => {
        signal!.addEventListener('abort', () => {
          stopped.resolve(undefined);
          reject(signal!.reason as Error);
        });
      });
    };
    const place = { running: 1, waiting: 1 };
    return { ...scripted({ text: 'b + c', before }, { scheduler: place }), stopped, waiting };
  }

  for (const stream of [true, false]) {
    it(`stops the engine and makes room for the next, ${stream ? 'in a stream' : 'waiting for the whole'}`, async (t) => {
      const { target, engine, stopped, waiting } = endless();
      const { url, log } = await startFacade(t, [target]);
      const left = new AbortController();
      const request = post(`${url}/infill`, { ...PLACE, stream }, { signal: left.signal });
      request.catch(() => undefined);
      await waiting.promise;
      left.abort();
      await stopped.promise;
      assert.equal((await post(`${url}/infill`, { ...PLACE, n_predict: 0 })).status, 200);
      assert.equal(engine.calls[0]!.outcome, 'aborted');
      assert.equal(target.scheduler.load.running, 0);
      assert.ok(!log.some((line) => line.includes('fault')), 'leaving is no fault');
    });
  }

  it('while it waits for a place leaves the queue', async (t) => {
    const { target, waiting } = endless();
    const { url } = await startFacade(t, [target]);
    const first = new AbortController();
    post(`${url}/infill`, PLACE, { signal: first.signal }).catch(() => undefined);
    await waiting.promise;
    const second = new AbortController();
    const queued = post(`${url}/infill`, PLACE, { signal: second.signal });
    queued.catch(() => undefined);
    while (target.scheduler.load.waiting === 0) await sleep(1);
    second.abort();
    while (target.scheduler.load.waiting > 0) await sleep(1);
    first.abort();
    while (target.scheduler.load.running > 0) await sleep(1);
  });

  it('or takes nothing holds the engine up, and frees it by leaving', async (t) => {
    let written = 0;
    const stop = Promise.withResolvers<undefined>();
    const before = (at: number, signal: AbortSignal | undefined) => {
      written = at;
      if (at === 0) signal!.addEventListener('abort', () => stop.resolve(undefined));
      return undefined;
    };
    const tokens = 1_000_000;
    const { target, engine } = scripted({ text: 'x'.repeat(tokens), before }, { context: 4 * tokens });
    const { url } = await startFacade(t, [target]);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    const body = JSON.stringify({ ...PLACE, stream: true });
    socket.write(head(body.length) + body);
    // Once the buffers in between are full nothing moves any more; there is no event that would tell.
    for (let seen = -1; seen < written || written === 0;) {
      seen = written;
      await sleep(100);
    }
    assert.ok(written < tokens, 'the engine waits for whoever reads');
    socket.destroy();
    await stop.promise;
    while (target.scheduler.load.running > 0) await sleep(1);
    assert.equal(engine.calls[0]!.outcome, 'aborted');
  });
});
