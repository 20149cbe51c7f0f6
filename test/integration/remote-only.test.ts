/** The service without a draft model, against nodes that a test answers for by hand and against the node itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { EMBEDDED_FAMILY, loadFamily, type EngineSpec } from '@foretype/models';
import type { Candidate } from '../../server/src/completion.ts';
import type { ServerSettings, ServerStatus } from '../../server/src/protocol.ts';
import { CompletionService } from '../../server/src/service.ts';
import { readSettings } from '../../server/src/settings.ts';
import { startEdge, TOKEN } from '../support/edge-node.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { FakeNode } from '../support/fake-node.ts';

const LIMIT = { timeout: 60_000 };
const never = new AbortController().signal;
const WORK = {
  cursor: { uri: 'file:///a.ts', text: 'const answer = ', offset: 15 },
  language: 'typescript',
  purpose: 'asked',
} as const;
const ASKED = { language: 'typescript', explicit: true };

/** A service that goes with the test, and all that it said of itself. */
function serviceFor(t: TestContext, settings: Partial<ServerSettings>) {
  const families = mkdtempSync(join(tmpdir(), 'foretype-remote-'));
  t.after(() => rmSync(families, { recursive: true, force: true }));
  const states: ServerStatus[] = [];
  const specs: EngineSpec[] = [];
  const engines: FakeEngine[] = [];
  const service = new CompletionService({
    family: EMBEDDED_FAMILY,
    families,
    settings: { ...readSettings({}).settings, edgeToken: TOKEN, draft: false, ...settings },
    onStatus: (status) => states.push(status),
    log: () => undefined,
    engine: (spec, onState) => {
      specs.push(spec);
      engines.push(new FakeEngine());
      onState?.({ status: 'ready', reason: null });
      return engines.at(-1)!;
    },
  });
  t.after(() => service.dispose());
  service.start();
  const until = (wanted: Partial<ServerStatus>) =>
    t.waitFor(() => assert.deepEqual({ ...service.status, ...wanted }, service.status), { timeout: 20_000 });
  const completed = async () => {
    const candidates: Candidate[] = [];
    for await (const candidate of service.candidates(WORK, never)) candidates.push(candidate);
    return candidates;
  };
  return { service, families, states, specs, engines, until, completed };
}

describe('without a draft model', LIMIT, () => {
  it('the node writes, and nothing is written here', async (t) => {
    const node = await FakeNode.start(t);
    const { specs, engines, until, completed } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.welcomed();
    await until({ draft: 'off', edge: 'connected', reason: null });
    assert.deepEqual(
      specs.map(({ sequences }) => sequences),
      [0],
    );
    const candidates = completed();
    const { id, drafted, more } = await peer.round();
    assert.deepEqual(drafted, []);
    assert.ok(more > 0);
    peer.verdict(id, 0, [...Buffer.from(' 42;'), 10]);
    assert.deepEqual(
      (await candidates).map(({ text, report: { path } }) => [text, path]),
      [['42;', 'speculated']],
    );
    assert.deepEqual(engines[0]!.calls, []);
  });

  it('and without a node nobody writes, which is said to whoever asks', async (t) => {
    const { service, until, completed } = serviceFor(t, {});
    await until({ draft: 'off', edge: 'off' });
    const reason =
      'The draft model is turned off and no edge node is set, so that nobody writes completions; turn it on or set a node.';
    assert.equal(service.status.reason, reason);
    assert.deepEqual(service.refusal(ASKED), { message: reason, stays: true });
    assert.deepEqual(await completed(), []);
  });

  it('a node that is not there, or has too much to do, is the reason for silence', async (t) => {
    const node = await FakeNode.start(t);
    const { service, until, completed } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.peer();
    await until({ draft: 'off', edge: 'connecting' });
    assert.match(service.refusal(ASKED)!.message, /is not connected yet\.$/u);
    await peer.welcome();
    await until({ edge: 'connected' });
    assert.equal(service.refusal(ASKED), undefined);
    const refused = completed();
    peer.failure((await peer.round()).id, 'busy', 'Too much to do.');
    assert.deepEqual(await refused, []);
    assert.match(service.refusal(ASKED)!.message, /has too much to do; it is asked again soon\.$/u);
    peer.socket.terminate();
    await until({ edge: 'away' });
    assert.equal(service.refusal(ASKED)!.message, service.status.reason);
  });

  it('loads a model when that is wanted after all, and lets it go again', async (t) => {
    const { service, specs, engines, until } = serviceFor(t, {});
    await until({ draft: 'off' });
    const settings = { ...readSettings({}).settings, edgeToken: TOKEN };
    service.configure(settings);
    await until({ draft: 'ready', reason: null });
    service.configure({ ...settings, draft: false });
    await until({ draft: 'off' });
    assert.deepEqual(
      specs.map(({ sequences }) => sequences > 0),
      [false, true, false],
    );
    assert.deepEqual(
      engines.map(({ disposed }) => disposed),
      [true, true, false],
    );
  });
});

describe('without a draft model and the family of the node', LIMIT, () => {
  it('has its vocabulary from the node, and nobody sees a refusal', async (t) => {
    const theirs = { ...(await loadFamily(EMBEDDED_FAMILY)), id: 'theirs', context: 256 };
    const { url } = await startEdge(t, { family: theirs });
    const { families, states, specs, until } = serviceFor(t, { edgeUrl: url });
    await until({ draft: 'off', edge: 'connected', reason: null });
    assert.ok(!states.some(({ edge }) => edge === 'refused'));
    assert.deepEqual(readdirSync(families), ['.vocabularies']);
    assert.deepEqual(
      specs.map(({ context, weights }) => [context, weights.path.includes('.vocabularies')]),
      [
        [512, false],
        [256, true],
      ],
    );
  });

  it('says why where the node does not give it', async (t) => {
    const node = await FakeNode.start(t, {
      http: (_request, response) => void response.writeHead(404).end(),
    });
    const { service, until } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.peer();
    await peer.next();
    peer.failure(0, 'incompatible', 'Another family.');
    await until({ edge: 'refused' });
    assert.equal(
      service.status.reason,
      "The vocabulary of the edge node's family cannot be had: it does not say which one it is (404).",
    );
  });

  it('says what the node says where it is not about the family', async (t) => {
    const real = await startEdge(t, { family: await loadFamily(EMBEDDED_FAMILY) });
    const node = await FakeNode.start(t, {
      http: ({ url, headers }, response) => {
        const { authorization = '' } = headers;
        void fetch(`${real.url}${url!}`, { headers: { authorization } }).then(async (answer) => {
          response
            .writeHead(answer.status, { 'content-length': answer.headers.get('content-length') ?? '' })
            .end(Buffer.from(await answer.arrayBuffer()));
        });
      },
    });
    const { service, until, specs } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.peer();
    await peer.next();
    peer.failure(0, 'incompatible', 'Another version.');
    await until({ edge: 'refused' });
    assert.equal(service.status.reason, 'Another version.');
    assert.equal(specs.length, 1, 'the family is here already');
  });
});
