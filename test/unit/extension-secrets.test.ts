import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import type { LogOutputChannel } from 'vscode';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  Trace,
  TraceFormat,
} from 'vscode-jsonrpc/node';
import { discreet, withoutSecrets } from '../../extension/src/secrets.ts';

const TOKEN = 'ft_s3cr3t\\"+/=';
const SETTINGS = {
  enabled: true,
  edgeUrl: 'https://ada:pass-w0rd@edge.example:8080/x@y',
  edgeToken: TOKEN,
  proxy: 'http://ada:pa"ss-w0rd@proxy.example:3128',
};

/** What the library of the language client writes at the level “trace” of a message with the settings. */
async function traced(traceFormat: TraceFormat): Promise<string> {
  const written: string[] = [];
  const [there, back] = [new PassThrough(), new PassThrough()];
  const connection = createMessageConnection(new StreamMessageReader(back), new StreamMessageWriter(there));
  connection.listen();
  // As the language client's own: texts as they are, anything else as JSON.
  const log = (message: unknown, data?: string) =>
    void written.push(typeof message === 'string' ? `${message}\n${data}` : JSON.stringify(message));
  await connection.trace(Trace.Verbose, { log }, { traceFormat });
  await connection.sendNotification('foretype/settings', SETTINGS);
  connection.dispose();
  return written.join('\n');
}

describe('the trace of messages', () => {
  for (const format of [TraceFormat.Text, TraceFormat.JSON])
    it(`as ${format} has the settings, but neither the token nor a password`, async () => {
      const before = await traced(format);
      // Otherwise there would be nothing to take out.
      for (const secret of ['s3cr3t', 'pass-w0rd', 'ss-w0rd']) assert.ok(before.includes(secret), before);
      const after = withoutSecrets(before);
      assert.doesNotMatch(after, /ft_|s3cr3t|\+\/=|w0rd|ada/);
      const json = after.slice(after.indexOf('{'));
      const message = JSON.parse(json) as { message?: { params: object } };
      assert.deepEqual(message.message?.params ?? message, {
        enabled: true,
        edgeUrl: 'https://***@y',
        edgeToken: '***',
        proxy: 'http://***@proxy.example:3128',
      });
    });

  it('shows where no token is set, and is otherwise as it was', () => {
    for (const text of [
      '{"edgeToken": "", "edgeUrl": "https://edge.example/a", "proxy": "off"}',
      'Sending notification: foretype/settings',
      String.raw`{"text": "const settings = { \"edgeToken\": \"mine\" };"}`,
    ])
      assert.equal(withoutSecrets(text), text);
  });

  it('goes through the log, whose other ways stay as they are', () => {
    const said: unknown[] = [];
    const log = {
      get logLevel() {
        return 1;
      },
      trace: (...all: unknown[]) => said.push(all),
      info: (...all: unknown[]) => said.push(all),
    } as unknown as LogOutputChannel;
    const channel = discreet(Object.freeze(log));
    channel.trace('{"edgeToken": "x"}', 1);
    channel.info('as it is');
    assert.deepEqual(said, [['{"edgeToken": "***"}', 1], ['as it is']]);
    assert.equal(channel.logLevel, 1);
  });
});
