import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineStatus } from '../../edge-node/src/http/health.ts';
import { WIRE_PATH } from '../../edge-node/src/protocol/index.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { bearer, startEdge, TOKEN, WireClient } from '../support/edge-node.ts';
import type { EdgeState } from '../support/edge-state.ts';

describe('GET /health', () => {
  const states: [EngineStatus, number, string][] = [
    ['loading', 200, 'starting'],
    ['ready', 200, 'ok'],
    ['unloaded', 200, 'ok'],
    ['restarting', 200, 'degraded'],
    ['failed', 503, 'degraded'],
  ];
  for (const [engine, code, status] of states) {
    it(`says ${status} with ${code} to anybody while the engine is ${engine}`, async (t) => {
      const { url } = await startEdge(t, { engineState: () => ({ status: engine }) });
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
      version: null,
    };
    const adapter = { ...common, parent: 'fake-1', sha256: 'a'.repeat(64) };
    assert.deepEqual(await response.json(), {
      object: 'list',
      data: [
        { ...common, id: 'fake-1', parent: null, sha256: 'b'.repeat(64) },
        { ...adapter, id: 'blue' },
        { ...adapter, id: 'red' },
      ],
    });
  });
});

describe('GET /v1/projects', () => {
  it('names the adapter that answers for a project', async (t) => {
    const { url, state } = await startEdge(t);
    const id = 'c'.repeat(64);
    addVersions(state, 'mine', ['1'.repeat(64), '2'.repeat(64)]);
    state.store.assign({ id, label: null }, 'mine');
    const response = await fetch(`${url}/v1/projects/${id}`, bearer(TOKEN));
    assert.deepEqual(await response.json(), {
      id,
      adapters: [{ family: 'fake-1', adapter: 'mine', version: 2, sha256: '2'.repeat(64) }],
    });
  });
});

describe('a body', () => {
  const head = ['POST /v1/completions HTTP/1.1', 'Host: node', `Authorization: Bearer ${TOKEN}`];
  const json = [...head, 'Content-Type: application/json', 'Content-Length: 100', '', '{'];

  it('that does not come in time is not waited for', async (t) => {
    const { url } = await startEdge(t, { bodyWithin: 50 });
    const socket = open(t, url, json);
    assert.match(await lastWords(socket), /^HTTP\/1.1 408 [^]*"code":"timeout"/);
  });

  it('that nobody wants is not taken for ever either', async (t) => {
    const { url } = await startEdge(t, { bodyWithin: 50 });
    const strange = json.map((line) => line.replace(TOKEN, 'ft_wrong'));
    assert.match(await lastWords(open(t, url, strange)), /^HTTP\/1.1 401 /);
  });
});

describe('a node that closes', () => {
  it('lets a completion under way finish', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const { url, http, engine } = await startEdge(t, {
      patience: 5_000,
      engine: { delay: () => gate.promise },
    });
    const completion = fetch(`${url}/v1/completions`, completing({}));
    await t.waitFor(() => assert.equal(engine.calls.length, 1));
    const closed = http.close();
    gate.resolve(undefined);
    const response = await completion;
    assert.equal(response.status, 200);
    await response.json();
    await closed;
  });

  it('answers with a code where its patience ends', async (t) => {
    const { url, http, engine } = await startEdge(t, { patience: 50, engine: { delay: never } });
    const completion = fetch(`${url}/v1/completions`, completing({}));
    await t.waitFor(() => assert.equal(engine.calls.length, 1));
    await http.close();
    const response = await completion;
    assert.equal(response.status, 503);
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'unavailable');
    await t.waitFor(() => assert.equal(engine.calls[0]?.outcome, 'aborted'));
  });

  it('breaks a stream off where its patience ends', async (t) => {
    let written = 0;
    const delay = () => (written++ < 3 ? Promise.resolve() : never());
    const { url, http, engine, log } = await startEdge(t, { patience: 50, engine: { delay } });
    const response = await fetch(`${url}/v1/completions`, completing({ stream: true }));
    assert.equal(response.status, 200);
    const text = response.text().catch(() => 'broken off');
    await http.close();
    assert.doesNotMatch(await text, /unavailable|DONE/);
    // Its head went out with the first piece, and nothing else may be answered.
    assert.match(log.join(''), /"statusCode":200/);
    assert.doesNotMatch(log.join(''), /"statusCode":503|could be ended/);
    await t.waitFor(() => assert.equal(engine.calls[0]?.outcome, 'aborted'));
  });
});

describe('a stranger who lets a body trickle', () => {
  for (const [name, path, more, status] of [
    ['to a path that is none', '/%', [], 400],
    ['and expects something', '/health', ['Expect: foo'], 417],
  ] as [string, string, string[], number][]) {
    it(`${name} loses the connection`, async (t) => {
      const { url } = await startEdge(t);
      const head = [`POST ${path} HTTP/1.1`, 'Host: node', ...more, 'Content-Length: 100', '', '{'];
      const said = await lastWords(open(t, url, head));
      assert.match(said, new RegExp(`^HTTP/1.1 ${status} [^]*"code":"invalid-request"`));
      assert.match(said, /^connection: close/im);
    });
  }
});

describe('TLS', () => {
  it('with a certificate of its own serves HTTP and the wire', async (t) => {
    const { url } = await startEdge(t, { tls: { cert: CERTIFICATE, key: KEY } });
    assert.match(url, /^https:/);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/health`, { ca: CERTIFICATE, agent: false }, resolve).on('error', reject);
    });
    assert.equal(answer.statusCode, 200);
    answer.resume();
    const client = await WireClient.connect(t, url, { ...bearer(TOKEN), ca: CERTIFICATE });
    assert.equal((await client.hello()).case, 'welcome');
    await assert.rejects(fetch(url.replace('https', 'http')));
  });

  it('with a key of another certificate does not start', async (t) => {
    await assert.rejects(startEdge(t, { tls: { cert: CERTIFICATE, key: KEY.replace('u2rD', 'u2rE') } }), {
      name: 'StartError',
      code: 'usage',
      message:
        /^The TLS certificate and its key cannot be used \(.+\); give PEM files that belong together\.$/,
    });
  });
});

describe('GET /openapi.json', () => {
  it('tells of every route but the wire, in a form that others can read', async (t) => {
    const { url, http } = await startEdge(t);
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
    assert.match(document.openapi, /^3\.1\./);
    assert.deepEqual(
      { title: document.info.title, version: document.info.version },
      { title: 'Foretype edge node', version: '1.2.3' },
    );
    assert.deepEqual(document.components.securitySchemes, {
      bearer: { type: 'http', scheme: 'bearer', description: 'A token that an admin of the node made.' },
    });

    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = http.routes
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/gu, '{$1}')}`)
      .filter((route) => !route.endsWith(WIRE_PATH))
      // The head of what can be got goes without saying.
      .filter(
        (route, _at, all) =>
          !route.startsWith('HEAD') ||
          !all.includes(route.replace('HEAD', 'GET')) ||
          route.includes('/blocks/'),
      );
    assert.deepEqual(told.sort(), routes.sort());

    const tags = new Set(document.tags.map(({ name }) => name));
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method} ${path}`;
        assert.match(operation.summary, /^[A-Z].*[^.]$/, where);
        assert.ok(operation.tags.every((tag) => tags.has(tag)) && operation.tags.length === 1, where);
        const open = path === '/health' || path === '/openapi.json';
        assert.deepEqual(operation.security, open ? [] : [{ bearer: [] }], where);
        const statuses = Object.keys(operation.responses);
        assert.ok(
          statuses.some((status) => /^2\d\d$/.test(status)),
          where,
        );
        if (!open)
          assert.ok(
            ['401', '429', '500', '503'].every((status) => statuses.includes(status)),
            where,
          );
        if (path.startsWith('/v1/admin')) assert.ok(statuses.includes('403'), where);
        for (const [status, { description }] of Object.entries(operation.responses)) {
          assert.match(description, /^[A-Z].*\.$/, `${where} ${status}`);
        }
        const named = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
        assert.deepEqual(
          named,
          [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => name),
          where,
        );
      }
    }
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/gu)].map(([, ref]) => ref!);
    assert.ok(refs.includes('#/components/schemas/Error'));
    for (const ref of new Set(refs)) assert.ok(resolved(document, ref), `${ref} leads nowhere`);
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
    ['a project that is none', '/v1/projects/mine', bearer(TOKEN), 400, 'invalid-request'],
    ['a project without an adapter', `/v1/projects/${'0'.repeat(64)}`, bearer(TOKEN), 404, 'unknown-project'],
    ['an admin’s route for a user', '/metrics', bearer(TOKEN), 403, 'forbidden'],
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
    const engineState = () => {
      throw new Error('inner workings');
    };
    const { url, log } = await startEdge(t, { engineState });
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

  it('has nothing of what is no request', async (t) => {
    const { url, log } = await startEdge(t, { logLevel: 'trace' });
    const lines = [
      'GET /health HTTP/1.1',
      'Host: node',
      `Authorization: Bearer ${TOKEN}`,
      'no header',
      '',
      '',
    ];
    assert.match(await lastWords(open(t, url, lines)), /^HTTP\/1.1 400 [^]*"code":"invalid-request"/);
    const said = log.join('');
    assert.match(said, /"code":"HPE_/);
    const bytes = [...Buffer.from(TOKEN)].join(',');
    assert.ok(!said.includes(TOKEN) && !said.includes(bytes) && !said.includes('rawPacket'));
  });

  it('is as quiet as it was told to be', async (t) => {
    const { url, log } = await startEdge(t, { logLevel: 'warn' });
    await fetch(`${url}/health`);
    assert.deepEqual(log, []);
  });
});

const never = () => new Promise(() => undefined);

/** What is looked at of an OpenAPI document. */
interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: object };
}

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: unknown;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

/** What a reference within a document stands for, as JSON pointers have it (RFC 6901). */
function resolved(document: object, ref: string): unknown {
  const [root, ...keys] = ref.split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  assert.equal(root, '#');
  return keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
}

function completing(fields: object): RequestInit {
  const headers = { ...bearer(TOKEN).headers, 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify({ prompt: 'const a', suffix: '', ...fields }) };
}

/** Versions of an adapter as the database has them, of files that are not there. */
function addVersions({ database }: EdgeState, name: string, hashes: readonly string[]): void {
  database.prepare('INSERT INTO adapter (name, created) VALUES (?, 1)').run(name);
  const insert = database.prepare(
    `INSERT INTO version (adapter, number, sha256, bytes, backbone, rank, created)
     SELECT id, ?, ?, 1000, ?, 8, 1 FROM adapter WHERE name = ?`,
  );
  for (const [at, sha256] of hashes.entries()) insert.run(at + 1, sha256, 'b'.repeat(64), name);
}

/** A connection that has sent these lines. */
function open(t: TestContext, url: string, lines: readonly string[]): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.write(lines.join('\r\n'));
  return socket;
}

/** All that came until the node closed the connection. */
async function lastWords(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await once(socket, 'close');
  return said;
}

function post(body: string): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': 'application/json' } };
}

async function closedConnections(t: TestContext, log: readonly string[]): Promise<void> {
  await t.waitFor(() => assert.match(log.join(''), /connection closed/), { timeout: 5_000 });
}
