/** The one way out: proxies and certificates, with a real node behind a real proxy, all of them on this machine. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { EMBEDDED_FAMILY } from '@foretype/models';
import { Channel, type EdgeState } from '../../server/src/channel.ts';
import { Network, type NetworkSettings } from '../../server/src/network.ts';
import { CompletionService } from '../../server/src/service.ts';
import { readSettings } from '../../server/src/settings.ts';
import { CERTIFICATE, KEY, NAMED } from '../support/certificate.ts';
import { ConnectProxy } from '../support/connect-proxy.ts';
import { startEdge, TOKEN } from '../support/edge-node.ts';
import { fakeTarget } from '../support/edge-target.ts';
import { FakeEngine, fakeWrite } from '../support/fake-engine.ts';
import { roundOf, wholeVerdict } from '../support/verdict.ts';

const LIMIT = { timeout: 60_000 };
const IDENTITY = fakeTarget(new FakeEngine()).identity;
const never = new AbortController().signal;
const NAMED_TLS = { cert: NAMED.certificate, key: NAMED.key };

/** A file that goes with the test. */
function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'foretype-network-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'own.pem');
  writeFileSync(path, text);
  return path;
}

function networkFor(
  t: TestContext,
  settings: Partial<NetworkSettings>,
  environment: Record<string, string> = {},
) {
  const network = new Network({ proxy: '', noProxy: '', certificates: '', ...settings }, environment);
  t.after(() => network.dispose());
  return network;
}

/** A channel that goes with the test, and the next state it comes to. */
function open(t: TestContext, url: string, network: Network, token = TOKEN) {
  const states: EdgeState[] = [];
  const channel = new Channel({
    url,
    token,
    network,
    identity: IDENTITY,
    onState: (state) => states.push(state),
    random: () => 0,
  });
  t.after(() => channel.dispose());
  const until = async (status: EdgeState['status']) => {
    await t.waitFor(() => assert.equal(channel.state.status, status, JSON.stringify(states)), {
      timeout: 20_000,
    });
    return channel.state;
  };
  return { channel, until };
}

/** The node under a name that only the proxy finds. */
async function named(t: TestContext) {
  const edge = await startEdge(t, { tls: NAMED_TLS });
  return { edge, url: edge.url.replace('127.0.0.1', 'edge.test'), certificates: file(t, NAMED.certificate) };
}

async function served(channel: Channel): Promise<void> {
  const context = [...Buffer.from('const ')];
  const drafted = fakeWrite(context, 2);
  const { accepted, tokens } = await wholeVerdict(channel.verify(roundOf({ context, drafted }), never));
  assert.deepEqual([accepted, tokens], [2, fakeWrite([...context, ...drafted], 1)]);
}

describe('a node behind a proxy', LIMIT, () => {
  it('is reached in a tunnel, certificate and all; of what is said there the proxy reads nothing', async (t) => {
    const { url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t);
    const { channel, until } = open(t, url, networkFor(t, { proxy: proxy.url, certificates }));
    await until('connected');
    await served(channel);
    assert.deepEqual(new Set(proxy.asked.map(({ host }) => host)), new Set([new URL(url).host]));
    for (const { headers } of proxy.asked) assert.equal(headers.authorization, undefined);
    assert.deepEqual(proxy.plain, []);
    channel.dispose();
    await t.waitFor(() => assert.equal(proxy.open, 0), { timeout: 5_000 });
  });

  it('is reached by what the environment says, and by a proxy that is spoken to over TLS', async (t) => {
    const { url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t, { tls: { cert: CERTIFICATE, key: KEY } });
    const both = file(t, `Both of them:\n${CERTIFICATE}\n${NAMED.certificate}`);
    const { until } = open(t, url, networkFor(t, { certificates: both }, { https_proxy: proxy.url }));
    await until('connected');
    assert.ok(proxy.asked.length > 0);
    // Who trusts only the node does not trust the proxy.
    const other = open(t, url, networkFor(t, { certificates }, { https_proxy: proxy.url }));
    assert.match(
      (await other.until('refused')).reason!,
      /^The certificate of 127\.0\.0\.1:\d+ is signed by nobody/u,
    );
  });

  it('says who it is to a proxy that wants to know', async (t) => {
    const { url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t);
    const withPassword = proxy.url.replace('//', '//me:secret@');
    const { until } = open(t, url, networkFor(t, { proxy: withPassword, certificates }));
    await until('connected');
    const expected = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    for (const { headers } of proxy.asked) assert.equal(headers['proxy-authorization'], expected);
  });

  it('is found again when the proxy is back', async (t) => {
    const { url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t);
    const { channel, until } = open(t, url, networkFor(t, { proxy: proxy.url, certificates }));
    await until('connected');
    proxy.cut();
    await until('away');
    await until('connected');
    await served(channel);
  });

  it('on this machine is reached straight, whatever is set', async (t) => {
    const edge = await startEdge(t);
    const proxy = await ConnectProxy.start(t);
    const { until } = open(t, edge.url, networkFor(t, { proxy: proxy.url }));
    await until('connected');
    assert.deepEqual(proxy.asked, []);
  });

  it('is not asked through one that it is exempt from', async (t) => {
    const { url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t);
    const network = networkFor(t, { proxy: proxy.url, certificates, noProxy: '.test' });
    // Nobody else knows the name.
    const { reason } = await open(t, url, network).until('away');
    assert.equal(reason, `The edge node at ${url} cannot be reached.`);
    assert.deepEqual(proxy.asked, []);
  });
});

describe('what stands in the way is said in one sentence:', LIMIT, () => {
  const answers: [answer: string, status: 'away' | 'refused', said: string, withPassword?: boolean][] = [
    [
      '407 Proxy Authentication Required',
      'refused',
      'wants a user name and a password; put them into its URL.',
    ],
    [
      '407 Proxy Authentication Required',
      'refused',
      'wants a user name and a password; correct them in its URL.',
      true,
    ],
    ['403 Forbidden', 'refused', 'does not connect to edge.test:443 (403).'],
    ['502 Bad Gateway', 'away', 'does not connect to edge.test:443 (502).'],
  ];
  for (const [answer, status, said, withPassword = false] of answers) {
    it(`a proxy that answers ${answer}${withPassword ? ' to a password' : ''}`, async (t) => {
      const proxy = await ConnectProxy.start(t, { answer });
      const url = withPassword ? proxy.url.replace('//', '//me:secret@') : proxy.url;
      const { reason } = await open(t, 'https://edge.test', networkFor(t, { proxy: url })).until(status);
      assert.equal(reason, `The proxy ${proxy.url} ${said}`);
    });
  }

  it('a proxy that is not there', async (t) => {
    const { reason } = await open(
      t,
      'https://edge.test',
      networkFor(t, { proxy: 'http://proxy.invalid:1' }),
    ).until('away');
    assert.equal(reason, 'The proxy http://proxy.invalid:1 cannot be reached.');
  });

  it('a proxy that is none', async (t) => {
    const { reason } = await open(t, 'https://edge.test', networkFor(t, { proxy: 'x://y' })).until('refused');
    assert.equal(
      reason,
      'The proxy "x://y" from the settings is not an http:// or https:// URL; correct it there.',
    );
  });

  it('a token that a proxy could read; without one nothing is in the way', async (t) => {
    const edge = await startEdge(t);
    const url = edge.url.replace('127.0.0.1', 'edge.test');
    const proxy = await ConnectProxy.start(t);
    const network = networkFor(t, { proxy: proxy.url });
    const { reason } = await open(t, url, network).until('refused');
    assert.equal(
      reason,
      `The proxy ${proxy.url} could read the token for ${url}; use an https:// URL, or except the host from the proxy.`,
    );
    assert.deepEqual([proxy.asked, proxy.plain], [[], []]);
    const without = await open(t, url, network, '').until('refused');
    assert.equal(without.reason, `The edge node at ${url} asks for a token; set one.`);
    assert.deepEqual(proxy.plain, []);
  });

  it('a certificate that nobody vouches for, until it is named; a name that it is not for', async (t) => {
    const edge = await startEdge(t, { tls: { cert: CERTIFICATE, key: KEY } });
    const { host } = new URL(edge.url);
    const { reason } = await open(t, edge.url, networkFor(t, {})).until('refused');
    assert.equal(
      reason,
      `The certificate of ${host} is signed by nobody who is trusted; name the file of its authority in the settings (DEPTH_ZERO_SELF_SIGNED_CERT).`,
    );
    await open(t, edge.url, networkFor(t, { certificates: file(t, CERTIFICATE) })).until('connected');

    const other = await startEdge(t, { tls: NAMED_TLS });
    const network = networkFor(t, { certificates: file(t, NAMED.certificate) });
    assert.match(
      (await open(t, other.url, network).until('refused')).reason!,
      /is for another name; use the name/u,
    );
  });

  it('a file of certificates that is not there, or holds none', async (t) => {
    const asked = (certificates: string) =>
      open(t, 'https://127.0.0.1:61234', networkFor(t, { certificates })).until('refused');
    const gone = file(t, '').replace('own.pem', 'gone.pem');
    assert.equal(
      (await asked(gone)).reason,
      `The file of certificates ${gone} cannot be read (ENOENT); correct its path in the settings.`,
    );
    for (const text of ['nothing', CERTIFICATE.replace('MIIB', 'AAAA')]) {
      const wrong = file(t, text);
      assert.equal(
        (await asked(wrong)).reason,
        `The file ${wrong} holds no certificates in PEM form; set the path of one that does.`,
      );
    }
  });
});

it('what the system trusts by NODE_EXTRA_CA_CERTS is trusted, too', LIMIT, async (t) => {
  const edge = await startEdge(t, { tls: { cert: CERTIFICATE, key: KEY } });
  const network = pathToFileURL(join(import.meta.dirname, '../../server/src/network.ts')).href;
  const script = `
    const { Network } = await import(${JSON.stringify(network)});
    const network = new Network({ proxy: '', noProxy: '', certificates: ${JSON.stringify(file(t, NAMED.certificate))} }, {});
    console.log(await network.fetch('${edge.url}/health').then(({ status }) => status, ({ cause }) => cause.code));
    network.dispose();
  `;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: file(t, CERTIFICATE) };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
  });
  assert.equal(stdout.trim(), '200');
});

describe('downloads', LIMIT, () => {
  it('go the same way, from host to host', async (t) => {
    const serving = createServer(NAMED_TLS, ({ url }, response) => {
      if (url === '/file') response.end('the file');
      else response.writeHead(302, { location: `https://edge.test:${port}/file` }).end();
    });
    await new Promise<void>((resolve) => serving.listen(0, '127.0.0.1', resolve));
    t.after(() => (serving.closeAllConnections(), serving.close()));
    const { port } = serving.address() as AddressInfo;
    const proxy = await ConnectProxy.start(t);
    const network = networkFor(t, { proxy: proxy.url, certificates: file(t, NAMED.certificate) });
    const answer = await network.fetch(`https://edge.test:${port}/`);
    assert.equal(await answer.text(), 'the file');
    assert.deepEqual(new Set(proxy.asked.map(({ host }) => host)), new Set([`edge.test:${port}`]));
    await assert.rejects(
      networkFor(t, { proxy: proxy.url }).fetch(`https://edge.test:${port}/`),
      (error: Error) => /signed by nobody/u.test((error.cause as Error).message),
    );
  });
});

describe('the service connects anew', LIMIT, () => {
  const DEFAULTS = readSettings({}).settings;

  it('when the token, the proxy or the certificates change, and not when nothing of it does', async (t) => {
    const { edge, url, certificates } = await named(t);
    const proxy = await ConnectProxy.start(t);
    const settings = { ...DEFAULTS, edgeUrl: url, edgeToken: 'ft_other', proxy: proxy.url, certificates };
    const service = new CompletionService({
      family: EMBEDDED_FAMILY,
      settings,
      onStatus: () => undefined,
      log: () => undefined,
      engine: () => new FakeEngine(),
    });
    t.after(() => service.dispose());
    service.start();
    const reason = (wanted: RegExp | null) =>
      t.waitFor(() => {
        if (wanted) assert.match(service.status.reason ?? '', wanted);
        else
          assert.ok(
            !/token|certificate|proxy/u.test(service.status.reason ?? 'token'),
            service.status.reason!,
          );
      });
    await reason(/refused the token/u);
    service.configure({ ...settings, edgeToken: TOKEN });
    // A token that is taken gets as far as the families, which are not the same here.
    await reason(null);
    const before = proxy.asked.length;
    service.configure({ ...settings, edgeToken: TOKEN, power: 'battery' });
    assert.equal(proxy.asked.length, before);
    service.configure({ ...settings, edgeToken: TOKEN, certificates: '' });
    await reason(/signed by nobody/u);
    service.configure({ ...settings, edgeToken: TOKEN, proxy: 'http://proxy.invalid:1' });
    await reason(/proxy\.invalid:1 cannot be reached/u);
    assert.ok(edge.log.every((line) => !line.includes(TOKEN)));
  });
});
