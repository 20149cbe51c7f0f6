/** The channel to an edge node, against a peer that a test answers for by hand and against the node itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMBEDDED_FAMILY, type Token } from '@foretype/models';
import { namedProject, projectId } from '../../edge-node/src/protocol/index.ts';
import { Channel, type ChannelOptions, type EdgeState } from '../../server/src/channel.ts';
import type { ServerSettings, ServerStatus } from '../../server/src/protocol.ts';
import type { Cursor } from '../../server/src/anchor.ts';
import type { Candidate } from '../../server/src/completion.ts';
import { CompletionService } from '../../server/src/service.ts';
import { readSettings } from '../../server/src/settings.ts';
import { startEdge, TOKEN } from '../support/edge-node.ts';
import { fakeTarget } from '../support/edge-target.ts';
import { FakeEngine, fakeWrite } from '../support/fake-engine.ts';
import { FakeNode, type FakePeer } from '../support/fake-node.ts';
import { roundOf, wholeVerdict } from '../support/verdict.ts';

const IDENTITY = fakeTarget(new FakeEngine()).identity;
const never = new AbortController().signal;
/** Milliseconds: long enough for a loaded machine to answer in, short enough to wait for. */
const SILENCE = 400;

/** Each test inherits it: what waits for a state that does not come fails, and does not hang. */
const LIMIT = { timeout: 60_000 };

interface Opened {
  readonly channel: Channel;
  /** Every state so far. */
  readonly states: EdgeState[];
  /** The next time that the channel is in state `status`, or now. */
  readonly until: (status: EdgeState['status']) => Promise<EdgeState>;
}

/** A channel that goes with the test. */
function open(t: TestContext, url: string, options: Partial<ChannelOptions> = {}): Opened {
  const states: EdgeState[] = [];
  const waiting = new Set<() => void>();
  const channel = new Channel({
    url,
    token: TOKEN,
    identity: IDENTITY,
    onState: (state) => {
      states.push(state);
      for (const look of waiting) look();
    },
    random: () => 0,
    ...options,
  });
  t.after(() => channel.dispose());
  const until = (status: EdgeState['status']) =>
    new Promise<EdgeState>((resolve) => {
      const look = () => {
        if (channel.state.status !== status) return;
        waiting.delete(look);
        resolve(channel.state);
      };
      waiting.add(look);
      look();
    });
  return { channel, states, until };
}

async function connected(t: TestContext, options: Partial<ChannelOptions> = {}) {
  const node = await FakeNode.start(t);
  const opened = open(t, node.url, options);
  const peer = await node.welcomed();
  await opened.until('connected');
  return { ...opened, node, peer };
}

function ask(channel: Channel, context: Token[], drafted: Token[] = [], signal: AbortSignal = never) {
  const verdict = wholeVerdict(channel.verify(roundOf({ context, drafted }), signal));
  // A test may look at a rejection later than it happens.
  verdict.catch(() => undefined);
  return verdict;
}

/** Fails unless rounds are answered. */
async function served(channel: Channel, peer: FakePeer): Promise<void> {
  const verdict = ask(channel, [7, 8]);
  peer.verdict((await peer.round()).id, 0, [9]);
  assert.deepEqual((await verdict).tokens, [9]);
}

const away = (message: RegExp | string) => ({ name: 'EdgeError', code: 'away', message });

describe('a channel', LIMIT, () => {
  it('greets, is welcomed, and sends each round as a change to the one before', async (t) => {
    const { channel, peer, states } = await connected(t);
    const first = ask(channel, [1, 2, 3], [4, 5]);
    const round = await peer.round();
    assert.deepEqual([round.keep, round.context, round.drafted], [0, [1, 2, 3], [4, 5]]);
    peer.verdict(round.id, 1, [6]);
    const { accepted, tokens, parts } = await first;
    assert.deepEqual([accepted, tokens], [1, [6]]);
    const { bytesUp, bytesDown } = parts[0]!;
    assert.ok(bytesUp > 10 && bytesDown > 4, `${bytesUp} up, ${bytesDown} down`);

    const second = ask(channel, [1, 2, 3, 4, 6]);
    const change = await peer.round();
    assert.deepEqual([change.keep, change.tokens, change.context], [4, [6], [1, 2, 3, 4, 6]]);
    peer.verdict(change.id, 0, [7]);
    await second;
    assert.deepEqual(states, [{ status: 'connected', reason: null }]);
  });

  it('sends the whole context once where the node lost it, and gives up after that', async (t) => {
    const { channel, peer } = await connected(t);
    await served(channel, peer);
    const verdict = ask(channel, [7, 8, 9]);
    peer.failure((await peer.round()).id, 'resync', 'Send it whole.');
    const whole = await peer.round();
    assert.deepEqual([whole.keep, whole.tokens], [0, [7, 8, 9]]);
    peer.failure(whole.id, 'resync', 'Send it whole.');
    await assert.rejects(verdict, { name: 'EdgeError', code: 'resync' });
    await served(channel, peer);
  });

  it('gives verdicts to the rounds they are for', async (t) => {
    const { channel, peer } = await connected(t);
    const verdicts = [ask(channel, [1]), ask(channel, [1, 2])];
    const [one, two] = [await peer.round(), await peer.round()];
    peer.verdict(99, 0, [5]);
    peer.verdict(two.id, 0, [2]);
    peer.verdict(one.id, 0, [1]);
    assert.deepEqual(await Promise.all(verdicts.map(async (verdict) => (await verdict).tokens)), [[1], [2]]);
  });

  it('rejects a round that fails with what the node says, and goes on', async (t) => {
    const { channel, peer } = await connected(t);
    const verdict = ask(channel, [1]);
    peer.failure((await peer.round()).id, 'busy', 'Too much to do.');
    await assert.rejects(verdict, { name: 'EdgeError', code: 'busy', message: 'Too much to do.' });
    await served(channel, peer);
  });

  it('rejects a cancelled round at once with the reason, and tells the node', async (t) => {
    const { channel, peer } = await connected(t);
    const abort = new AbortController();
    const verdict = ask(channel, [1], [], abort.signal);
    const { id } = await peer.round();
    abort.abort(new Error('typed on'));
    await assert.rejects(verdict, { message: 'typed on' });
    assert.deepEqual(((await peer.next()) as { value: { id: number } }).value.id, id);
    peer.failure(id, 'cancelled', 'The round was cancelled.');
    await served(channel, peer);
    await assert.rejects(ask(channel, [1], [], abort.signal), { message: 'typed on' });
    assert.equal(peer.unread, 0, 'a round cancelled before it began is not sent');
  });

  it('connects again after the connection was closed, with growing pauses, and keeps nothing of the old one', async (t) => {
    const { channel, peer, node, until } = await connected(t);
    const lost = ask(channel, [1, 2]);
    await peer.round();
    peer.socket.terminate();
    await assert.rejects(lost, away('The edge node closed the connection.'));
    await assert.rejects(ask(channel, [1]), away('The edge node is not connected.'));
    const again = await node.welcomed();
    await until('connected');
    const verdict = ask(channel, [1, 2, 3]);
    assert.equal((await again.round()).keep, 0);
    again.verdict(2, 0, [4]);
    await verdict;
  });

  it('asks each connection anew which adapter is meant', async (t) => {
    const { channel, peer, node, until } = await connected(t);
    const first = channel.adapterOf({ name: 'blue' });
    const asked = await peer.next();
    assert.ok(asked.case === 'ask');
    const { whose } = asked.value;
    peer.send({ case: 'assigned', value: { whose, adapter: 'blue@1' } });
    assert.equal(await first, 'blue@1');
    peer.socket.terminate();
    await until('away');
    assert.equal(await channel.adapterOf({ name: 'blue' }), '');
    const again = await node.welcomed();
    await until('connected');
    assert.deepEqual(await again.next(), asked);
    const second = channel.adapterOf({ name: 'blue' });
    again.send({ case: 'assigned', value: { whose, adapter: 'blue@2' } });
    assert.equal(await second, 'blue@2');
  });
});

describe('a network that was cut is noticed', LIMIT, () => {
  const reason = 'The edge node stopped answering.';

  it('by a round that is not answered', async (t) => {
    const { channel, until, node } = await connected(t, { silence: SILENCE });
    const verdict = ask(channel, [1]);
    await assert.rejects(verdict, away(reason));
    assert.deepEqual(await until('away'), { status: 'away', reason });
    await served(channel, await node.welcomed().then(async (peer) => (await until('connected'), peer)));
  });

  it('also while the user types and every round is cancelled', async (t) => {
    const { channel, until } = await connected(t, { silence: SILENCE });
    const typing = new AbortController();
    const started = performance.now();
    void (async () => {
      while (!typing.signal.aborted) {
        const keystroke = new AbortController();
        void ask(channel, [1], [], keystroke.signal);
        await sleep(SILENCE / 5);
        keystroke.abort();
      }
    })();
    assert.equal((await until('away')).reason, reason);
    typing.abort();
    assert.ok(performance.now() - started < SILENCE * 8, 'the first unanswered round counts');
  });

  it('but not where cancelled rounds are answered, nor where nothing is asked', async (t) => {
    const { channel, peer, states } = await connected(t, { silence: SILENCE });
    for (let run = 0; run < 6; run++) {
      const keystroke = new AbortController();
      void ask(channel, [1], [], keystroke.signal);
      const { id } = await peer.round();
      keystroke.abort();
      await peer.next();
      await sleep(SILENCE / 3);
      peer.failure(id, 'cancelled', 'The round was cancelled.');
    }
    await sleep(SILENCE * 2);
    await served(channel, peer);
    assert.equal(states.length, 1, JSON.stringify(states));
  });

  it('but not where nothing was asked since the greeting', async (t) => {
    const { channel, peer, states } = await connected(t, { silence: SILENCE });
    await sleep(SILENCE * 2);
    await served(channel, peer);
    assert.equal(states.length, 1, JSON.stringify(states));
  });

  it('but not where another round is answered meanwhile', async (t) => {
    const { channel, peer } = await connected(t, { silence: SILENCE * 2 });
    const slow = ask(channel, [1]);
    const { id } = await peer.round();
    for (let run = 0; run < 3; run++) {
      await sleep(SILENCE);
      await served(channel, peer);
    }
    peer.verdict(id, 0, [3]);
    assert.deepEqual((await slow).tokens, [3]);
  });

  it('with the node itself: cancelled rounds are answered', async (t) => {
    const edge = await startEdge(t, { engine: { delay: () => new Promise(() => undefined) } });
    const { channel, until, states } = open(t, edge.url, { silence: SILENCE * 2 });
    await until('connected');
    for (let run = 0; run < 6; run++) {
      const keystroke = new AbortController();
      void ask(channel, [1], [], keystroke.signal);
      await sleep(SILENCE / 2);
      keystroke.abort();
    }
    await sleep(SILENCE * 3);
    assert.equal(states.length, 1, JSON.stringify(states));
  });
});

describe('a peer that is no good node is lost, and tried again:', LIMIT, () => {
  it('it does not answer the greeting', async (t) => {
    const node = await FakeNode.start(t);
    const { until } = open(t, node.url, { silence: SILENCE });
    assert.equal((await until('away')).reason, 'The edge node did not answer the greeting.');
    await node.peer();
    await node.welcomed();
    await until('connected');
  });

  it('it takes the connection and says nothing', async (t) => {
    const server = createTcpServer((socket) => void sockets.push(socket));
    const sockets: { destroy(): void }[] = [];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const started = performance.now();
    const { until } = open(t, url, { silence: SILENCE });
    assert.equal((await until('away')).reason, `The edge node at ${url} cannot be reached.`);
    // The library counts such time-outs by the second; there are two, of the WebSocket and of the diagnosis.
    assert.ok(performance.now() - started < 10_000);
  });

  const frames: [string, (peer: FakePeer, id: number) => void, string][] = [
    [
      'a frame that cannot be read',
      (peer) => peer.send(new Uint8Array([0xff])),
      'The edge node sent something that cannot be read.',
    ],
    [
      'a verdict that accepts more than was drafted',
      (peer, id) => peer.verdict(id, 2, [1]),
      'The edge node sent a verdict that makes no sense.',
    ],
    [
      'a verdict without a token',
      (peer, id) => peer.verdict(id, 1, []),
      'The edge node sent a verdict that makes no sense.',
    ],
  ];
  for (const [name, send, reason] of frames) {
    it(`it sends ${name}`, async (t) => {
      const { channel, peer, node, until } = await connected(t);
      const verdict = ask(channel, [1], [2]);
      send(peer, (await peer.round()).id);
      await assert.rejects(verdict, away(reason));
      assert.deepEqual(await until('away'), { status: 'away', reason });
      const again = await node.welcomed();
      await until('connected');
      await served(channel, again);
    });
  }

  it('it is not ready at the hello: its sentence is the reason, and stays', async (t) => {
    const node = await FakeNode.start(t);
    const { states, until } = open(t, node.url);
    const peer = await node.peer();
    peer.failure(0, 'unavailable', 'The target is restarting.');
    peer.socket.close(1013, 'The target is restarting.');
    await until('away');
    await node.welcomed();
    await until('connected');
    assert.deepEqual(states, [
      { status: 'away', reason: 'The target is restarting.' },
      { status: 'connected', reason: null },
    ]);
  });
});

describe('a node that will not have the client is refused in one sentence:', LIMIT, () => {
  it('it speaks another wire version', async (t) => {
    const edge = await startEdge(t);
    const { channel, states, until } = open(t, edge.url, { identity: { ...IDENTITY, wireVersion: 7 } });
    const { reason } = await until('refused');
    assert.match(
      reason!,
      /^The edge node speaks wire version \d+ and this editor 7; update the edge node\.$/u,
    );
    await sleep(300);
    assert.equal(states.length, 1, 'the goodbye that follows changes nothing');
    await assert.rejects(ask(channel, [1]), away('The edge node is not connected.'));
  });

  for (const [token, sentence] of [
    ['ft_wrong', 'refused the token; set a valid one.'],
    ['', 'asks for a token; set one.'],
  ] as const) {
    it(`the node ${sentence}`, async (t) => {
      const { url } = await startEdge(t);
      const { until } = open(t, url, { token });
      assert.equal((await until('refused')).reason, `The edge node at ${url} ${sentence}`);
    });
  }

  it('it redirects, which would cost the token', async (t) => {
    const target = createServer((request, response) =>
      response.writeHead(request.headers.authorization ? 200 : 401).end(),
    );
    t.after(() => target.close());
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    // Another host name is another origin, to which no client hands a token on.
    const elsewhere = `http://localhost:${(target.address() as AddressInfo).port}/team`;
    const node = await FakeNode.start(t, {
      upgrade: () => false,
      http: ({ url }, response) =>
        response.writeHead(308, { location: `${elsewhere}${url!}?secret=1` }).end(),
    });
    const { until } = open(t, node.url);
    assert.equal(
      (await until('refused')).reason,
      `The edge node's URL ${node.url} redirects to ${elsewhere}; set that URL.`,
    );
  });

  it('it is something else', async (t) => {
    const node = await FakeNode.start(t, {
      upgrade: () => false,
      http: (_request, response) => response.writeHead(404).end('Not here'),
    });
    const { until } = open(t, node.url);
    assert.equal((await until('refused')).reason, `What answers at ${node.url} is not a Foretype edge node.`);
  });

  it('it is not ready: that is no refusal', async (t) => {
    const node = await FakeNode.start(t, { upgrade: () => false });
    const { until } = open(t, node.url);
    assert.equal((await until('away')).reason, `The edge node at ${node.url} is not ready.`);
  });
});

describe('settings that cannot work are refused in one sentence, and nothing is thrown:', LIMIT, () => {
  for (const token of ['ft_cut…', 'two\nlines', 'nul\0']) {
    it(`the token ${JSON.stringify(token)}, which is not repeated`, (t) => {
      const { channel } = open(t, 'http://127.0.0.1:1', { token });
      assert.deepEqual(channel.state, {
        status: 'refused',
        reason: "The edge node's token has a character in it that cannot be sent; set the token anew.",
      });
    });
  }

  const urls: [string, string][] = [
    ['nonsense', 'The edge node\'s URL "nonsense" is not an http:// or https:// URL.'],
    ['ftp://host', 'The edge node\'s URL "ftp://host" is not an http:// or https:// URL.'],
    ['user:secret@host', "The edge node's URL is not an http:// or https:// URL."],
    [
      'https://user:secret@host',
      "The edge node's URL has a user name or password in it; take it out and set the token instead.",
    ],
    [
      'https://user@host',
      "The edge node's URL has a user name or password in it; take it out and set the token instead.",
    ],
  ];
  for (const [url, reason] of urls) {
    it(`the URL ${url}`, (t) => {
      assert.deepEqual(open(t, url).channel.state, { status: 'refused', reason });
    });
  }

  it('a URL with a query: the query is neither asked for nor shown', async (t) => {
    const asked: string[] = [];
    const node = await FakeNode.start(t, {
      upgrade: () => false,
      http: ({ url }, response) => {
        asked.push(url!);
        response.writeHead(404).end();
      },
    });
    const { until } = open(t, `${node.url}/team/?token=secret#there`);
    const { reason } = await until('refused');
    assert.equal(reason, `What answers at ${node.url}/team is not a Foretype edge node.`);
    assert.deepEqual(asked, ['/team/v1/wire', '/team/v1/models']);
  });
});

describe('a channel that is disposed of says nothing more and leaves no timer', LIMIT, () => {
  const phases: [string, (t: TestContext) => Promise<Opened>][] = [
    ['while it connects', async (t) => open(t, (await FakeNode.start(t)).url)],
    [
      'when it has said hello',
      async (t) => {
        const node = await FakeNode.start(t);
        const opened = open(t, node.url, { silence: SILENCE });
        const peer = await node.peer();
        await peer.next();
        return opened;
      },
    ],
    [
      'when it waits for an answer',
      async (t) => {
        const opened = await connected(t, { silence: SILENCE });
        void ask(opened.channel, [1]);
        await opened.peer.round();
        return opened;
      },
    ],
    [
      'when it waits to connect again',
      async (t) => {
        const opened = await connected(t);
        opened.peer.socket.terminate();
        await opened.until('away');
        return opened;
      },
    ],
    [
      'while it finds out why',
      async (t) => {
        const asked = Promise.withResolvers<undefined>();
        const node = await FakeNode.start(t, {
          upgrade: () => false,
          http: ({ url }, response) => {
            if (url === '/v1/models') asked.resolve(undefined);
            else response.writeHead(503).end();
          },
        });
        const opened = open(t, node.url);
        await asked.promise;
        return opened;
      },
    ],
    [
      'where it was refused',
      async (t) => {
        const opened = open(t, (await startEdge(t)).url, { token: 'ft_wrong' });
        await opened.until('refused');
        return opened;
      },
    ],
  ];
  for (const [name, reach] of phases) {
    it(name, async (t) => {
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const { channel, states } = await reach(t);
      const before = states.length;
      // Frames are refused from now on, and nobody is told of anything.
      channel.dispose();
      await assert.rejects(ask(channel, [1]), away(/./u));
      await sleep(SILENCE * 3);
      assert.equal(states.length, before, JSON.stringify(states.slice(before)));
      assert.equal(timers(), 0, String(process.getActiveResourcesInfo()));
    });
  }

  it('also by whoever it tells of a loss', async (t) => {
    const node = await FakeNode.start(t);
    const states: EdgeState[] = [];
    const channel = new Channel({
      url: node.url,
      token: TOKEN,
      identity: IDENTITY,
      random: () => 0,
      onState: (state) => {
        states.push(state);
        if (state.status === 'away') channel.dispose();
      },
    });
    (await node.welcomed()).socket.terminate();
    await t.waitFor(() => assert.equal(states.length, 2));
    const again = await Promise.race([node.peer(), sleep(400)]);
    assert.equal(again, undefined);
  });

  it('and rejects what was under way', async (t) => {
    const { channel } = await connected(t);
    const verdict = ask(channel, [1]);
    channel.dispose();
    await assert.rejects(verdict, away('The connection was closed.'));
  });
});

describe('the service', LIMIT, () => {
  const DEFAULTS = readSettings({}).settings;
  const REQUEST = { uri: 'file:///a.ts', text: 'const answer = ', offset: 15 };

  function serviceFor(t: TestContext, settings: Partial<ServerSettings>) {
    const log: string[] = [];
    const service = new CompletionService({
      family: EMBEDDED_FAMILY,
      settings: { ...DEFAULTS, edgeToken: TOKEN, ...settings },
      onStatus: () => undefined,
      log: (sentence) => log.push(sentence),
      engine: (_spec, onState) => {
        onState?.({ status: 'ready', reason: null });
        return new FakeEngine();
      },
    });
    t.after(() => service.dispose());
    service.start();
    const until = (edge: ServerStatus['edge']) => t.waitFor(() => assert.equal(service.status.edge, edge));
    return { service, log, until };
  }

  it('says once that the node lacks the adapter, and asks it nothing until the setting changes', async (t) => {
    const node = await FakeNode.start(t);
    const settings = { ...DEFAULTS, edgeUrl: node.url, edgeToken: TOKEN, adapter: 'green' };
    const { service, log, until } = serviceFor(t, settings);
    const peer = await node.welcomed(['blue', 'red']);
    await until('connected');
    const reason = 'The edge node has no adapter named green; it has blue, red.';
    assert.equal(service.status.reason, reason);
    const asked = await peer.next();
    assert.ok(asked.case === 'ask' && asked.value.whose.value === 'green');
    peer.send({ case: 'assigned', value: { whose: asked.value.whose, adapter: '' } });
    for (let run = 0; run < 3; run++) {
      const candidate = await completed(service, REQUEST, never);
      assert.equal(candidate?.report.path ?? 'draft', 'draft');
    }
    assert.equal(peer.unread, 0, 'nothing was sent');
    assert.deepEqual(log, [reason]);

    service.configure({ ...settings, adapter: 'blue' });
    assert.deepEqual([service.status.edge, service.status.reason], ['connected', null]);
    const completion = completed(service, REQUEST, never);
    const { adapter, id, drafted } = await peer.round();
    assert.equal(adapter, 'blue');
    // An end token closes the completion, whatever was drafted.
    peer.verdict(id, 0, [2]);
    await completion;
    assert.ok(drafted.length > 0);
    assert.equal(service.status.lastCompletion?.path, 'speculated');

    service.configure({ ...settings, adapter: 'pink' });
    assert.match(service.status.reason, /no adapter named pink/u);
  });

  it('logs a failure that comes with every keystroke once', async (t) => {
    const node = await FakeNode.start(t);
    const { service, log, until } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.welcomed();
    await until('connected');
    for (const message of ['Too much to do.', 'Too much to do.', 'Something else.']) {
      const completion = completed(service, REQUEST, never);
      peer.failure((await peer.round()).id, 'unavailable', message);
      await completion;
    }
    assert.deepEqual(log, ['Too much to do.', 'Something else.']);
  });

  it('leaves a node alone for a while that says it is busy', async (t) => {
    const node = await FakeNode.start(t);
    const { service, until } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.welcomed();
    await until('connected');
    const refused = completed(service, REQUEST, never);
    peer.failure((await peer.round()).id, 'busy', 'Too much to do.');
    await refused;
    await completed(service, REQUEST, never);
    assert.equal(peer.unread, 0, 'nothing was sent');
    assert.equal(service.status.lastCompletion?.path, 'draft');
    await sleep(260);
    const later = completed(service, REQUEST, never);
    peer.verdict((await peer.round()).id, 0, [2]);
    await later;
    assert.equal(service.status.lastCompletion.path, 'speculated');
  });

  it('asks the backbone while the node loads the adapter, and says which answered', async (t) => {
    const node = await FakeNode.start(t);
    const { service, until } = serviceFor(t, { edgeUrl: node.url, adapter: 'blue' });
    const peer = await node.welcomed(['blue']);
    await until('connected');
    const refused = completed(service, REQUEST, never);
    const first = await peer.round();
    assert.equal(first.adapter, 'blue');
    peer.failure(first.id, 'loading', 'The edge node is loading this adapter.');
    await refused;
    const later = completed(service, REQUEST, never);
    const second = await peer.round();
    assert.equal(second.adapter, '');
    peer.verdict(second.id, 0, [2]);
    await later;
    assert.deepEqual(
      [service.status.lastCompletion?.path, service.status.lastCompletion?.adapter],
      ['speculated', null],
    );
  });

  it("asks for the version that the node has for the document's project, and follows a change", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'foretype-service-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, '.foretype.json'), '{ "project": "ours" }');
    const request = { ...REQUEST, uri: pathToFileURL(join(folder, 'a.ts')).href };
    const node = await FakeNode.start(t);
    const { service, until } = serviceFor(t, { edgeUrl: node.url });
    const peer = await node.welcomed();
    await until('connected');
    service.opened(request.uri);
    const asked = await peer.next();
    assert.ok(asked.case === 'ask' && asked.value.whose.case === 'project');
    const { whose } = asked.value;
    assert.equal(Buffer.from(whose.value).toString('hex'), projectId(namedProject('ours')!));
    for (const adapter of ['ours@1', 'ours@2', '']) {
      peer.send({ case: 'assigned', value: { whose, adapter } });
      // A completion may begin before the news of another version is there: the next one goes by it.
      for (let told = false; !told;) {
        const completion = completed(service, request, never);
        const round = await peer.round();
        peer.verdict(round.id, 0, [2]);
        await completion;
        told = round.adapter === adapter;
      }
      assert.equal(service.status.lastCompletion?.adapter, adapter || null);
    }
  });

  it('lives on with a token that cannot be sent', async (t) => {
    const { service, log, until } = serviceFor(t, { edgeUrl: 'https://host.test', edgeToken: 'ft_…' });
    await until('refused');
    await completed(service, REQUEST, never);
    assert.deepEqual(log, [service.status.reason]);
  });

  it('warns once of a token that others can read, and not on this machine', async (t) => {
    // A name that no resolver knows, so that nothing leaves the machine.
    const edgeUrl = 'http://office.invalid:8717';
    const { service, log } = serviceFor(t, { edgeUrl });
    const warnings = () => log.filter((sentence) => sentence.includes('unencrypted'));
    const settings = { ...DEFAULTS, edgeUrl, edgeToken: 'ft_other' };
    await t.waitFor(() => assert.equal(warnings().length, 1));
    service.configure(settings);
    service.configure({ ...settings, edgeUrl: 'http://localhost:1' });
    service.configure({ ...settings, edgeUrl: 'http://127.0.0.1:1' });
    service.configure({ ...settings, edgeUrl: 'http://[::1]:1' });
    service.configure({ ...settings, edgeUrl: 'https://office.invalid' });
    service.configure(settings);
    assert.deepEqual(warnings(), [
      `The token for the edge node at ${edgeUrl} travels unencrypted; use an https:// URL outside a network you trust.`,
    ]);
    assert.ok(!log.join().includes('ft_'));
  });

  it('starts nothing where it was disposed of first', async (t) => {
    const { service } = serviceFor(t, { edgeUrl: 'http://127.0.0.1:1' });
    await service.dispose();
    await completed(service, REQUEST, never);
    assert.deepEqual([service.status.draft, service.status.edge], ['loading', 'off']);
  });
});

// `fakeWrite` is what the node's fake target writes; a real verdict crosses the real wire with it.
it('a channel and the node itself give what the target alone writes', LIMIT, async (t) => {
  const edge = await startEdge(t);
  const { channel, until } = open(t, edge.url);
  await until('connected');
  assert.deepEqual(channel.adapters, ['blue', 'red']);
  const context = [...Buffer.from('const ')];
  const drafted = fakeWrite(context, 3);
  const { accepted, tokens } = await ask(channel, context, drafted);
  assert.deepEqual([accepted, tokens], [3, fakeWrite([...context, ...drafted], 1)]);
});

/** The last text for a place. */
async function completed(
  service: CompletionService,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<Candidate | undefined> {
  let last: Candidate | undefined;
  const work = { cursor, language: 'typescript', purpose: 'asked' } as const;
  for await (const candidate of service.candidates(work, signal)) last = candidate;
  return last;
}
