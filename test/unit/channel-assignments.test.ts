import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeNodeFrame,
  encodeNodeFrame,
  MAX_ASKED,
  type AskFrame,
  type AssignedFrame,
} from '@foretype/edge-node/protocol';
import { Assignments } from '../../server/src/assignments.ts';

const PROJECT = '0f'.repeat(32);

/** The frame as it comes out of the wire. */
function assignedFrame(whose: AskFrame['whose'], adapter: string): AssignedFrame {
  const frame = decodeNodeFrame(encodeNodeFrame({ case: 'assigned', value: { whose, adapter } }));
  assert.ok(frame?.case === 'assigned');
  return frame.value;
}

/** Assignments, and the node that is asked, which answers where a test does. */
function connected({ adapters = [] as string[], patience = 60_000 } = {}) {
  const assignments = new Assignments(patience);
  const asked: AskFrame['whose'][] = [];
  const welcome = () => assignments.welcomed(adapters, (whose) => asked.push(whose));
  const tell = (whose: AskFrame['whose'], adapter: string) =>
    assignments.assigned(assignedFrame(whose, adapter));
  welcome();
  return { assignments, asked, welcome, tell };
}

const name = (value: string): AskFrame['whose'] => ({ case: 'name', value });

describe('which adapter a node has for a project or a name', () => {
  it('is asked once, and known until the node tells of another', async () => {
    const { assignments, asked, tell } = connected();
    const waiting = [
      assignments.adapterOf({ project: PROJECT }),
      assignments.adapterOf({ project: PROJECT }),
    ];
    assert.deepEqual(asked, [{ case: 'project', value: Buffer.from(PROJECT, 'hex') }]);
    tell(asked[0]!, 'ours@1');
    tell(asked[0]!, 'ours@2');
    assert.deepEqual(await Promise.all(waiting), ['ours@1', 'ours@1'], 'who waits gets the first answer');
    assert.equal(await assignments.adapterOf({ project: PROJECT }), 'ours@2');
    tell(asked[0]!, '');
    assert.equal(await assignments.adapterOf({ project: PROJECT }), '');
    assert.equal(asked.length, 1);
  });

  it('is the backbone while there is no node, which is asked as soon as it is there', async () => {
    const assignments = new Assignments();
    assert.equal(await assignments.adapterOf({ name: 'blue' }), '');
    assert.equal(await assignments.adapterOf({ project: PROJECT }), '');
    const asked: AskFrame['whose'][] = [];
    assignments.welcomed([], (whose) => asked.push(whose));
    assert.deepEqual(asked, [name('blue'), { case: 'project', value: Buffer.from(PROJECT, 'hex') }]);
    const answer = assignments.adapterOf({ name: 'blue' });
    assignments.assigned(assignedFrame(name('blue'), 'blue@7'));
    assert.equal(await answer, 'blue@7');
    assert.equal(asked.length, 2);
  });

  it('is asked anew of each connection: nothing holds that another said', async () => {
    const { assignments, asked, welcome, tell } = connected();
    const cut = assignments.adapterOf({ name: 'blue' });
    assignments.lost();
    assert.equal(await cut, '', 'nobody waits for a node that is gone');
    welcome();
    tell(name('blue'), 'blue@1');
    assert.equal(await assignments.adapterOf({ name: 'blue' }), 'blue@1');
    assignments.lost();
    assert.equal(await assignments.adapterOf({ name: 'blue' }), '');
    welcome();
    const answer = assignments.adapterOf({ name: 'blue' });
    tell(name('blue'), 'blue@2');
    assert.equal(await answer, 'blue@2');
    assert.deepEqual(asked, [name('blue'), name('blue'), name('blue')]);
  });

  it('is the backbone where the node is slow to say, and what it said from then on', async () => {
    const { assignments, asked, tell } = connected({ patience: 5 });
    assert.equal(await assignments.adapterOf({ name: 'blue' }), '');
    tell(name('blue'), 'blue@1');
    assert.equal(await assignments.adapterOf({ name: 'blue' }), 'blue@1');
    assert.equal(asked.length, 1);
  });

  it('is not asked where the node would close the connection', async () => {
    const { assignments, asked } = connected({ patience: 5 });
    assert.equal(await assignments.adapterOf({ name: 'n'.repeat(129) }), '');
    assert.equal(asked.length, 0);
    const longest = 'n'.repeat(128);
    const names = [longest, ...Array.from({ length: MAX_ASKED }, (_, index) => `name-${index}`)];
    await Promise.all(names.map((each) => assignments.adapterOf({ name: each })));
    assert.equal(asked.length, MAX_ASKED);
    assert.deepEqual([asked[0], asked.at(-1)], [name(longest), name(names.at(-2)!)]);
  });
});

it('the adapters of a node are those of its welcome, changed by what names were found to stand for', async () => {
  const { assignments, welcome, tell } = connected({ adapters: ['blue', 'red'] });
  const waiting = ['red', 'green', 'pink'].map((each) => assignments.adapterOf({ name: each }));
  waiting.push(assignments.adapterOf({ project: PROJECT }));
  tell(name('red'), '');
  tell(name('green'), 'green@1');
  tell(name('pink'), '');
  tell({ case: 'project', value: Buffer.from(PROJECT, 'hex') }, 'ours@1');
  tell(name('blue'), '');
  assert.deepEqual(await Promise.all(waiting), ['', 'green@1', '', 'ours@1']);
  assert.deepEqual(assignments.adapters, ['blue', 'green'], 'blue was not asked for');
  assignments.lost();
  assert.deepEqual(assignments.adapters, ['blue', 'green']);
  welcome();
  assert.deepEqual(assignments.adapters, ['blue', 'red']);
});
