import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { CLOSE, encodeClientFrame } from '../../edge-node/src/protocol/index.ts';
import { closeAll, converse } from '../../edge-node/src/wire.ts';
import { fakeTarget, hello, round } from '../support/edge-target.ts';
import { FakeEngine } from '../support/fake-engine.ts';

/** What a connection uses of a socket, without a network. */
class FakeSocket extends EventEmitter {
  bufferedAmount = 0;
  readonly did: string[] = [];
  send = () => void this.did.push('send');
  ping = () => void this.did.push('ping');
  close = (code: number) => void this.did.push(`close ${code}`);
  terminate = () => {
    this.did.push('terminate');
    this.emit('close', 1006, Buffer.alloc(0));
  };
}

function open(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const socket = new FakeSocket();
  const lines: object[] = [];
  const connection = converse(socket, {
    targets: [fakeTarget(new FakeEngine())],
    client: 'tests',
    log: { info: (fields) => lines.push(fields), error: (fields) => lines.push(fields) },
    now: () => 0,
    helloWithin: 10_000,
  });
  const greet = async () => {
    socket.emit('message', Buffer.from(encodeClientFrame(hello())), true);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { socket, connection, lines, greet, timers: t.mock.timers };
}

describe('a connection', () => {
  it('without a hello ends when the time for it is up', (t) => {
    const { socket, timers } = open(t);
    timers.tick(9_999);
    assert.deepEqual(socket.did, []);
    timers.tick(1);
    assert.deepEqual(socket.did, [`close ${CLOSE.timeout}`]);
  });

  it('is asked for a sign of life, and dropped when it gives none', async (t) => {
    const { socket, timers, greet } = open(t);
    await greet();
    timers.tick(30_000);
    socket.emit('pong');
    timers.tick(30_000);
    assert.deepEqual(socket.did, ['send', 'ping', 'ping']);
    timers.tick(30_000);
    assert.deepEqual(socket.did, ['send', 'ping', 'ping', 'terminate']);
    timers.tick(60_000);
    assert.equal(socket.did.length, 4, 'nothing is left of it');
  });

  it('that sends but does not read is dropped before its answers fill the memory', async (t) => {
    const { socket, greet } = open(t);
    await greet();
    const frame = Buffer.from(encodeClientFrame(round({ id: 1, context: [] })));
    socket.bufferedAmount = 1024 * 1024;
    socket.emit('message', frame, true);
    assert.equal(socket.did.at(-1), 'send');
    socket.bufferedAmount++;
    socket.emit('message', frame, true);
    assert.equal(socket.did.at(-1), 'terminate');
  });

  it('leaves one line in the log that says how it ended', (t) => {
    const { socket, lines } = open(t);
    socket.emit('close', 4406, Buffer.from('Another family.'));
    assert.deepEqual(lines, [{ code: 4406, reason: 'Another family.' }]);
  });
});

describe('closing all connections', () => {
  it('takes no longer than they need', async (t) => {
    const { socket, connection } = open(t);
    const done = closeAll([connection], 5_000);
    assert.deepEqual(socket.did, [`close ${CLOSE.goingAway}`]);
    socket.emit('close', CLOSE.goingAway, Buffer.alloc(0));
    await done;
  });

  it('is done at once where there is none', () => closeAll([], 1_000_000));
});
