/** Pure: what the editor has set about proxies. It applies that to its own processes only, so the server is told. */
import type { ServerSettings } from '@foretype/server/protocol';

export type ProxySettings = Pick<ServerSettings, 'proxy' | 'noProxy'>;

/** The editor's settings that count. */
export const HTTP_KEYS = ['http.proxy', 'http.noProxy', 'http.proxySupport'] as const;

/** What the editor tells of a setting: a workspace has no say in where code goes, so that its value is left alone. */
interface Inspected {
  readonly defaultValue?: unknown;
  readonly globalValue?: unknown;
}

/**
 * The editor's proxy in the server's words. `http.proxyStrictSSL` is left out on purpose: without it the token would go
 * to whoever answers in the node's name; `foretype.network.certificates` names whom to trust.
 */
export function proxySettings(
  inspect: (key: (typeof HTTP_KEYS)[number]) => Inspected | undefined,
): ProxySettings {
  const valueOf = (key: (typeof HTTP_KEYS)[number]) => {
    const found = inspect(key);
    return found?.globalValue ?? found?.defaultValue;
  };
  const proxy = valueOf('http.proxy');
  const hosts = valueOf('http.noProxy');
  return {
    proxy: valueOf('http.proxySupport') === 'off' ? 'off' : typeof proxy === 'string' ? proxy.trim() : '',
    noProxy: Array.isArray(hosts) ? hosts.filter((host) => typeof host === 'string').join(',') : '',
  };
}
