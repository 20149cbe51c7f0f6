/** Several hosts, one engine process: who starts it, who uses it, and what becomes of it. */
import {
  draftSpec,
  EMBEDDED_FAMILY,
  kvBytesPerToken,
  loadFamily,
  parseGguf,
  startEngine,
  startSharedEngine,
  tokensOf,
  type EngineHost,
  type EngineState,
  type Token,
} from '@foretype/models';
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { Load } from '../../models/src/engine/rpc.ts';
import { Client } from '../../server/src/client.ts';
import { childrenOf, commandsWith, gone, memoryOf } from '../support/processes.ts';
import { realPrompts } from '../support/prompts.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const spec = draftSpec(family, { sequences: 2, threads: 1 });
const SLOTS = 8;
const SLOT =
  kvBytesPerToken(parseGguf(readFileSync(family.draft.path), family.draft.bytes)) * (family.context + 2);

describe('an engine that is shared', () => {
  let prompts: Token[][];
  let expected: Token[][];
  let alone: { memory: number };
  before(async () => {
    const engine = startEngine(spec);
    prompts = await realPrompts(engine, family, 12, 5);
    expected = [];
    for (const context of prompts) expected.push(await written(engine, context));
    alone = { memory: await memoryOf(engine.pid!) };
    await engine.dispose();
  });

  it('two hosts have one process, and each gets its own words', async (t) => {
    const { host } = place(t);
    const [a, b] = [host(), host()];
    const all = await Promise.all(prompts.map((context, at) => written(at % 2 ? a : b, context)));
    assert.deepEqual(all, expected);
    assert.equal(a.pid, b.pid);
    assert.deepEqual(await a.facts(), await b.facts());
    assert.equal((await a.tokenize('const')).length > 0, true);
  });

  it('of many that start at once one starts the process', async (t) => {
    const { directory, host } = place(t);
    const hosts = Array.from({ length: 6 }, () => host());
    await Promise.all(hosts.map((one) => one.facts()));
    assert.equal(new Set(hosts.map(({ pid }) => pid)).size, 1);
    assert.equal((await commandsWith(directory)).length, 1);
  });

  it('ends some seconds after the last host has gone, and a host that comes back before finds it warm', async (t) => {
    const { directory, host } = place(t);
    const [a, b] = [host(), host()];
    await Promise.all([a.facts(), b.facts()]);
    const pid = a.pid!;
    await a.dispose();
    await b.dispose();
    const again = host();
    await again.facts();
    assert.equal(again.pid, pid);
    await again.dispose();
    await gone([pid], 10_000);
    assert.deepEqual(metIn(directory), []);
  });

  it('when it is killed, every host’s requests are lost, and one of them starts the next', async (t) => {
    const { directory, host } = place(t);
    const states: string[][] = [];
    const hosts = Array.from({ length: 3 }, () => {
      const seen: string[] = [];
      states.push(seen);
      return host(({ status }) => seen.push(status));
    });
    await Promise.all(hosts.map((one) => one.facts()));
    const pid = hosts[0]!.pid!;
    const running = hosts.map((one, at) =>
      tokensOf(one.write({ context: prompts[at]!, limit: 60 })).catch((error: unknown) => error),
    );
    process.kill(pid, 'SIGKILL');
    for (const result of await Promise.all(running)) {
      const code = result instanceof Error ? (result as Error & { code?: string }).code : 'done';
      assert.ok(code === 'engine-lost' || code === 'done', String(result));
    }
    await gone([pid]);
    await t.waitFor(
      async () => {
        const all = await Promise.all(hosts.map((one, at) => written(one, prompts[at]!)));
        assert.deepEqual(all, expected.slice(0, 3));
      },
      { interval: 50, timeout: 15_000 },
    );
    const pids = new Set(hosts.map((one) => one.pid));
    assert.equal(pids.size, 1);
    assert.ok(!pids.has(pid));
    assert.equal((await commandsWith(directory)).length, 1);
    // Who is back before the old one is all gone tries twice.
    for (const seen of states)
      assert.deepEqual(
        seen.filter((status, at) => status !== seen[at - 1]),
        ['ready', 'restarting', 'ready'],
      );
  });

  it('a socket and a lock that were left behind are in nobody’s way', async (t) => {
    const { directory, host, logged } = place(t);
    const first = host();
    await first.facts();
    const pid = first.pid!;
    await first.dispose();
    process.kill(pid, 'SIGKILL');
    await gone([pid]);
    const [socket] = metIn(directory);
    assert.match(socket!, /\.sock$/u);
    // The lock of a process that is no more.
    writeFileSync(join(directory, socket!.replace(/\.sock$/u, '.lock')), String(pid));
    const second = host();
    assert.deepEqual(await written(second, prompts[0]!), expected[0]);
    assert.notEqual(second.pid, pid);
    assert.deepEqual(logged, []);
  });

  it('a directory that others may write in is not used: the engine is the host’s own, and one line says why', async (t) => {
    const { directory, host, logged } = place(t);
    chmodSync(directory, 0o755);
    const engine = host();
    assert.deepEqual(await written(engine, prompts[0]!), expected[0]);
    assert.ok((await childrenOf(process.pid)).includes(engine.pid!));
    assert.deepEqual([(await commandsWith(directory)).length, metIn(directory)], [0, []]);
    assert.equal(logged.length, 1);
    assert.match(logged[0]!, /has its own: .* is open to other users; remove it or make it yours alone\.$/u);
    const { pid } = engine;
    await engine.dispose();
    await gone([pid!]);
  });

  it('what has loaded something else is not believed', async (t) => {
    const { directory, host, logged } = place(t);
    const first = host();
    await first.facts();
    const { pid } = first;
    const facts = await first.facts();
    const path = join(directory, metIn(directory)[0]!);
    await first.dispose();
    process.kill(pid!, 'SIGKILL');
    await gone([pid!]);
    rmSync(path);
    const impostor = createServer((socket) => {
      const connection = createMessageConnection(
        new SocketMessageReader(socket),
        new SocketMessageWriter(socket),
      );
      connection.onRequest(Load.method, () => ({
        facts,
        weights: '0'.repeat(64),
        pid: process.pid,
        verified: [],
      }));
      connection.listen();
    }).listen(path);
    t.after(() => impostor.close());
    const engine = host();
    await t.waitFor(async () => assert.deepEqual(await written(engine, prompts[0]!), expected[0]), {
      interval: 50,
      timeout: 15_000,
    });
    assert.ok((await childrenOf(process.pid)).includes(engine.pid!));
    assert.equal(logged.length, 1);
  });

  it('what a host that has gone still wanted is not made', async (t) => {
    const { host } = place(t);
    const [greedy, modest] = [host(), host()];
    await greedy.facts();
    const timed = async () => {
      const began = performance.now();
      assert.deepEqual(await written(modest, prompts[2]!), expected[2]);
      return performance.now() - began;
    };
    await timed();
    const alone = await timed();
    const long = prompts.flat().slice(0, family.context - 2);
    const wanted = Array.from({ length: 500 }, (_, at) =>
      greedy.read({ context: [at + 300, ...long] }).catch(() => undefined),
    );
    await greedy.choose({ context: [1], drafted: [] }, AbortSignal.timeout(50)).catch(() => undefined);
    await greedy.dispose();
    const after = await timed();
    t.diagnostic(`${alone.toFixed(0)} ms alone, ${after.toFixed(0)} ms after a host that wanted much`);
    // All of it would take many seconds.
    assert.ok(after < 30 * alone + 1000, `${after} ms`);
    await Promise.all(wanted);
  });

  it('what is cancelled in the breath in which it was asked for is not begun', async (t) => {
    const { host } = place(t);
    const engine = host();
    const timed = async () => {
      const began = performance.now();
      assert.deepEqual(await written(engine, prompts[2]!), expected[2]);
      return performance.now() - began;
    };
    await timed();
    const alone = await timed();
    const long = prompts.flat().slice(0, family.context - 2);
    const reads = Array.from({ length: 300 }, async (_, at) => {
      const left = new AbortController();
      setImmediate(() => left.abort());
      await assert.rejects(engine.read({ context: [at + 300, ...long] }, left.signal), {
        name: 'AbortError',
      });
    });
    await Promise.all(reads);
    const after = await timed();
    t.diagnostic(`${alone.toFixed(0)} ms alone, ${after.toFixed(0)} ms after what was cancelled`);
    assert.ok(after < 30 * alone + 1000, `${after} ms`);
  });

  it('has as many slots as may take the memory, and two at the least', async (t) => {
    const memoryWith = async (kvBytes: number | undefined) => {
      const engine = startEngine({ ...spec, sequences: 128, kvBytes });
      t.after(() => engine.dispose());
      await written(engine, prompts[0]!);
      return memoryOf(engine.pid!);
    };
    const [all, some, two] = [await memoryWith(undefined), await memoryWith(30 * SLOT), await memoryWith(1)];
    t.diagnostic([all, some, two].map((bytes) => `${bytes >> 20} MiB`).join(', '));
    assert.ok(all - some > 90 * SLOT, `${all} and ${some}`);
    assert.ok(some - two > 20 * SLOT, `${some} and ${two}`);
  });

  it('takes no adapters: they would be everybody’s', async (t) => {
    const { host } = place(t);
    const engine = host();
    await engine.facts();
    await assert.rejects(engine.adopt(family.adapters[0]!), { code: 'unknown-adapter' });
  });

  describe('between language servers', () => {
    it('three windows have one engine, whose memory is that of one and its slots; the first may be killed', async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'foretype-shared-'));
      const clients = await Promise.all([1, 2, 3].map(() => start(t, directory)));
      const engines = await commandsWith(`child.ts ${directory}`);
      assert.equal(engines.length, 1);
      const uri = 'file:///a.ts';
      const texts = await Promise.all(clients.map((client) => completeIn(client, uri)));
      assert.equal(new Set(texts).size, 1);
      const memory = await memoryOf(engines[0]!.pid);
      const most = 1.2 * alone.memory + (SLOTS - 2) * SLOT;
      t.diagnostic(
        `${memory >> 20} MiB for three, ${alone.memory >> 20} MiB for one, ${SLOT >> 10} KiB a slot`,
      );
      assert.ok(memory <= most, `${memory} of ${most}`);
      const starter = clients.find(({ pid }) => pid === engines[0]!.parent)!;
      const others = clients.filter((client) => client !== starter);
      process.kill(starter.pid, 'SIGKILL');
      await gone([starter.pid]);
      for (const client of others) assert.equal(await completeIn(client, 'file:///b.ts'), texts[0]);
      assert.deepEqual(
        (await commandsWith(`child.ts ${directory}`)).map(({ pid }) => pid),
        [engines[0]!.pid],
      );
      for (const client of others) await client.stop();
      await gone([engines[0]!.pid], 10_000);
    });

    for (const shareEngine of [true, false]) {
      it(`a model that nobody asks gives its memory back and returns in a moment (${shareEngine ? 'shared' : 'own'})`, async (t) => {
        const directory = mkdtempSync(join(tmpdir(), 'foretype-shared-'));
        const client = await start(t, directory, { idleMinutes: 0.02, shareEngine });
        const text = await completeIn(client, 'file:///a.ts');
        const engineOf = async () =>
          shareEngine
            ? (await commandsWith(`child.ts ${directory}`)).map(({ pid }) => pid)
            : childrenOf(client.pid);
        const [engine] = await engineOf();
        const before = await memoryOf(engine!);
        await client.until(({ draft }) => draft === 'asleep', 10_000);
        await gone([engine!], 10_000);
        assert.deepEqual(await engineOf(), []);
        const began = performance.now();
        const again = await completeIn(client, 'file:///b.ts');
        const ms = performance.now() - began;
        t.diagnostic(`${before >> 20} MiB given back; first draft ${ms.toFixed(0)} ms after the first key`);
        assert.equal(again, text);
      });
    }
  });
});

/** A directory for sockets, and hosts that meet in it. */
function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'foretype-shared-'));
  const hosts: EngineHost[] = [];
  const logged: string[] = [];
  const log = (sentence: string) => void logged.push(sentence);
  t.after(async () => {
    await Promise.all(hosts.map((one) => one.dispose()));
    await end(directory);
  });
  const host = (onState?: (state: EngineState) => void) => {
    const engine = startSharedEngine(spec, { version: 'test', log, directory }, onState);
    hosts.push(engine);
    return engine;
  };
  return { directory, host, logged };
}

/** Sockets and locks. */
function metIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => /\.(sock|lock)/u.test(name));
}

async function start(t: TestContext, runtime: string, settings: object = {}): Promise<Client> {
  const { client } = await Client.start({ shareEngine: true, ...settings }, { XDG_RUNTIME_DIR: runtime });
  t.after(async () => {
    await client.stop();
    await end(runtime);
  });
  await client.until(({ draft }) => draft === 'ready');
  return client;
}

/** Ends the engines that have sockets there; they would do so in some seconds. */
async function end(directory: string): Promise<void> {
  const engines = await commandsWith(`child.ts ${directory}`);
  for (const { pid } of engines) process.kill(pid, 'SIGKILL');
  await gone(engines.map(({ pid }) => pid));
  if (existsSync(directory)) rmSync(directory, { recursive: true });
}

async function completeIn(client: Client, uri: string): Promise<string> {
  const text = 'export function add(a: number, b: number): number {\n  return ';
  await client.open(uri, text);
  return client.complete(uri, { line: 1, character: 9 });
}

async function written(engine: EngineHost, context: readonly Token[]): Promise<Token[]> {
  return tokensOf(engine.write({ context, limit: 12 }));
}
