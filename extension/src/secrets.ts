/** Pure: what the client writes into its log at the level “trace” has no secrets in it. */
import type { LogOutputChannel } from 'vscode';
import type { ServerSettings } from '@foretype/server/protocol';

/** Settings that are secrets, and those with an address, which may have a password in it. */
const SECRET = 'edgeToken' satisfies keyof ServerSettings;
const ADDRESSES = ['edgeUrl', 'proxy'] as const satisfies readonly (keyof ServerSettings)[];

const text = String.raw`(?:[^"\\]|\\.)`;
const token = new RegExp(`("${SECRET}"\\s*:\\s*")${text}+(?=")`, 'gu');
const password = new RegExp(`("(?:${ADDRESSES.join('|')})"\\s*:\\s*"${text}*?//)${text}*@`, 'gu');

/** Messages as JSON, in which the secrets of settings are stars. */
export function withoutSecrets(message: string): string {
  return message.replaceAll(token, '$1***').replaceAll(password, '$1***@');
}

/** A log that writes what `log` does, and traces without secrets. */
export function discreet(log: LogOutputChannel): LogOutputChannel {
  const trace = (message: string, ...rest: unknown[]) => log.trace(withoutSecrets(message), ...rest);
  return Object.create(log, { trace: { value: trace } }) as LogOutputChannel;
}
