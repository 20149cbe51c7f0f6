import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import fastify from 'fastify';
import type { Credentials } from '../../edge-node/src/access/credentials.ts';
import { guard } from '../../edge-node/src/http/guard.ts';
import { CLOSE, WIRE_PATH } from '../../edge-node/src/protocol/index.ts';
import { openDatabase } from '../../edge-node/src/state/database.ts';
import { Tokens } from '../../edge-node/src/state/tokens.ts';
import { ADMIN_TOKEN, bearer, startEdge, TOKEN, WireClient, type Edge } from '../support/edge-node.ts';
import { edgeState, type EdgeState } from '../support/edge-state.ts';
import { fakeWrite } from '../support/fake-engine.ts';

const never = () => new Promise(() => undefined);

/** Every route, and the least that it takes: a route that comes or goes changes this table, too. */
const LEAST: readonly (readonly [route: string, least: 'anyone' | 'user' | 'admin'])[] = [
  ['GET /health', 'anyone'],
  ['GET /openapi.json', 'anyone'],
  ['GET /v1/wire', 'user'],
  ['GET /v1/models', 'user'],
  ['GET /v1/projects/:id', 'user'],
  ['GET /v1/families/:id/family.json', 'user'],
  ['GET /v1/families/:id/vocabulary.gguf', 'user'],
  ['POST /infill', 'user'],
  ['POST /v1/completions', 'user'],
  ['GET /metrics', 'admin'],
  ['GET /v1/admin/adapters', 'admin'],
  ['POST /v1/admin/adapters', 'admin'],
  ['GET /v1/admin/adapters/:name', 'admin'],
  ['DELETE /v1/admin/adapters/:name', 'admin'],
  ['PUT /v1/admin/adapters/:name/pin', 'admin'],
  ['POST /v1/admin/adapters/:name/versions', 'admin'],
  ['GET /v1/admin/adapters/:name/:number', 'admin'],
  ['GET /v1/admin/adapters/:name/:number/file', 'admin'],
  ['HEAD /v1/admin/blocks/:id', 'admin'],
  ['GET /v1/admin/blocks/:id', 'admin'],
  ['PUT /v1/admin/blocks/:id', 'admin'],
  ['GET /v1/admin/projects', 'admin'],
  ['PUT /v1/admin/projects/:id', 'admin'],
  ['DELETE /v1/admin/projects/:id', 'admin'],
  ['GET /v1/admin/tokens', 'admin'],
  ['POST /v1/admin/tokens', 'admin'],
  ['DELETE /v1/admin/tokens/:id', 'admin'],
];

/** What a route's parameters stand for in a request, of which nothing is there. */
const PARAMETERS: Readonly<Record<string, string>> = { name: 'mine', number: '1', id: 'c'.repeat(64) };

const END = new Date('2026-02-01T00:00:00Z');

/** A state with a token of each kind. */
function withTokens(t: TestContext): { state: EdgeState; presented: Record<string, string | undefined> } {
  const state = edgeState(t);
  const { tokens } = state;
  const expired = tokens.create({ name: 'ada', role: 'admin' }, END);
  const revoked = tokens.create({ name: 'alan', role: 'admin' });
  tokens.revoke(tokens.verify(revoked)!.token);
  state.clock = END;
  return {
    state,
    presented: { none: undefined, bad: 'ft_bad', expired, revoked, user: TOKEN, admin: ADMIN_TOKEN },
  };
}

const SENTENCES: Readonly<Record<string, RegExp>> = {
  none: /wants a bearer token\.$/,
  bad: /does not know this token\.$/,
  expired: /^The token has expired; /,
  revoked: /^The token was revoked; /,
};

describe('every route', () => {
  it('is in the table, and all of the table is there', async (t) => {
    const { http } = await startEdge(t);
    const listed = new Set(LEAST.map(([route]) => route));
    // Whoever may get something may ask for its head.
    const heads = LEAST.filter(([route]) => route.startsWith('GET')).map(([route]) =>
      route.replace('GET', 'HEAD'),
    );
    const registered = http.routes.map(({ method, path }) => `${method} ${path}`);
    for (const route of registered)
      assert.ok(listed.has(route) || heads.includes(route), `${route} is not listed`);
    for (const route of listed) assert.ok(registered.includes(route), `${route} is not there`);
  });

  it('with any token does what the table says', async (t) => {
    const { state, presented } = withTokens(t);
    const { url, http } = await startEdge(t, { state });
    const least = new Map(LEAST);
    let asked = 0;
    for (const { method, path } of http.routes) {
      const role = least.get(`${method} ${path}`) ?? least.get(`${method.replace('HEAD', 'GET')} ${path}`)!;
      for (const [kind, token] of Object.entries(presented)) {
        const where = `${method} ${path} with ${kind}`;
        const target = path.replace(/:(\w+)/gu, (_whole, name: string) =>
          path.includes('/tokens/') ? '77' : PARAMETERS[name]!,
        );
        const response = await fetch(url + target, { method, ...(token !== undefined && bearer(token)) });
        const text = await response.text();
        asked++;
        const sentence = () => (JSON.parse(text) as { error: { message: string } }).error.message;
        if (role === 'anyone') {
          assert.equal(response.status, 200, where);
        } else if (kind in SENTENCES) {
          assert.equal(response.status, 401, where);
          const asks = response.headers.get('www-authenticate');
          assert.equal(asks, kind === 'none' ? 'Bearer' : 'Bearer error="invalid_token"', where);
          if (method !== 'HEAD') assert.match(sentence(), SENTENCES[kind]!, where);
        } else if (role === 'admin' && kind === 'user') {
          assert.equal(response.status, 403, where);
          if (method !== 'HEAD') assert.match(sentence(), /^This is for admins, /, where);
        } else {
          // It came through: what it asked for is not there, or incomplete.
          assert.ok(![401, 403, 500].includes(response.status), `${where}: ${response.status} ${text}`);
          assert.doesNotMatch(text, /"not-found"/, where);
        }
      }
    }
    assert.ok(asked >= 6 * LEAST.length, `${asked} requests`);
  });

  it('that is in no table cannot be registered', () => {
    const app = fastify();
    guard(app, {} as Credentials);
    assert.throws(() => app.get('/secret', () => 'secret'), {
      message: /GET \/secret is not in access\/routes\.ts/,
    });
    assert.throws(() => app.delete('/v1/models', () => ''), { message: /DELETE \/v1\/models is not in/ });
  });
});

describe('an open connection', () => {
  const ends: readonly (readonly [string, (state: EdgeState) => void])[] = [
    ['is revoked by an admin', ({ tokens }) => tokens.revoke(1)],
    [
      'is revoked by another process',
      ({ directory, clock }) => {
        const other = openDatabase(directory);
        new Tokens({ database: other, random: (size) => Buffer.alloc(size), now: () => clock }).revoke(1);
        other.close();
      },
    ],
    ['has lost its account', ({ database }) => database.exec("DELETE FROM account WHERE name = 'tests'")],
  ];
  for (const [name, end] of ends) {
    it(`whose token ${name} is closed within a second, and others are not`, async (t) => {
      const edge = await startEdge(t, { state: edgeState(t, { onDisk: true }) });
      const client = await welcomed(t, edge);
      const other = await welcomed(t, edge, ADMIN_TOKEN);
      const began = performance.now();
      end(edge.state);
      assert.equal((await client.closed).code, CLOSE.unauthorized);
      assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
      await assert.rejects(WireClient.connect(t, edge.url), /401/);
      await served(other);
    });
  }

  it('whose token expires is closed, also where the clock jumped there', async (t) => {
    const state = edgeState(t);
    const token = state.tokens.create({ name: 'ada', role: 'user' }, END);
    const edge = await startEdge(t, { state, recheck: 20 });
    const client = await welcomed(t, edge, token);
    state.clock = new Date(END.getTime() - 1);
    await served(client);
    state.clock = new Date(END.getTime() + 86_400_000);
    const { code, reason } = await client.closed;
    assert.equal(code, CLOSE.unauthorized);
    assert.match(reason, /^The token is not valid any more; /);
  });

  it('is dropped where the client does not take its leave', async (t) => {
    const edge = await startEdge(t, { recheck: 20 });
    const client = await welcomed(t, edge);
    client.socket.pause();
    edge.state.tokens.revoke(1);
    await t.waitFor(() => assert.match(edge.log.join(''), /connection closed/), { timeout: 2000 });
    client.socket.resume();
    await client.closed;
  });

  it('stops what is under way in the engine', async (t) => {
    const edge = await startEdge(t, { recheck: 20, engine: { delay: never } });
    const client = await welcomed(t, edge);
    client.begin({ id: 1, context: [1] });
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'running'));
    edge.state.tokens.revoke(1);
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'aborted'));
  });

  it('over HTTP ends with its token, too', async (t) => {
    const edge = await startEdge(t, { engine: { delay: never } });
    const completion = fetch(`${edge.url}/v1/completions`, completing(TOKEN));
    await t.waitFor(() => assert.equal(edge.engine.calls.length, 1));
    const began = performance.now();
    edge.state.tokens.revoke(1);
    await assert.rejects(completion);
    assert.ok(performance.now() - began < 1000);
    await t.waitFor(() => assert.equal(edge.engine.calls[0]?.outcome, 'aborted'));
  });
});

describe('of one account', () => {
  it('only so many requests are taken in a time', async (t) => {
    const { url } = await startEdge(t, { limits: { requests: 3, windowMs: 1800 } });
    const ask = (token = TOKEN) => fetch(`${url}/v1/models`, bearer(token));
    for (let count = 0; count < 3; count++) assert.equal((await ask()).status, 200);
    const refused = await ask();
    await assertRefused(refused, 429, 'rate-limited');
    assert.match(refused.headers.get('retry-after')!, /^[12]$/u);
    await assert.rejects(WireClient.connect(t, url), /429/);
    const completion = await fetch(`${url}/v1/completions`, completing(TOKEN));
    await assertRefused(completion, 429, 'rate-limited');
    assert.equal((await ask(ADMIN_TOKEN)).status, 200);
    assert.equal((await fetch(`${url}/health`)).status, 200);
    await t.waitFor(async () => assert.equal((await ask()).status, 200), { timeout: 10_000 });
  });

  it('nobody has to wait because the clock was set back', async (t) => {
    const { url } = await startEdge(t, { limits: { requests: 1, windowMs: 1800 } });
    const ask = () => fetch(`${url}/v1/models`, bearer(TOKEN));
    assert.equal((await ask()).status, 200);
    const { now } = Date;
    t.mock.method(Date, 'now', () => now() - 3_600_000);
    assert.match((await ask()).headers.get('retry-after')!, /^[12]$/u);
    await t.waitFor(async () => assert.equal((await ask()).status, 200), { timeout: 10_000 });
  });

  it('only so many requests are open at once', async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const edge = await startEdge(t, { limits: { atOnce: 2 }, engine: { delay: () => gate.promise } });
    const ask = (token = TOKEN) => fetch(`${edge.url}/v1/completions`, completing(token));
    const first = [ask(), ask()];
    await t.waitFor(() => assert.equal(edge.engine.calls.length, 2));
    const refused = await ask();
    await assertRefused(refused, 429, 'busy');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    const other = ask(ADMIN_TOKEN);
    gate.resolve(undefined);
    for (const response of [...(await Promise.all(first)), await other]) {
      assert.equal(response.status, 200);
      await response.text();
    }
    await t.waitFor(async () => assert.equal((await ask()).status, 200));
  });

  it('a request that is left counts no more', async (t) => {
    const edge = await startEdge(t, { limits: { atOnce: 1 }, engine: { delay: never } });
    const gone = new AbortController();
    const left = fetch(`${edge.url}/v1/completions`, { ...completing(TOKEN), signal: gone.signal });
    await t.waitFor(() => assert.equal(edge.engine.calls.length, 1));
    assert.equal((await fetch(`${edge.url}/v1/models`, bearer(TOKEN))).status, 429);
    gone.abort();
    await assert.rejects(left);
    await t.waitFor(async () =>
      assert.equal((await fetch(`${edge.url}/v1/models`, bearer(TOKEN))).status, 200),
    );
  });

  it('only so many connections are open', async (t) => {
    const edge = await startEdge(t, { limits: { connections: 2 } });
    const first = await welcomed(t, edge);
    await welcomed(t, edge);
    await assert.rejects(WireClient.connect(t, edge.url), /429/);
    await welcomed(t, edge, ADMIN_TOKEN);
    const answer = await fetch(edge.url + WIRE_PATH, bearer(TOKEN));
    assert.equal(answer.status, 426, 'what is no connection does not count as one');
    first.socket.close(1000);
    await once(first.socket, 'close');
    await t.waitFor(async () => served(await welcomed(t, edge)));
  });
});

async function welcomed(t: TestContext, { url }: Edge, token = TOKEN): Promise<WireClient> {
  const client = await WireClient.connect(t, url, bearer(token));
  assert.equal((await client.hello()).case, 'welcome');
  return client;
}

/** Fails unless `client` is still served. */
async function served(client: WireClient): Promise<void> {
  const context = [...Buffer.from('still here')];
  const { tokens } = await client.verify({ id: 99, context, more: 3 });
  assert.deepEqual(tokens, fakeWrite(context, 4));
}

function completing(token: string): RequestInit {
  const headers = { ...bearer(token).headers, 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify({ prompt: 'const a', suffix: '' }) };
}

async function assertRefused(response: Response, status: number, code: string): Promise<void> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  assert.deepEqual([response.status, error.code], [status, code]);
  assert.match(error.message, /^[A-Z][^\n]*\.$/);
}
