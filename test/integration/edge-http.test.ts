import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineState } from '@foretype/models';
import { WIRE_PATH } from '../../edge-node/src/protocol/index.ts';
import { bearer, startEdge, TOKEN, WireClient } from '../support/edge-node.ts';

describe('GET /health', () => {
  const states: [EngineState['status'], number, string][] = [
    ['loading', 200, 'starting'],
    ['ready', 200, 'ok'],
    ['restarting', 200, 'degraded'],
    ['failed', 503, 'degraded'],
  ];
  for (const [engine, code, status] of states) {
    it(`says ${status} with ${code} to anybody while the engine is ${engine}`, async (t) => {
      const { url } = await startEdge(t, { state: () => ({ status: engine, reason: null }) });
      const response = await fetch(`${url}/health`);
      assert.equal(response.status, code);
      assert.deepEqual(await response.json(), { status, engine, version: '1.2.3' });
    });
  }
});

describe('GET /v1/models', () => {
  it('lists the backbone and its adapters as OpenAI’s API does', async (t) => {
    const { url } = await startEdge(t);
    const response = await fetch(`${url}/v1/models`, bearer(TOKEN));
    assert.equal(response.status, 200);
    const common = {
      object: 'model',
      created: Date.parse('2026-01-02T03:04:05Z') / 1000,
      owned_by: 'foretype',
      family: 'fake-1',
      context: 512,
    };
    assert.deepEqual(await response.json(), {
      object: 'list',
      data: [
        { ...common, id: 'fake-1', parent: null },
        { ...common, id: 'blue', parent: 'fake-1' },
        { ...common, id: 'red', parent: 'fake-1' },
      ],
    });
  });
});

describe('an upgrade that is none of ours', () => {
  for (const [path, status] of [
    ['/health', 200],
    ['/%zz', 400],
    ['/v1/models', 401],
    [WIRE_PATH, 401],
  ] as const) {
    it(`of ${path} is answered with ${status}, and the node can close`, async (t) => {
      const { url, http } = await startEdge(t);
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      t.after(() => socket.destroy());
      const head = ['Host: node', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      socket.write([`GET ${path} HTTP/1.1`, ...head, key, '', ''].join('\r\n'));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), new RegExp(`^HTTP/1.1 ${status} `, 'u'));
      const closing = http.close().then(() => 'closed');
      assert.equal(await Promise.race([closing, sleep(2000, 'still open')]), 'closed');
    });
  }
});

describe('what is refused is refused with a code and a sentence', () => {
  const refusals: [name: string, path: string, init: RequestInit, status: number, code: string][] = [
    ['no token', '/v1/models', {}, 401, 'unauthorized'],
    ['a wrong token', '/v1/models', bearer('ft_wrong'), 401, 'unauthorized'],
    ['another scheme', '/v1/models', { headers: { authorization: `Basic ${TOKEN}` } }, 401, 'unauthorized'],
    ['no token on the wire', WIRE_PATH, {}, 401, 'unauthorized'],
    ['no upgrade on the wire', WIRE_PATH, bearer(TOKEN), 426, 'upgrade-required'],
    ['an unknown path', '/nowhere?secret=1', {}, 404, 'not-found'],
    ['another method', '/health', { method: 'DELETE' }, 404, 'not-found'],
    ['a path that is none', '/%', {}, 400, 'invalid-request'],
    ['a body that is not JSON', '/health', post('{'), 400, 'invalid-request'],
  ];
  for (const [name, path, init, status, code] of refusals) {
    it(name, async (t) => {
      const { url } = await startEdge(t);
      const response = await fetch(url + path, init);
      assert.equal(response.status, status);
      const { error, ...rest } = (await response.json()) as { error: { code: string; message: string } };
      assert.deepEqual({ code: error.code, rest }, { code, rest: {} });
      assert.match(error.message, /^[A-Z/][^\n]*\.$/);
      assert.doesNotMatch(error.message, /secret/);
      assert.equal(response.headers.has('www-authenticate'), status === 401);
    });
  }

  it('a fault of the node itself, which the log explains and the client does not learn', async (t) => {
    const state = () => {
      throw new Error('inner workings');
    };
    const { url, log } = await startEdge(t, { state });
    const response = await fetch(`${url}/health`);
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /inner workings/);
    assert.match(log.join(''), /inner workings/);
  });
});

describe('the upgrade to the wire', () => {
  for (const [name, options] of [
    ['without a token', {}],
    ['with a wrong token', bearer('ft_wrong')],
    ['with an empty token', bearer('')],
  ] as const) {
    it(`${name} is refused`, async (t) => {
      const { url, engine } = await startEdge(t);
      await assert.rejects(WireClient.connect(t, url, options), /Unexpected server response: 401/);
      assert.equal(engine.calls.length, 0);
    });
  }

  it('with the token is granted', async (t) => {
    const { url } = await startEdge(t);
    const client = await WireClient.connect(t, url);
    assert.equal((await client.hello()).case, 'welcome');
  });
});

describe('the log', () => {
  it('has a line of JSON for each request and connection, but no token, query, or text', async (t) => {
    const { url, log } = await startEdge(t, { logLevel: 'trace' });
    await fetch(`${url}/v1/models?key=${TOKEN}`, bearer(TOKEN));
    await fetch(`${url}/v1/models`, bearer('ft_wrong'));
    const client = await WireClient.connect(t, url);
    await client.hello();
    await client.verify({ id: 1, context: [...Buffer.from('password')], drafted: [101, 102], more: 4 });
    client.socket.close(1000);
    await closedConnections(t, log);
    const lines = log.map((line): unknown => JSON.parse(line));
    assert.ok(lines.length >= 5);
    assert.match(log.join(''), /"path":"\/v1\/models"/);
    for (const secret of [TOKEN, 'ft_wrong', 'password', '112,97,115', 'Bearer']) {
      assert.ok(!log.join('').includes(secret), `${secret} is in the log`);
    }
  });

  it('is as quiet as it was told to be', async (t) => {
    const { url, log } = await startEdge(t, { logLevel: 'warn' });
    await fetch(`${url}/health`);
    assert.deepEqual(log, []);
  });
});

function post(body: string): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': 'application/json' } };
}

async function closedConnections(t: TestContext, log: readonly string[]): Promise<void> {
  await t.waitFor(() => assert.match(log.join(''), /connection closed/), { timeout: 5_000 });
}
