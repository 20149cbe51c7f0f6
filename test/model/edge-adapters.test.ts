/** Adapters of a running node: added, replaced, assigned and removed while it answers, within its memory. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { draftSpec, EMBEDDED_FAMILY, fimPrompt, loadFamily, startEngine, type Token } from '@foretype/models';
import { projectId } from '../../edge-node/src/protocol/index.ts';
import { bearer, WireClient } from '../support/edge-node.ts';
import { ask } from '../support/edge-target.ts';
import { home, startProcess, type EdgeProcess } from '../support/edge-process.ts';
import { childrenOf } from '../support/processes.ts';
import { stock, withState } from '../support/stocked.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const { fim, tokenizer, backbone } = family;
let context: Token[];

// A place where code goes on, whoever writes it.
before(async () => {
  const draft = startEngine(draftSpec(family, { sequences: 1, threads: 1 }));
  const prefix = await draft.tokenize('export class Queue {\n  readonly items: string[] = [];\n\n  add(');
  const suffix = await draft.tokenize('\n}\n');
  context = fimPrompt(fim, { prefix, suffix }, tokenizer.bos);
  await draft.dispose();
});

async function welcomed(t: TestContext, url: string, token: string): Promise<WireClient> {
  const client = await WireClient.connect(t, url, bearer(token));
  const hello = { family: family.id, tokenizer: tokenizer.fingerprint, backbone: backbone.sha256 };
  assert.equal((await client.hello(hello)).case, 'welcome');
  return client;
}

async function started(t: TestContext, directory: string, flags: readonly string[] = []) {
  const node = startProcess(t, directory, ['--state', directory, ...flags]);
  const url = await node.ready();
  return { node, url };
}

async function assigned(client: WireClient): Promise<string> {
  const frame = await client.next();
  assert.equal(frame.case, 'assigned', JSON.stringify(frame));
  return frame.value.adapter;
}

let rounds = 0;
async function written(client: WireClient, adapter: string): Promise<Token[]> {
  return (await client.verify({ id: ++rounds, context, more: 10, adapter })).tokens;
}

async function stopped(node: EdgeProcess): Promise<void> {
  node.child.kill('SIGTERM');
  assert.equal((await node.ended).code, 0, node.stderr);
}

describe('a running node', () => {
  it('takes on what is added beside it, tells its clients, and keeps the old version for who began with it', async (t) => {
    const directory = await home(t);
    const { node, url } = await started(t, directory);
    const client = await welcomed(t, url, node.token);
    client.send(ask({ name: 'ours' }));
    assert.equal(await assigned(client), '');
    client.send(ask({ project: projectId('example.com/team/app') }));
    assert.equal(await assigned(client), '');
    const [plain, shipped] = [await written(client, ''), await written(client, 'hls')];
    assert.notDeepEqual(plain, shipped);

    const [first] = await stock(directory, family, [{ name: 'ours', seed: 1 }]);
    assert.equal(await assigned(client), first, 'told within a moment');
    const old = await written(client, first!);
    assert.notDeepEqual(old, plain);
    const [second] = await stock(directory, family, [{ name: 'ours', seed: 2 }]);
    assert.equal(await assigned(client), second);
    assert.notDeepEqual(await written(client, second!), old);
    assert.deepEqual(await written(client, first!), old, 'the old one answers as before');

    await withState(directory, ({ adapters }) =>
      adapters.assign({ id: projectId('example.com/team/app'), label: 'example.com/team/app' }, 'ours'),
    );
    assert.equal(await assigned(client), second, "the project's own");
    await withState(directory, ({ adapters }) => adapters.remove('ours'));
    assert.deepEqual([await assigned(client), await assigned(client)], ['', '']);
    client.begin({ id: ++rounds, context, adapter: second! });
    const refused = await client.next();
    assert.equal(refused.case === 'failure' && refused.value.code, 'unknown-adapter');
    assert.deepEqual(await written(client, ''), plain);
    await stopped(node);
  });

  it('writes the same with each adapter, whichever were evicted between', async (t) => {
    const directory = await home(t);
    const ids = await stock(
      directory,
      family,
      Array.from({ length: 6 }, (_, seed) => ({ name: `a${seed}`, seed })),
    );
    const bytes = await withState(directory, ({ adapters }) => adapters.versions()[0]!.bytes);
    // Room for the backbone, two prompts and three adapters.
    const memory = Math.ceil((backbone.bytes + kvBytes(2) + 3 * bytes) / 1024 ** 2);
    const { node, url } = await started(t, directory, ['--memory', String(memory), '--sequences', '2']);
    const client = await welcomed(t, url, node.token);
    const texts = new Map<string, string>();
    const engines = new Set<number>();
    for (let turn = 0; turn < 3; turn++) {
      for (const id of ids) {
        const text = (await writtenWhenThere(client, id)).join();
        assert.equal(text, texts.get(id) ?? text, id);
        texts.set(id, text);
        for (const engine of await childrenOf(node.child.pid!)) engines.add(engine);
      }
    }
    // Were adapters without effect, nothing could be seen of one taken for another.
    assert.ok(new Set(texts.values()).size >= 3, 'adapters write different texts');
    assert.ok(engines.size > 3, `${engines.size} engines`);
    await stopped(node);
  });

  it('does not start with less memory than its backbone takes', async (t) => {
    const directory = await home(t);
    const node = startProcess(t, directory, ['--memory', '5']);
    const { code, stderr } = await node.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^The family \S+ needs \d+ MiB, and the node may use 5; raise --memory\.$/m);
  });
});

/** Waits for as long as other adapters are worth more memory than this one, and for the node's rest between evictions. */
async function writtenWhenThere(client: WireClient, adapter: string): Promise<Token[]> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    client.begin({ id: ++rounds, context, more: 10, adapter });
    const frame = await client.next();
    if (frame.case === 'failure') {
      assert.equal(frame.value.code, 'loading', frame.value.message);
      await sleep(20);
      continue;
    }
    assert.equal(frame.case, 'verdict');
    const tokens = [...frame.value.tokens];
    for (let { open } = frame.value; open;) {
      const more = await client.next();
      assert.equal(more.case, 'written');
      tokens.push(...more.value.tokens);
      open = more.value.open;
    }
    return tokens;
  }
  throw new Error(`${adapter} was never loaded.`);
}

/** Of the embedded family: 2 KV heads of 64 values in each of 12 layers, for keys and values, as f16. */
function kvBytes(sequences: number): number {
  return 12 * 2 * 64 * 2 * 2 * family.context * sequences;
}
