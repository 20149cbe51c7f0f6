/** A node that is stopped or killed while it has work: nobody waits for ever, nothing is lost, and the next one serves. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import { CLOSE } from '../../edge-node/src/protocol/index.ts';
import { bearer, WireClient } from '../support/edge-node.ts';
import { home, startProcess } from '../support/edge-process.ts';
import { childrenOf, gone } from '../support/processes.ts';
import { stock, withState } from '../support/stocked.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const { fim, tokenizer, backbone } = family;
const CLIENTS = 8;

async function welcomed(t: TestContext, url: string, token: string): Promise<WireClient> {
  const client = await WireClient.connect(t, url, bearer(token));
  const hello = { family: family.id, tokenizer: tokenizer.fingerprint, backbone: backbone.sha256 };
  assert.equal((await client.hello(hello)).case, 'welcome');
  return client;
}

/** Rounds without an end, each with a prompt of its own; the result tells what was answered. */
function busy(client: WireClient, number: number) {
  const answers = { verdicts: 0, failures: new Set<string>(), open: 0 };
  const ask = (id: number) => {
    const context = [
      fim.suffix,
      fim.middle,
      ...Array.from({ length: 200 }, (_, at) => 40 + ((at * number * id) % 900)),
    ];
    client.begin({ id, context, more: 30 });
    answers.open++;
  };
  const go = async () => {
    for (let id = 1; ; id++) {
      ask(id);
      for (let open = true; open;) {
        const frame = await client.next();
        if (frame.case === 'failure') {
          answers.failures.add(frame.value.code);
          open = false;
        } else if (frame.case === 'verdict' || frame.case === 'written') {
          ({ open } = frame.value);
          if (!open) answers.verdicts++;
        }
      }
      answers.open--;
    }
  };
  void go();
  return answers;
}

async function underLoad(t: TestContext, directory: string) {
  const node = startProcess(t, directory, ['--state', directory]);
  const url = await node.ready();
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => welcomed(t, url, node.token)));
  const answers = clients.map(busy);
  // Each asks as fast as it can, so that not all are served, but all are answered.
  const answered = () => {
    assert.ok(answers.every(({ verdicts, failures }) => verdicts > 0 || failures.has('busy')));
    assert.ok(answers.filter(({ verdicts }) => verdicts > 1).length > 1);
  };
  await t.waitFor(answered, { timeout: 60_000 });
  return { node, clients, answers };
}

describe('a node under load', () => {
  it('that is told to stop answers what is under way, or says that it cannot, and is gone within 10 s', async (t) => {
    const { node, clients, answers } = await underLoad(t, await home(t));
    const started = performance.now();
    node.child.kill('SIGTERM');
    const { code } = await node.ended;
    const took = performance.now() - started;
    assert.equal(code, 0, node.stderr);
    assert.ok(took < 10_000, `${took.toFixed(0)} ms`);
    for (const [number, client] of clients.entries()) {
      assert.equal((await client.closed).code, CLOSE.goingAway);
      const { failures } = answers[number]!;
      assert.ok(
        [...failures].every((one) => ['unavailable', 'cancelled', 'busy'].includes(one)),
        [...failures].join(),
      );
    }
  });

  it('that is killed leaves no engine, a sound database, and serves again', async (t) => {
    const directory = await home(t);
    const { node } = await underLoad(t, directory);
    const engines = await childrenOf(node.child.pid!);
    // Killed in the middle of adding, as often as not.
    const adding = stock(directory, family, [{ name: 'ours', seed: 1 }]);
    node.child.kill('SIGKILL');
    await node.ended;
    await gone(engines, 10_000);
    const [id] = await adding;
    await withState(directory, ({ database, adapters }) => {
      assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
      assert.equal(adapters.versions('ours').length, 1);
    });
    const next = startProcess(t, directory, ['--state', directory]);
    const client = await welcomed(t, await next.ready(), node.token);
    const { tokens } = await client.verify({ id: 1, context: [fim.suffix, fim.middle, 41], adapter: id! });
    assert.ok(tokens.length > 0);
    next.child.kill('SIGTERM');
    assert.equal((await next.ended).code, 0);
  });
});
