/**
 * Preloaded into code-server and all Node processes below it: writes every host that one of them tries to connect to,
 * except this machine, as a line into the file named by FORETYPE_OFFHOST_LOG.
 */
import { appendFileSync } from 'node:fs';
import net from 'node:net';

// VS Code takes the variable away from the extension host, and with it from the language server and its engine.
process.env['NODE_OPTIONS'] = `--import ${import.meta.url}`;

const log = process.env['FORETYPE_OFFHOST_LOG'];
const prototype: { connect: (this: net.Socket, ...args: never[]) => unknown } = net.Socket.prototype;
const { connect } = prototype;

prototype.connect = function (...args: unknown[]) {
  const host = hostOf(args);
  if (log !== undefined && host !== undefined && !isThisMachine(host)) appendFileSync(log, `${host}\n`);
  return Reflect.apply(connect, this, args);
};

/** Node's own callers hand over one array that starts with the options, others options, `(port, host)` or `(path)`. */
function hostOf([first, second]: unknown[]): string | undefined {
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options !== 'object' || options === null) return typeof second === 'string' ? second : undefined;
  return 'host' in options && typeof options.host === 'string' ? options.host : undefined;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
