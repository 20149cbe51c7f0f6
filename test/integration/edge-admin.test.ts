import { EMBEDDED_FAMILY, loadFamily, parseGguf } from '@foretype/models';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { piecesOf } from '../../edge-node/src/adapters/pieces.ts';
import { MAX_ADAPTER_BYTES } from '../../edge-node/src/adapters/store.ts';
import { ADMIN_TOKEN, bearer, startEdge, TOKEN, WireClient, type EdgeOptions } from '../support/edge-node.ts';
import { edgeState } from '../support/edge-state.ts';
import { ask as askFor } from '../support/edge-target.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const weights = readFileSync(family.backbone.path);
const gguf = parseGguf(weights, weights.length);
const [first, other] = family.adapters.map(({ path }) => readFileSync(path)) as [Buffer, Buffer];

/** What is looked at of the bodies of all these routes; each has some of it. */
interface Body {
  readonly error: { readonly code: string; readonly message: string; readonly blocks: readonly string[] };
  readonly number: number;
  readonly sha256: string;
  readonly pinned: boolean;
  readonly versions: readonly object[];
  readonly projects: readonly unknown[];
  readonly pieces: readonly { readonly block: string; readonly bytes: number }[];
  readonly adapters: readonly { readonly pinned: boolean }[];
  readonly tokens: readonly object[];
  readonly token: string;
}

interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

/** A node whose family's backbone is the embedded one, and an admin who asks it. */
async function start(t: TestContext, options: EdgeOptions = {}) {
  const changes: string[] = [];
  const edge = await startEdge(t, {
    ...options,
    admin: {
      backbones: () => Promise.resolve({ sha256: 'b'.repeat(64), gguf }),
      changed: () => changes.push('changed'),
      ...options.admin,
    },
  });
  const ask = async (method: string, path: string, body?: object | Uint8Array): Promise<Answer> => {
    const raw = body instanceof Uint8Array;
    const type = raw ? 'application/octet-stream' : 'application/json';
    const response = await fetch(`${edge.url}/v1/admin${path}`, {
      method,
      headers: { ...bearer(ADMIN_TOKEN).headers, ...(body && { 'content-type': type }) },
      ...(body && { body: raw ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const told = response.headers.get('content-type')?.startsWith('application/json');
    const answered = (told ? JSON.parse(text) : {}) as Body;
    return { status: response.status, body: answered, headers: response.headers };
  };
  const add = (name: string, file: Uint8Array) => ask('POST', `/adapters?name=${name}`, file);
  return { ...edge, ask, add, changes };
}

/** Names of the files that wait in a node's directory for uploads. */
function waiting(directory: string): string[] {
  try {
    return readdirSync(join(directory, 'uploads'));
  } catch {
    return [];
  }
}

function assertError({ status, body }: Answer, expected: number, code: string, message: RegExp = /./): void {
  const { error } = body;
  assert.deepEqual([status, error.code], [expected, code], error.message);
  assert.match(error.message, /^[A-Z][^\n]*\.$/);
  assert.match(error.message, message);
}

describe('adapters over HTTP', () => {
  it('are added, shown, pinned, given out as they came, and removed', async (t) => {
    const { ask, add, changes, url, state, log } = await start(t);
    assert.deepEqual((await ask('GET', '/adapters')).body, { adapters: [] });
    const added = await add('mine', first);
    assert.equal(added.status, 201);
    const version = {
      adapter: 'mine',
      number: 1,
      sha256: family.adapters[0]!.sha256,
      bytes: first.length,
      family: 'fake-1',
      rank: 8,
      created: '2026-01-02T03:04:05.000Z',
    };
    assert.deepEqual(added.body, version);
    assert.equal((await add('mine', other)).body.number, 2);
    assert.equal((await add('mine', first)).body.number, 1, 'what is there stays what it is');
    assert.equal(changes.length, 3);

    const shown = await ask('GET', '/adapters/mine');
    assert.deepEqual(
      { ...shown.body, versions: shown.body.versions.length },
      { name: 'mine', pinned: false, projects: [], versions: 2 },
    );
    assert.equal((await ask('PUT', '/adapters/mine/pin', { pinned: true })).body.pinned, true);
    assert.deepEqual(state.store.pinned(), new Set(['mine']));
    assert.equal((await ask('GET', '/adapters')).body.adapters[0]?.pinned, true);

    const models = (await (await fetch(`${url}/v1/models`, bearer(TOKEN))).json()) as {
      data: { id: string }[];
    };
    assert.deepEqual(
      models.data.find(({ id }) => id === 'mine'),
      {
        id: 'mine',
        object: 'model',
        created: Date.parse('2026-01-02T03:04:05Z') / 1000,
        owned_by: 'foretype',
        parent: 'fake-1',
        family: 'fake-1',
        context: 512,
        version: 2,
        sha256: family.adapters[1]!.sha256,
      },
    );

    const file = await fetch(`${url}/v1/admin/adapters/mine/1/file`, bearer(ADMIN_TOKEN));
    assert.equal(file.headers.get('content-length'), String(first.length));
    assert.ok(Buffer.from(await file.arrayBuffer()).equals(first));

    assert.equal((await ask('DELETE', '/adapters/mine')).status, 204);
    assertError(await ask('DELETE', '/adapters/mine'), 404, 'unknown-adapter');
    assertError(await ask('GET', '/adapters/mine'), 404, 'unknown-adapter');
    assertError(await ask('GET', '/adapters/mine/1'), 404, 'unknown-adapter');
    assertError(await ask('PUT', '/adapters/mine/pin', { pinned: true }), 404, 'unknown-adapter');
    assert.deepEqual(waiting(state.directory), []);
    for (const what of ['adapter added', 'adapter pinned', 'adapter removed']) {
      assert.ok(
        log.some((line) => line.includes(`"admin":"grace"`) && line.includes(what)),
        what,
      );
    }
  });

  const damaged = (change: (file: Buffer) => unknown) => {
    const file = Buffer.from(first);
    change(file);
    return file;
  };
  const bad: [string, string, Uint8Array, number, string, RegExp][] = [
    ['that is none', 'mine', Buffer.from('no adapter'), 422, 'invalid-adapter', /GGUF/],
    ['that is empty', 'mine', Buffer.alloc(0), 422, 'invalid-adapter', /header/],
    [
      'with no numbers in it',
      'mine',
      damaged((file) => file.writeFloatLE(NaN, file.length - 4)),
      422,
      'invalid-adapter',
      /no numbers/,
    ],
    ['that is cut short', 'mine', first.subarray(0, first.length / 2), 422, 'invalid-adapter', /./],
    ['under a name that is none', 'No%20Name', first, 400, 'invalid-request', /name/],
  ];
  for (const [name, as, file, status, code, message] of bad) {
    it(`${name} are refused, and nothing of them stays`, async (t) => {
      const { add, state, changes } = await start(t);
      assertError(await add(as, file), status, code, message);
      assert.deepEqual(state.store.versions(), []);
      assert.deepEqual(waiting(state.directory), []);
      assert.deepEqual(changes, []);
    });
  }

  it('of a family that the node does not serve, or as another type of body, are refused', async (t) => {
    const { ask } = await start(t);
    assertError(
      await ask('POST', '/adapters?name=mine&family=two', first),
      400,
      'unknown-family',
      /serves fake-1;/,
    );
    assertError(await ask('POST', '/adapters?name=mine', { a: 1 }), 415, 'invalid-request');
  });

  it('that are larger than they may be are refused before they came', async (t) => {
    const { url, state } = await start(t);
    const answer = new Promise<number>((resolve, reject) => {
      const sent = request(`${url}/v1/admin/adapters?name=mine`, {
        method: 'POST',
        headers: {
          ...bearer(ADMIN_TOKEN).headers,
          'content-type': 'application/octet-stream',
          'content-length': MAX_ADAPTER_BYTES + 1,
        },
      });
      sent.on('response', (response) => {
        resolve(response.statusCode!);
        response.resume();
        sent.destroy();
      });
      sent.on('error', reject);
      sent.write('GGUF');
    });
    assert.equal(await answer, 413);
    assert.deepEqual(waiting(state.directory), []);
  });

  it('whose sender leaves half-way leave nothing behind', async (t) => {
    const { url, state, log } = await start(t);
    const sent = request(`${url}/v1/admin/adapters?name=mine`, {
      method: 'POST',
      headers: {
        ...bearer(ADMIN_TOKEN).headers,
        'content-type': 'application/octet-stream',
        'content-length': first.length,
      },
    });
    sent.on('error', () => undefined);
    sent.write(first.subarray(0, 100_000));
    await t.waitFor(() => assert.equal(waiting(state.directory).length, 1));
    sent.destroy();
    await t.waitFor(() => assert.deepEqual(waiting(state.directory), []));
    assert.deepEqual(state.store.versions(), []);
    assert.ok(!log.some((line) => line.includes('fault')), log.join(''));
  });

  it('may come slowly, as long as they come', async (t) => {
    const { url } = await start(t, { bodyWithin: 1500 });
    const slow = async function* () {
      for (let part = 0; part < 8; part++) {
        yield first.subarray((part * first.length) / 8, ((part + 1) * first.length) / 8);
        await sleep(250);
      }
    };
    const response = await fetch(`${url}/v1/admin/adapters?name=mine`, {
      method: 'POST',
      headers: { ...bearer(ADMIN_TOKEN).headers, 'content-type': 'application/octet-stream' },
      body: ReadableStream.from(slow()) as RequestInit['body'],
      duplex: 'half',
    } as RequestInit);
    assert.equal(response.status, 201);
    await response.text();
  });

  for (const [name, fault, status, code] of [
    ['there is no room on the disk', { code: 'ENOSPC' }, 507, 'disk-full'],
    ['there is no room for the database', { code: 'ERR_SQLITE_ERROR', errcode: 13 }, 507, 'disk-full'],
    ['the database is in use for too long', { code: 'ERR_SQLITE_ERROR', errcode: 5 | (2 << 8) }, 503, 'busy'],
  ] as const) {
    it(`for which ${name} are refused with a code`, async (t) => {
      const state = edgeState(t);
      const add = () => Promise.reject(Object.assign(new Error('It failed.'), fault));
      const store = new Proxy(state.store, {
        get: (target, key) => {
          const value: unknown = key === 'add' ? add : Reflect.get(target, key, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const node = await start(t, { state, admin: { store } });
      assertError(await node.add('mine', first), status, code);
      assert.deepEqual(waiting(state.directory), []);
    });
  }

  it('that the store refuses for another reason are told as faults of the node, in its log', async (t) => {
    const state = edgeState(t);
    const backbones = () => Promise.reject(new Error('inner workings'));
    const node = await start(t, { state, admin: { backbones } });
    assertError(await node.add('mine', first), 500, 'internal');
    assert.match(node.log.join(''), /inner workings/);
  });
});

describe('blocks over HTTP', () => {
  const parts = (file: Buffer) =>
    piecesOf(parseGguf(file, file.length), file.length).map(({ at, bytes }) => {
      const block = file.subarray(at, at + bytes);
      return { block, id: createHash('sha256').update(block).digest('hex') };
    });

  /** A file with another first byte in about half of its tensors, by their bytes. */
  const halfOther = () => {
    const file = Buffer.from(first);
    let changed = 0;
    for (const { at, bytes } of parseGguf(first, first.length).tensors) {
      if (changed >= first.length / 2) break;
      file[at] = first[at]! ^ 1;
      changed += bytes;
    }
    return file;
  };

  it('let a version come as those blocks that the node lacks: half of them take little more than half', async (t) => {
    const { ask, url, state } = await start(t);
    let sent = 0;
    const send = async (file: Buffer) => {
      const blocks = parts(file);
      for (const { id, block } of blocks) {
        const there = await ask('HEAD', `/blocks/${id}`);
        sent += 64;
        if (there.status === 200) continue;
        assert.equal((await ask('PUT', `/blocks/${id}`, block)).status, 204);
        sent += block.length;
      }
      const list = { blocks: blocks.map(({ id }) => id) };
      sent += JSON.stringify(list).length;
      return ask('POST', '/adapters/mine/versions', list);
    };
    assert.equal((await send(first)).body.sha256, family.adapters[0]!.sha256);
    const one = sent;
    sent = 0;
    const second = halfOther();
    const made = await send(second);
    assert.deepEqual([made.status, made.body.number], [201, 2]);
    assert.ok(one <= 1.02 * first.length && sent <= 0.55 * first.length, `${one} and ${sent} bytes`);
    assert.deepEqual(waiting(state.directory), []);

    const manifest = (await ask('GET', '/adapters/mine/2')).body;
    assert.deepEqual(
      manifest.pieces,
      parts(second).map(({ id, block }) => ({ block: id, bytes: block.length })),
    );
    const got = [];
    for (const { block } of manifest.pieces) {
      const answer = await fetch(`${url}/v1/admin/blocks/${block}`, bearer(ADMIN_TOKEN));
      got.push(Buffer.from(await answer.arrayBuffer()));
    }
    assert.ok(Buffer.concat(got).equals(second));
  });

  it('that the node lacks are named, and nothing is stored', async (t) => {
    const { ask, state } = await start(t);
    const blocks = parts(first);
    const [head, ...rest] = blocks;
    await ask('PUT', `/blocks/${head!.id}`, head!.block);
    const answer = await ask('POST', '/adapters/mine/versions', { blocks: blocks.map(({ id }) => id) });
    assertError(answer, 409, 'missing-blocks');
    assert.deepEqual(new Set(answer.body.error.blocks), new Set(rest.map(({ id }) => id)));
    assert.deepEqual(state.store.versions(), []);
    assert.deepEqual(waiting(state.directory), [head!.id], 'it waits for the others');
  });

  it('that make no adapter are refused as a file would be', async (t) => {
    const { ask } = await start(t);
    const block = Buffer.from('GGUF but no more');
    const id = createHash('sha256').update(block).digest('hex');
    await ask('PUT', `/blocks/${id}`, block);
    assertError(await ask('POST', '/adapters/mine/versions', { blocks: [id] }), 422, 'invalid-adapter');
    assertError(await ask('POST', '/adapters/mine/versions', { blocks: [] }), 400, 'invalid-request');
  });

  it('whose bytes are others than their name says are not taken', async (t) => {
    const { ask, state } = await start(t);
    const id = 'c'.repeat(64);
    assertError(await ask('PUT', `/blocks/${id}`, Buffer.from('x')), 400, 'wrong-block', /not c+\.$/);
    assert.equal((await ask('HEAD', `/blocks/${id}`)).status, 404);
    assertError(await ask('GET', `/blocks/${id}`), 404, 'unknown-block');
    assertError(await ask('GET', '/blocks/..%2F..%2Fnode.db'), 400, 'invalid-request');
    assert.deepEqual(waiting(state.directory), []);
  });

  it('that wait too long for the others of their file go', async (t) => {
    const { ask, state } = await start(t);
    const [late, fresh] = ['late', 'fresh'].map((text) => Buffer.from(text)) as [Buffer, Buffer];
    const idOf = (block: Buffer) => createHash('sha256').update(block).digest('hex');
    await ask('PUT', `/blocks/${idOf(late)}`, late);
    assert.equal((await ask('HEAD', `/blocks/${idOf(late)}`)).status, 200);
    state.clock = new Date(state.clock.getTime() + 3_600_001);
    await ask('PUT', `/blocks/${idOf(fresh)}`, fresh);
    assert.deepEqual(waiting(state.directory), [idOf(fresh)]);
  });

  it('are not counted as requests, of which there are many', async (t) => {
    const { ask } = await start(t, { limits: { requests: 2 } });
    for (let count = 0; count < 5; count++) {
      assert.equal((await ask('HEAD', `/blocks/${'c'.repeat(64)}`)).status, 404);
    }
    assert.equal((await ask('GET', '/adapters')).status, 200);
  });
});

describe('projects over HTTP', () => {
  it('are assigned to adapters, and let go', async (t) => {
    const { ask, add, url, changes } = await start(t);
    const id = 'c'.repeat(64);
    const project = { id, label: 'the shop', adapter: 'mine' };
    assertError(await ask('PUT', `/projects/${id}`, { adapter: 'mine' }), 404, 'unknown-adapter');
    await add('mine', first);
    const answer = await ask('PUT', `/projects/${id}`, { adapter: 'mine', label: 'the shop' });
    assert.deepEqual([answer.status, answer.body], [200, project]);
    assert.deepEqual((await ask('GET', '/projects')).body, { projects: [project] });
    assert.deepEqual((await ask('GET', '/adapters/mine')).body.projects, [id]);
    const told = (await (await fetch(`${url}/v1/projects/${id}`, bearer(TOKEN))).json()) as {
      adapters: object[];
    };
    assert.deepEqual(told.adapters, [
      { family: 'fake-1', adapter: 'mine', version: 1, sha256: family.adapters[0]!.sha256 },
    ]);
    assert.equal((await ask('DELETE', `/projects/${id}`)).status, 204);
    assertError(await ask('DELETE', `/projects/${id}`), 404, 'unknown-project');
    assert.equal((await fetch(`${url}/v1/projects/${id}`, bearer(TOKEN))).status, 404);
    assert.equal(changes.length, 3);
    assertError(await ask('PUT', '/projects/mine', { adapter: 'mine' }), 400, 'invalid-request');
    assertError(await ask('PUT', `/projects/${id}`, {}), 400, 'invalid-request', /adapter/);
  });
});

describe('adapters of a family over HTTP', () => {
  const id = 'c'.repeat(64);

  it('answer projects without having been added, unless one of their name was', async (t) => {
    const { ask, add, url, changes } = await start(t);
    const client = await WireClient.connect(t, url);
    await client.hello();
    const answering = async () => {
      client.send(askFor({ project: id }));
      const frame = await client.next();
      const response = await fetch(`${url}/v1/projects/${id}`, bearer(TOKEN));
      const { adapters = [] } = (await response.json()) as { adapters?: { version: number | null }[] };
      return [frame.case === 'assigned' && frame.value.adapter, ...adapters.map(({ version }) => version)];
    };
    assert.deepEqual(await answering(), ['']);
    const project = { id, label: 'the shop', adapter: 'blue' };
    const answer = await ask('PUT', `/projects/${id}`, { adapter: 'blue', label: 'the shop' });
    assert.deepEqual([answer.status, answer.body], [200, project]);
    assert.deepEqual(await answering(), ['blue', null]);
    assert.deepEqual((await ask('GET', '/projects')).body, { projects: [project] });
    assert.equal(changes.length, 1);

    await add('blue', first);
    assert.deepEqual(await answering(), ['blue@1', 1]);
    assert.deepEqual((await ask('GET', '/adapters/blue')).body.projects, [id]);
    assert.equal((await ask('DELETE', '/adapters/blue')).status, 204);
    assert.deepEqual(await answering(), ['blue', null]);

    assert.equal((await ask('DELETE', `/projects/${id}`)).status, 204);
    assert.deepEqual(await answering(), ['']);
  });

  it('are told from those that nobody knows, which answer nothing', async (t) => {
    const { ask, add, changes } = await start(t);
    assertError(await ask('PUT', `/projects/${id}`, { adapter: 'none' }), 404, 'unknown-adapter', /"none"/);
    await add('mine', first);
    await ask('PUT', `/projects/${id}`, { adapter: 'mine' });
    assertError(await ask('PUT', `/projects/${id}`, { adapter: 'none' }), 404, 'unknown-adapter');
    assert.deepEqual((await ask('GET', '/projects')).body.projects, [{ id, label: null, adapter: 'mine' }]);
    await ask('DELETE', '/adapters/mine');
    assert.deepEqual((await ask('GET', '/projects')).body.projects, []);
    assert.equal(changes.length, 3);
  });
});

describe('tokens over HTTP', () => {
  it('are made, told once, listed and revoked', async (t) => {
    const { ask, url, log } = await start(t);
    const made = await ask('POST', '/tokens', { account: 'Zoë A.', expires: '2026-02-01T00:00:00Z' });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('cache-control'), 'no-store');
    const { token, ...rest } = made.body;
    assert.deepEqual(rest, { id: 3, account: 'Zoë A.', role: 'user', expires: '2026-02-01T00:00:00.000Z' });
    assert.equal((await fetch(`${url}/v1/models`, bearer(token))).status, 200);

    const list = await ask('GET', '/tokens');
    assert.deepEqual(list.body.tokens.at(-1), {
      id: 3,
      account: 'Zoë A.',
      role: 'user',
      created: '2026-01-02T03:04:05.000Z',
      expires: '2026-02-01T00:00:00.000Z',
      revoked: null,
    });
    assert.equal(list.body.tokens.length, 3);

    assert.equal((await ask('DELETE', '/tokens/3')).status, 204);
    assertError(await ask('DELETE', '/tokens/3'), 404, 'unknown-token');
    assertError(await ask('DELETE', '/tokens/77'), 404, 'unknown-token');
    assertError(await ask('DELETE', '/tokens/1.5'), 400, 'invalid-request', /params\.id must be integer/);
    assert.equal((await fetch(`${url}/v1/models`, bearer(token))).status, 401);
    assert.ok(!log.join('').includes(token) && log.some((line) => line.includes('token revoked')));
  });

  it('are of the role that the account has, and never lower it', async (t) => {
    const { ask, state } = await start(t);
    const made = await ask('POST', '/tokens', { account: 'grace' });
    assert.deepEqual([made.status, (made.body as { role?: string }).role], [201, 'admin']);
    assertError(
      await ask('POST', '/tokens', { account: 'grace', role: 'user' }),
      409,
      'conflict',
      /is an admin/,
    );
    assert.equal(state.tokens.roleOf('grace'), 'admin');
    assert.equal(state.tokens.list().length, 3);
    assert.equal((await ask('POST', '/tokens', { account: 'tests', role: 'admin' })).status, 201);
    assert.equal(state.tokens.roleOf('tests'), 'admin');
  });

  it('of a time that is over, without an account or of no role are not made', async (t) => {
    const { ask, state } = await start(t);
    assertError(
      await ask('POST', '/tokens', { account: 'ada', expires: '2026-01-02T03:04:05Z' }),
      400,
      'invalid-request',
    );
    for (const body of [
      {},
      { account: '' },
      { account: 'line\nbreak' },
      { account: 'ada', role: 'root' },
      { account: 'ada', role: 7 },
      { account: 'ada', expires: 'soon' },
      // A leap second, which no time of JavaScript is.
      { account: 'ada', expires: '2026-12-31T23:59:60Z' },
    ]) {
      assertError(await ask('POST', '/tokens', body), 400, 'invalid-request');
    }
    assert.equal(state.tokens.list().length, 2);
  });
});
