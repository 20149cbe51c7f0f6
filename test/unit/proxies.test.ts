import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxyFor } from '../../server/src/proxies.ts';

const UNSET = { proxy: '', noProxy: '' };
const PROXY = 'http://proxy.test:3128';
const originFor = (
  url: string,
  settings: Partial<typeof UNSET>,
  environment: Record<string, string> = {},
) => {
  const found = proxyFor(new URL(url), { ...UNSET, ...settings }, environment);
  return typeof found === 'object' ? found.origin : found;
};

describe('the proxy for an address', () => {
  it('is none where nothing is said', () => assert.equal(originFor('https://edge.test', {}), undefined));

  it("is the setting's, before the environment's", () => {
    const environment = { HTTPS_PROXY: 'http://other.test:1' };
    assert.equal(originFor('https://edge.test', { proxy: PROXY }, environment), PROXY);
    assert.equal(originFor('http://edge.test', { proxy: PROXY }), PROXY);
    assert.equal(originFor('https://edge.test', { proxy: 'off' }, environment), undefined);
  });

  const both = { HTTP_PROXY: 'http://plain.test:1', HTTPS_PROXY: 'http://secure.test:2' };
  const environments: [string, Record<string, string>, string | undefined][] = [
    ['https://edge.test', both, 'http://secure.test:2'],
    ['http://edge.test', both, 'http://plain.test:1'],
    ['https://edge.test', { HTTP_PROXY: PROXY }, PROXY],
    ['http://edge.test', { HTTPS_PROXY: PROXY }, undefined],
    ['https://edge.test', { ...both, https_proxy: PROXY }, PROXY],
    ['https://edge.test', { ...both, https_proxy: '' }, 'http://plain.test:1'],
    ['https://edge.test', { https_proxy: '', http_proxy: '', HTTP_PROXY: PROXY }, undefined],
    ['https://edge.test', { ...both, NO_PROXY: 'test' }, undefined],
    ['https://edge.test', { ...both, NO_PROXY: 'test', no_proxy: '' }, 'http://secure.test:2'],
    ['https://edge.test', { HTTPS_PROXY: 'proxy.test:3128' }, PROXY],
  ];
  for (const [url, environment, wanted] of environments) {
    it(`for ${url} and ${JSON.stringify(environment)} is ${wanted ?? 'none'}`, () =>
      assert.equal(originFor(url, {}, environment), wanted));
  }

  it('is never one for this machine', () => {
    for (const host of ['localhost', 'edge.localhost', '127.0.0.1', '127.9.9.9', '[::1]'])
      assert.equal(originFor(`https://${host}:8717`, { proxy: PROXY }), undefined, host);
    assert.equal(originFor('https://localhost.test', { proxy: PROXY }), PROXY);
  });

  const exempt: [list: string, host: string, straight: boolean][] = [
    ['edge.test', 'edge.test', true],
    ['edge.test', 'one.edge.test', true],
    ['edge.test', 'hedge.test', false],
    ['.edge.test', 'one.edge.test', true],
    ['*.edge.test', 'one.edge.test', true],
    ['EDGE.test', 'edge.test', true],
    ['other.test, edge.test', 'edge.test', true],
    ['other.test edge.test', 'edge.test', true],
    ['edge.test:443', 'edge.test', true],
    ['edge.test:8443', 'edge.test', false],
    ['edge.test:8443', 'edge.test:8443', true],
    ['*', 'edge.test', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['1.2.3', '10.1.2.3', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/99', '10.1.2.3', false],
    ['10.0.0.0/8', 'edge.test', false],
    ['fd00::1', '[fd00::1]', true],
    ['[fd00::1]:443', '[fd00::1]', true],
    ['fd00::/8', '[fd00::1]:8443', true],
    ['fd00::/8', '[fe80::1]', false],
    [',', 'edge.test', false],
    ['nonsense/x, :, .', 'edge.test', false],
  ];
  for (const [noProxy, host, straight] of exempt) {
    it(`is ${straight ? 'none' : 'asked'} for ${host} where ${noProxy} is exempt`, () =>
      assert.equal(originFor(`https://${host}`, { proxy: PROXY, noProxy }), straight ? undefined : PROXY));
  }

  it("goes by the setting's exemptions, before the environment's", () => {
    const environment = { NO_PROXY: 'edge.test' };
    assert.equal(originFor('https://edge.test', { proxy: PROXY }, environment), undefined);
    assert.equal(originFor('https://edge.test', { proxy: PROXY, noProxy: 'other' }, environment), PROXY);
  });

  it('is told who asks, and shown to nobody with that', () => {
    const proxy = proxyFor(
      new URL('https://edge.test'),
      { ...UNSET, proxy: 'http://a:b%40c@proxy.test:3128' },
      {},
    );
    const authorization = `Basic ${Buffer.from('a:b@c').toString('base64')}`;
    assert.deepEqual(proxy, { origin: PROXY, authorization });
  });
});

describe('a proxy that is none is refused in one sentence, and a password in it is not repeated:', () => {
  const wrong: [string, string][] = [
    [
      'socks5://proxy.test',
      'The proxy "socks5://proxy.test" from the settings is not an http:// or https:// URL; correct it there.',
    ],
    ['http://', 'The proxy "http://" from the settings is not an http:// or https:// URL; correct it there.'],
    ['ftp://a:secret@b', 'The proxy from the settings is not an http:// or https:// URL; correct it there.'],
    [
      'http://a:50%@b',
      'The user name or the password of the proxy from the settings has a stray % in it; write it as %25.',
    ],
  ];
  for (const [proxy, sentence] of wrong)
    it(proxy, () => assert.equal(originFor('https://edge.test', { proxy }), sentence));
  it('from the environment, by its variable', () =>
    assert.match(
      originFor('https://edge.test', {}, { HTTPS_PROXY: 'x://y' })!,
      /from HTTPS_PROXY is not an/u,
    ));
});
