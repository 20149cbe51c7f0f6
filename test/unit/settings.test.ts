import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reconnectPause } from '../../server/src/connection.ts';
import { restartPause } from '../../models/src/engine/host.ts';
import { readSettings } from '../../server/src/settings.ts';

describe('readSettings', () => {
  const defaults = {
    enabled: true,
    automatic: true,
    languages: { '*': true, plaintext: false, markdown: false, scminput: false },
    multiline: 'auto' as const,
    edgeUrl: '',
    edgeToken: '',
    proxy: '',
    noProxy: '',
    certificates: '',
    draft: true,
    adapter: '',
    family: '',
    temperature: 0,
    seed: 0,
    power: 'auto' as const,
    pauseOn: 'never' as const,
    idleMinutes: 10,
    shareEngine: true,
    traceFile: '',
    measureUsage: true,
    shareUsage: false,
  };
  it('a client that sends nothing gets drafts only', () => {
    for (const nothing of [undefined, null, 7, [], {}])
      assert.deepEqual(readSettings(nothing), { settings: defaults, problems: [] });
  });
  it('takes what is right, refuses what is wrong in one sentence each, leaves out what is not ours', () => {
    const read = readSettings({ enabled: false, edgeUrl: 7, adapter: 'a', other: 1 });
    assert.deepEqual(read.settings, { ...defaults, enabled: false, adapter: 'a' });
    assert.deepEqual(read.problems, ['Setting edgeUrl: expected a string, got 7.']);
    assert.equal(
      readSettings({ power: 'solar' }).problems[0],
      'Setting power: expected auto, mains, battery or saver, got "solar".',
    );
    assert.deepEqual(readSettings({ languages: { go: false } }).settings.languages, { go: false });
    assert.deepEqual(readSettings({ languages: { go: 'no' } }).problems, [
      'Setting languages: expected true or false by name, got {"go":"no"}.',
    ]);
    const hot = readSettings({ temperature: 3, seed: 1.5 });
    assert.deepEqual([hot.settings, hot.problems.length], [defaults, 2]);
    assert.equal(hot.problems[0], 'Setting temperature: expected a number from 0 to 2, got 3.');
  });
  it('does not print a token', () => {
    assert.deepEqual(readSettings({ edgeToken: ['ft_secret'] }).problems, [
      'Setting edgeToken: expected a string, got object.',
    ]);
  });
});

describe('pauses grow and stay bounded', () => {
  it('engine: at once, then longer, at most half a minute', () => {
    assert.deepEqual([0, 1, 2, 3, 20].map(restartPause), [0, 500, 1000, 2000, 30_000]);
  });
  it('channel: spread by chance between half and whole', () => {
    assert.deepEqual([reconnectPause(0, 0), reconnectPause(0, 1), reconnectPause(30, 1)], [125, 250, 10_000]);
  });
});
