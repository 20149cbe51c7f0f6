import assert from 'node:assert/strict';
import { cp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { EMBEDDED_FAMILY, loadFamily, type Token } from '@foretype/models';
import { CLOSE } from '../../edge-node/src/protocol/index.ts';
import { bearer, WireClient } from '../support/edge-node.ts';
import { home, startProcess, type EdgeProcess, type Ended } from '../support/edge-process.ts';
import { childrenOf } from '../support/processes.ts';

const family = await loadFamily(EMBEDDED_FAMILY);

/** A copy of the embedded family that a test may damage. */
async function familyCopy(t: TestContext): Promise<string> {
  const copy = join(await home(t), 'family');
  await cp(EMBEDDED_FAMILY, copy, { recursive: true });
  return copy;
}

/** One sentence of what to do, and nothing else. */
function refused({ code, stdout, stderr }: Ended, expected: { code: number; message: RegExp }): void {
  assert.equal(code, expected.code, stderr);
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  assert.equal(said.length, 1, stderr);
  assert.match(said[0]!, expected.message);
  assert.doesNotMatch(stdout, /listens/);
}

async function welcomed(t: TestContext, url: string, token: string): Promise<WireClient> {
  const client = await WireClient.connect(t, url, bearer(token));
  const { fingerprint } = family.tokenizer;
  const frame = await client.hello({
    family: family.id,
    tokenizer: fingerprint,
    backbone: family.backbone.sha256,
  });
  assert.equal(frame.case, 'welcome', JSON.stringify(frame));
  return client;
}

describe('foretype-edge', () => {
  it('prints a token at the first start only, keeps its hash only, and serves whoever has it', async (t) => {
    const directory = await home(t);
    const first = startProcess(t, directory);
    const url = await first.ready();
    const { token } = first;
    assert.match(token, /^ft_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(
      first.stdout.split('\n').map((line) => line.split(/[:,]? /, 2).join(' ')),
      ['Token (shown', 'It is', 'foretype-edge listens', ''],
    );
    assert.equal((await fetch(`${url}/v1/models`)).status, 401);
    const models = await fetch(`${url}/v1/models`, bearer(token)).then((response) => response.json());
    assert.equal((models as { data: { id: string }[] }).data[0]?.id, family.id);
    assert.deepEqual(
      ((await fetch(`${url}/health`).then((r) => r.json())) as { status: string }).status,
      'ok',
    );
    await end(first);
    assert.ok(!first.stderr.includes(token));

    const state = join(directory, '.local/state/foretype-edge');
    assert.ok(!(await readFile(join(state, 'node.db'))).includes(token.slice(3)));
    assert.equal((await stat(state)).mode & 0o777, 0o700);

    const second = startProcess(t, directory);
    const again = await second.ready();
    assert.equal(second.stdout, `foretype-edge listens on ${again}\n`);
    assert.equal((await fetch(`${again}/v1/models`, bearer(token))).status, 200);
    await end(second);
  });

  it('verifies with the real target: the text does not depend on what was drafted', async (t) => {
    const node = startProcess(t, await home(t));
    const client = await welcomed(t, await node.ready(), node.token);
    const context = [family.fim.suffix, family.fim.prefix, 40, 41, 42, family.fim.middle];
    const alone = [...(await client.verify({ id: 1, context, more: 12 })).tokens];
    for (const [id, wrongAt] of [5, 0, 12].entries()) {
      const drafted: Token[] = alone.map((token, at) => (at === wrongAt ? (token + 1) % 1000 : token));
      const { accepted, tokens } = await client.verify({ id: id + 2, context, drafted });
      assert.equal(accepted, wrongAt);
      assert.deepEqual([...drafted.slice(0, accepted), ...tokens], alone.slice(0, accepted + 1));
    }
  });

  it('stops in good order: clients hear of it, the engine goes, the exit is clean', async (t) => {
    const node = startProcess(t, await home(t));
    const client = await welcomed(t, await node.ready(), node.token);
    const engine = await childrenOf(node.child.pid!);
    assert.equal(engine.length, 1);
    node.child.kill('SIGINT');
    assert.equal((await client.closed).code, CLOSE.goingAway);
    assert.equal((await node.ended).code, 0);
    assert.throws(() => process.kill(engine[0]!, 0), { code: 'ESRCH' });
  });

  it('stops while the model still loads', async (t) => {
    const node = startProcess(t, await home(t));
    await t.waitFor(() => assert.match(node.stderr, /listening/), { timeout: 10_000 });
    node.child.kill('SIGTERM');
    const { code, stderr } = await node.ended;
    assert.equal(code, 0, stderr);
  });

  it('leaves no engine behind when it is killed', async (t) => {
    const node = startProcess(t, await home(t));
    await node.ready();
    const [engine] = await childrenOf(node.child.pid!);
    node.child.kill('SIGKILL');
    await node.ended;
    await t.waitFor(() => assert.throws(() => process.kill(engine!, 0), { code: 'ESRCH' }), {
      timeout: 5_000,
    });
  });

  it('survives its engine, and goes on with the next one', async (t) => {
    const node = startProcess(t, await home(t));
    const url = await node.ready();
    const client = await welcomed(t, url, node.token);
    const [engine] = await childrenOf(node.child.pid!);
    process.kill(engine!, 'SIGKILL');
    await t.waitFor(() => assert.match(node.stderr, /"status":"restarting"/), { timeout: 5_000 });
    const ready = async () => {
      const health = (await fetch(`${url}/health`).then((response) => response.json())) as { status: string };
      assert.equal(health.status, 'ok');
    };
    await t.waitFor(ready, { timeout: 20_000 });
    assert.equal((await client.verify({ id: 1, context: [1, 2, 3] })).tokens.length, 1);
  });

  it('exits at once at a second signal', async (t) => {
    const node = startProcess(t, await home(t));
    const client = await welcomed(t, await node.ready(), node.token);
    // A client that reads nothing answers no goodbye, so that the first signal has something to wait for.
    client.socket.pause();
    const started = performance.now();
    node.child.kill('SIGINT');
    await t.waitFor(async () => assert.rejects(fetch(`${node.stdout.match(/http:\S+/)![0]}/health`)));
    node.child.kill('SIGINT');
    const { code } = await node.ended;
    assert.equal(code, 130);
    assert.ok(performance.now() - started < 5_000);
  });
});

describe('foretype-edge does not start', () => {
  it('on a port in use', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await t.waitFor(() => assert.ok(other.listening));
    const { port } = other.address() as AddressInfo;
    const node = startProcess(t, await home(t), ['--port', String(port)]);
    refused(await node.ended, {
      code: 1,
      message: new RegExp(`^The address 127\\.0\\.0\\.1:${port} is in use; .*--port\\.$`),
    });
  });

  it('on an address of another machine', async (t) => {
    const node = startProcess(t, await home(t), ['--host', '192.0.2.1']);
    refused(await node.ended, {
      code: 1,
      message: /^The address 192\.0\.2\.1:0 does not belong .*--host\.$/,
    });
  });

  it('with a backbone that is damaged', async (t) => {
    const directory = await familyCopy(t);
    const file = await open(join(directory, family.backbone.file), 'r+');
    await file.write(Buffer.from([1, 2, 3, 4]), 0, 4, 100_000);
    await file.close();
    const node = startProcess(t, await home(t), ['--family', directory]);
    refused(await node.ended, {
      code: 1,
      message: new RegExp(`^The model file ${directory}.* is damaged .*\\.$`),
    });
  });

  it('with a backbone that is missing', async (t) => {
    const directory = await familyCopy(t);
    await rm(join(directory, family.backbone.file));
    const node = startProcess(t, await home(t), ['--family', directory]);
    refused(await node.ended, {
      code: 1,
      message: new RegExp(`^The backbone of .*, ${directory}.*, cannot be read \\(ENOENT\\); .*\\.$`),
    });
  });

  it('with a family that is none', async (t) => {
    const directory = await home(t);
    const node = startProcess(t, directory, ['--family', directory]);
    refused(await node.ended, { code: 1, message: /^The family manifest .* cannot be read; .*\.$/ });
    assert.doesNotMatch(node.stdout, /Token/);
  });

  it('with a database that is damaged', async (t) => {
    const directory = await home(t);
    await writeFile(join(directory, 'node.db'), 'x'.repeat(4096));
    const node = startProcess(t, directory, ['--state', directory]);
    refused(await node.ended, {
      code: 1,
      message: /^The database .* cannot be used \(file is not a database\); .*\.$/,
    });
  });

  it('beside another with the same state', async (t) => {
    const directory = await home(t);
    const running = startProcess(t, directory, ['--state', directory]);
    await running.ready();
    const second = startProcess(t, directory, ['--state', directory]);
    refused(await second.ended, {
      code: 1,
      message:
        /^Another edge node runs with the state directory .*; stop it or choose another with --state\.$/,
    });
  });

  it('with a flag, a command or a config file that is wrong', async (t) => {
    const directory = await home(t);
    const wrong: [string[], RegExp][] = [
      [['--port', 'abc'], /^Flag --port: expected an integer from 0 to 65535, got "abc"\.$/],
      [['report'], /^Command "report": expected one of serve, .*; see foretype-edge --help\.$/],
      [
        ['--config', join(directory, 'none.json')],
        /^Config file .*: expected a JSON object, got no readable file \(ENOENT\)\.$/,
      ],
    ];
    for (const [argv, message] of wrong) {
      refused(await startProcess(t, directory, argv).ended, { code: 2, message });
    }
  });
});

describe('foretype-edge tells', () => {
  it('its version and how to use it', async (t) => {
    const directory = await home(t);
    const version = await startProcess(t, directory, ['--version']).ended;
    assert.deepEqual([version.code, version.stdout], [0, '0.1.0\n']);
    const help = await startProcess(t, directory, ['--help']).ended;
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Foretype's edge node[\s\S]*--port\s+FORETYPE_EDGE_PORT/);
  });
});

async function end(node: EdgeProcess): Promise<void> {
  node.child.kill('SIGTERM');
  assert.equal((await node.ended).code, 0);
}
