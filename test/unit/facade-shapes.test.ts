import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineError } from '@foretype/models';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import {
  CompletionAnswer,
  completionDialect,
  completionRequest,
  COMPLETIONS,
} from '../../edge-node/src/facade/completions.ts';
import { errorBody, ErrorSchema, FacadeError, failureOf } from '../../edge-node/src/facade/failure.ts';
import {
  INFILL,
  infillDialect,
  infillRequest,
  InfillWhole,
  picked,
} from '../../edge-node/src/facade/infill.ts';
import { modelNamed } from '../../edge-node/src/facade/models.ts';
import { objectionIn } from '../../edge-node/src/facade/objection.ts';
import type { Outcome } from '../../edge-node/src/facade/text.ts';
import { BusyError } from '../../edge-node/src/scheduler.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { facadeTarget } from '../support/facade/target.ts';

const target = facadeTarget(new FakeEngine());
const model = modelNamed([target], '')!;
const draw = () => 99;
const place = { input_prefix: 'a\n', input_suffix: ')\n', prompt: 'b(' };
const OUTCOME: Outcome = {
  reason: 'word',
  word: '\n',
  prompt: 40,
  evaluated: 10,
  written: 4,
  promptMs: 50,
  writtenMs: 20,
};

describe('a model', () => {
  const other = facadeTarget(new FakeEngine(), {
    id: 'fake-2',
    stored: {
      versions: [1, 2].map((number) => ({
        adapter: 'green',
        number,
        sha256: 'c'.repeat(64),
        bytes: 1,
        backbone: 'a'.repeat(64),
        pinned: false,
      })),
      projects: new Map(),
    },
  });
  const targets = [target, other];
  const cases: [
    name: string | null | undefined,
    family: string,
    adapter: string | undefined,
    answered: string,
  ][] = [
    ['fake-1', 'fake-1', undefined, 'fake-1'],
    ['fake-2', 'fake-2', undefined, 'fake-2'],
    ['blue', 'fake-1', 'blue', 'blue'],
    ['green', 'fake-2', 'green@2', 'green@2'],
    ['green@1', 'fake-2', 'green@1', 'green@1'],
    ['', 'fake-1', undefined, 'fake-1'],
    [undefined, 'fake-1', undefined, 'fake-1'],
    [null, 'fake-1', undefined, 'fake-1'],
  ];
  for (const [name, family, adapter, answered] of cases) {
    it(`named ${JSON.stringify(name)} is ${answered} of ${family}`, () => {
      const found = modelNamed(targets, name)!;
      assert.deepEqual([found.target.family.id, found.adapter, found.name], [family, adapter, answered]);
    });
  }
  it('of another name is not there', () =>
    assert.equal(modelNamed(targets, 'google/gemini-2.5-flash'), undefined));
});

describe('what /infill asks for', () => {
  it('is the place, with nothing but the greedy choice to bound it', () => {
    assert.deepEqual(infillRequest(place, model, draw), {
      adapter: undefined,
      prefix: 'a\nb(',
      suffix: ')\n',
      extra: [],
      limit: Infinity,
      stop: [],
      indent: 0,
      lineAfterMs: undefined,
      sampling: undefined,
    });
  });

  it('takes what llama-server takes', () => {
    const body = {
      ...place,
      input_extra: [{ text: 'one\n', filename: 'one.py' }, { text: 'two\n' }],
      n_predict: 128,
      stop: ['x'],
      n_indent: 4,
      t_max_predict_ms: 250,
      temperature: 0.4,
      seed: 3,
    };
    const { extra, limit, stop, indent, lineAfterMs, sampling } = infillRequest(body, model, draw);
    assert.deepEqual(
      { extra, limit, stop, indent, lineAfterMs, sampling },
      {
        extra: ['one\n', 'two\n'],
        limit: 128,
        stop: ['x'],
        indent: 4,
        lineAfterMs: 250,
        sampling: { temperature: 0.4, seed: 3 },
      },
    );
  });

  const choices: [fields: { temperature?: number | null; seed?: number | null }, expected: unknown][] = [
    [{ temperature: 0 }, undefined],
    [{ temperature: null, seed: 1 }, undefined],
    // Continue’s, where nothing else is configured.
    [{ temperature: 0.01 }, undefined],
    [{ temperature: -1 }, undefined],
    [{ temperature: 0.8 }, { temperature: 0.8, seed: 99 }],
    [
      { temperature: 0.8, seed: -1 },
      { temperature: 0.8, seed: 99 },
    ],
    [
      { temperature: 9, seed: 2 ** 32 + 5 },
      { temperature: 2, seed: 5 },
    ],
  ];
  for (const [fields, expected] of choices) {
    it(`chooses at ${JSON.stringify(fields)} by ${JSON.stringify(expected ?? 'what is likeliest')}`, () => {
      assert.deepEqual(infillRequest({ ...place, ...fields }, model, draw).sampling, expected);
    });
  }
});

describe('what /infill answers', () => {
  const request = infillRequest(place, model, draw);

  it('is llama-server’s object', () => {
    const answer = infillDialect(place, request, model).whole('c\n', OUTCOME);
    assert.ok(Value.Check(InfillWhole, answer), JSON.stringify(Value.Errors(InfillWhole, answer)));
    const { content, stop_type, stopping_word, has_new_line, tokens_cached, timings } = answer;
    assert.deepEqual(
      { content, stop_type, stopping_word, has_new_line, tokens_cached, timings },
      {
        content: 'c\n',
        stop_type: 'word',
        stopping_word: '\n',
        has_new_line: true,
        tokens_cached: 44,
        timings: {
          cache_n: 30,
          prompt_n: 10,
          prompt_ms: 50,
          prompt_per_token_ms: 5,
          prompt_per_second: 200,
          predicted_n: 4,
          predicted_ms: 20,
          predicted_per_token_ms: 5,
          predicted_per_second: 200,
        },
      },
    );
  });

  it('has no figure that is no number', () => {
    const nothing = { ...OUTCOME, evaluated: 0, written: 0, promptMs: 0, writtenMs: 0 };
    const answer = infillDialect(place, request, model).whole('', nothing);
    assert.ok(Value.Check(InfillWhole, JSON.parse(JSON.stringify(answer))));
  });

  it('has only the fields that were asked for, under their paths', () => {
    const asked = { ...place, response_fields: ['content', 'timings/prompt_n', 'timings/none', 'none', ''] };
    assert.deepEqual(infillDialect(asked, request, model).whole('c', OUTCOME), {
      content: 'c',
      'timings/prompt_n': 10,
    });
    assert.deepEqual(picked({ a: null }, ['a', 'a/b', 'toString', '__proto__']), { a: null });
  });

  it('says in a stream’s last event what came in all of them', () => {
    const dialect = infillDialect(place, request, model);
    assert.deepEqual(dialect.piece({ text: 'c\n', written: 2 }), {
      index: 0,
      content: 'c\n',
      tokens: [],
      stop: false,
      tokens_predicted: 2,
    });
    const [last, ...more] = dialect.last(OUTCOME);
    assert.ok(Value.Check(InfillWhole, last));
    assert.deepEqual([last.content, last.has_new_line, more], ['', true, []]);
    assert.equal(dialect.close, undefined);
  });
});

describe('what /v1/completions asks for', () => {
  it('is a continuation where there is no suffix', () => {
    assert.deepEqual(completionRequest({ prompt: 'a = ' }, model, draw), {
      adapter: undefined,
      prefix: 'a = ',
      suffix: undefined,
      extra: [],
      limit: 16,
      stop: [],
      indent: 0,
      sampling: undefined,
    });
  });

  const cases: [
    what: string,
    body: Parameters<typeof completionRequest>[0],
    prefix: string,
    suffix: string | undefined,
  ][] = [
    ['a suffix', { prompt: 'a', suffix: 'b' }, 'a', 'b'],
    ['an empty suffix', { prompt: 'a', suffix: '' }, 'a', ''],
    ['no suffix', { prompt: 'a', suffix: null }, 'a', undefined],
    ['a list of one prompt', { prompt: ['a'] }, 'a', undefined],
    ['markers', { prompt: '<fim_prefix>a<fim_suffix>b<fim_middle>' }, 'a', 'b'],
    [
      'markers and an empty suffix',
      { prompt: '<fim_prefix>a<fim_suffix>b<fim_middle>', suffix: '' },
      'a',
      'b',
    ],
    [
      'a suffix, where the file speaks of markers',
      { prompt: '<fim_prefix>a<fim_suffix>b<fim_middle>', suffix: 'c' },
      '<fim_prefix>a<fim_suffix>b<fim_middle>',
      'c',
    ],
  ];
  for (const [what, body, prefix, suffix] of cases) {
    it(`takes ${what}`, () => {
      const request = completionRequest(body, model, draw);
      assert.deepEqual([request.prefix, request.suffix], [prefix, suffix]);
    });
  }

  it('takes one stop text or several', () => {
    assert.deepEqual(completionRequest({ prompt: '', stop: 'x' }, model, draw).stop, ['x']);
    assert.deepEqual(completionRequest({ prompt: '', stop: ['x', 'y'] }, model, draw).stop, ['x', 'y']);
  });
});

describe('what /v1/completions answers', () => {
  const head = { id: 'cmpl-1', created: 1_700_000_000 };
  const dialect = completionDialect({ prompt: '' }, model, head);

  it('is OpenAI’s object', () => {
    const answer = dialect.whole('c', OUTCOME);
    assert.ok(Value.Check(CompletionAnswer, answer), JSON.stringify(Value.Errors(CompletionAnswer, answer)));
    assert.deepEqual(answer, {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1_700_000_000,
      model: 'fake-1',
      choices: [{ index: 0, text: 'c', logprobs: null, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 40,
        completion_tokens: 4,
        total_tokens: 44,
        prompt_tokens_details: { cached_tokens: 30 },
      },
    });
  });

  for (const [reason, finish] of [
    ['end', 'stop'],
    ['word', 'stop'],
    ['limit', 'length'],
  ] as const) {
    it(`says ${finish} where a text ended by ${reason}`, () => {
      const answer = dialect.whole('c', { ...OUTCOME, reason });
      assert.ok(Value.Check(CompletionAnswer, answer));
      assert.equal(answer.choices[0]!.finish_reason, finish);
    });
  }

  it('comes in events without a reason, the last with one and no text', () => {
    const events = [dialect.piece({ text: 'c', written: 1 }), ...dialect.last(OUTCOME)];
    assert.deepEqual(
      events.map((event) => ('choices' in event ? event.choices : undefined)),
      [
        [{ index: 0, text: 'c', logprobs: null, finish_reason: null }],
        [{ index: 0, text: '', logprobs: null, finish_reason: 'stop' }],
      ],
    );
    assert.ok(events.every((event) => !('usage' in event)));
    assert.equal(dialect.close, '[DONE]');
  });

  it('tells the usage in an event of its own where that is asked for', () => {
    const body = { prompt: '', stream_options: { include_usage: true } };
    const usage = completionDialect(body, model, head);
    const events = [usage.piece({ text: 'c', written: 1 }), ...usage.last(OUTCOME)] as {
      choices: unknown[];
      usage: { total_tokens: number } | null;
    }[];
    assert.deepEqual(
      events.map(({ choices, usage: told }) => [choices.length, told?.total_tokens]),
      [
        [1, undefined],
        [1, undefined],
        [0, 44],
      ],
    );
  });
});

describe('a body that the API does not take', () => {
  const infill = Compile(INFILL.body);
  const completions = Compile(COMPLETIONS.body);
  const cases: [validator: typeof infill, body: unknown, sentence: RegExp][] = [
    [infill, undefined, /the body must be object\.$/],
    [infill, {}, /the body must have required properties input_prefix, input_suffix\.$/],
    [infill, { ...place, n_predict: '128' }, /n_predict must be integer\.$/],
    [infill, { ...place, n_predict: 1.5 }, /n_predict must be integer\.$/],
    [infill, { ...place, input_prefix: 5 }, /input_prefix must be string\.$/],
    [
      infill,
      { ...place, input_extra: [{ filename: 'a' }] },
      /input_extra\.0 must have required properties text\.$/,
    ],
    [
      infill,
      { ...place, input_extra: [{ text: 'a' }, { text: 1 }] },
      /input_extra\.1\.text must be string\.$/,
    ],
    [infill, { ...place, stop: ['a', 5] }, /stop\.1 must be string\.$/],
    [infill, { ...place, stream: 'true' }, /stream must be boolean\.$/],
    [completions, { prompt: 5 }, /prompt must be string\.$/],
    [completions, { prompt: ['a', 'b'] }, /prompt must /],
    [completions, { prompt: 'a', n: 2 }, /n must be 1\.$/],
    [completions, { prompt: 'a', echo: true }, /echo must be false\.$/],
    [completions, { prompt: 'a', max_tokens: -1 }, /max_tokens must be >= 0\.$/],
    [completions, { prompt: 'a', stop: Array(65).fill('x') }, /stop must /],
  ];
  for (const [validator, body, sentence] of cases) {
    it(`is refused with a sentence: ${JSON.stringify(body ?? null).slice(0, 70)}`, () => {
      assert.ok(!validator.Check(body));
      const objection = objectionIn(validator.Errors(body));
      assert.match(objection, /^The request is wrong: /);
      assert.match(objection, sentence);
    });
  }

  it('is not one with fields that are unknown, or null', () => {
    const unknown = {
      top_k: 40,
      samplers: ['infill'],
      id_slot: 0,
      lora: [{ id: 0, scale: 0.5 }],
      whatever: {},
    };
    assert.ok(infill.Check({ ...place, ...unknown, n_predict: null, stop: null, model: null }));
    assert.ok(completions.Check({ prompt: 'a', ...unknown, suffix: null, logprobs: null, n: 1, user: 'x' }));
  });
});

describe('a failure', () => {
  const cases: [error: Error, status: number, code: string, retryAfter?: number][] = [
    [new BusyError('The edge node is busy.'), 503, 'busy', 1],
    [new FacadeError('model-not-found', 'There is none.'), 404, 'model-not-found'],
    [new FacadeError('invalid-request', 'It is wrong.'), 400, 'invalid-request'],
    [new EngineError('context-full', 'Too long.'), 400, 'context-full'],
    [new EngineError('unknown-adapter', 'Gone.'), 404, 'model-not-found'],
    [new EngineError('engine-lost', 'Lost.'), 503, 'unavailable', 1],
    [new EngineError('memory-full', 'Full.'), 503, 'unavailable'],
    [Object.assign(new Error('Body is not valid JSON'), { statusCode: 400 }), 400, 'invalid-request'],
    [Object.assign(new Error('Request body is too large'), { statusCode: 413 }), 413, 'invalid-request'],
  ];
  for (const [error, status, code, retryAfter] of cases) {
    it(`of the kind ${code} (${error.message}) has status ${status}`, () => {
      const failure = failureOf(error)!;
      assert.deepEqual([failure.status, failure.code, failure.retryAfter], [status, code, retryAfter]);
      assert.match(failure.message, /\.$/);
      const body = errorBody(failure);
      assert.ok(Value.Check(ErrorSchema, body));
      assert.equal(body.error.type, status < 500 ? 'invalid_request_error' : 'server_error');
    });
  }
  it('of the node itself is none to tell of', () => {
    assert.equal(failureOf(new TypeError('x is not a function')), undefined);
    assert.equal(failureOf(Object.assign(new Error(), { statusCode: 500 })), undefined);
  });
});
