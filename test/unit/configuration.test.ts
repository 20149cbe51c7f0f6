import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { describe, it } from 'node:test';
import { Configuration, givenIn, type ConfigurationParts } from '../../server/src/configuration.ts';
import type { ServerSettings } from '../../server/src/protocol.ts';
import { KEYS, readSettings, SETTING_NAMES } from '../../server/src/settings.ts';

const URL = 'http://127.0.0.1:4717';

/** A configuration whose editor has `set`, and what came of it. */
function started(parts: Partial<ConfigurationParts> & { set?: unknown } = {}) {
  const applied: ServerSettings[] = [];
  const log: string[] = [];
  const configuration = new Configuration({
    apply: (settings) => applied.push(settings),
    ask: () => Promise.resolve(parts.set),
    warn: (sentence) => log.push(sentence),
    token: '',
    read: (path) => Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' })),
    ...parts,
  });
  return { configuration, applied, log, last: () => applied.at(-1)! };
}

describe('what an editor sent', () => {
  it('is found under every name that people write', () => {
    for (const sent of [
      { edgeUrl: URL },
      { edge: { url: URL } },
      { 'edge.url': URL },
      { foretype: { edge: { url: URL } } },
      { foretype: { edgeUrl: URL } },
      { foretype: { 'edge.url': URL } },
      { 'foretype.edge.url': URL },
      { 'foretype.edge': { url: URL } },
    ])
      assert.deepEqual(givenIn(sent), { edgeUrl: URL }, JSON.stringify(sent));
  });
  it('has every setting under its name and under its key', () => {
    for (const name of SETTING_NAMES) {
      const key = (KEYS as Partial<Record<string, string>>)[name] ?? name;
      assert.deepEqual(givenIn({ [name]: 1 }), { [name]: 1 });
      assert.deepEqual(givenIn({ foretype: { [key]: 1 } }), { [name]: 1 });
    }
  });
  it('has no blanks around texts', () =>
    assert.deepEqual(givenIn({ edgeUrl: ` ${URL}\n` }), { edgeUrl: URL }));
  it('may be anything, and null is nothing', () => {
    for (const sent of [
      undefined,
      null,
      7,
      'edgeUrl',
      [],
      [{ edgeUrl: URL }],
      { edgeUrl: null },
      { edge: URL },
    ])
      assert.deepEqual(givenIn(sent), {});
    assert.deepEqual(givenIn({ enabled: false, temperature: 0 }), { enabled: false, temperature: 0 });
    assert.deepEqual(givenIn(JSON.parse('{"__proto__":{"edgeUrl":"x"}}')), {});
  });
});

describe('the configuration', () => {
  it('has what was said at the start under what the editor says now', async () => {
    const { configuration, last } = started({ set: { edge: { adapter: 'b' }, power: null } });
    await configuration.begin({ edgeUrl: URL, adapter: 'a', power: 'saver' });
    assert.deepEqual([last().edgeUrl, last().adapter, last().power], [URL, 'a', 'saver']);
    await configuration.ask();
    assert.deepEqual([last().edgeUrl, last().adapter, last().power], [URL, 'b', 'saver']);
    await configuration.change({ foretype: { power: 'mains' } }, true);
    assert.deepEqual([last().edgeUrl, last().adapter, last().power], [URL, 'a', 'mains']);
  });

  it('asks after a change that says nothing of ours, where it may', async () => {
    const { configuration, applied, last } = started({ set: { enabled: false } });
    for (const settings of [null, {}, { javascript: { enabled: true } }, { foretype: {} }]) {
      applied.length = 0;
      await configuration.change(settings, false);
      assert.deepEqual(applied, []);
      await configuration.change(settings, true);
      assert.equal(last().enabled, false);
    }
  });

  it('tells of a wrong value once, and of an editor that does not answer', async () => {
    const ask = () => Promise.reject(new Error('no such method'));
    const { configuration, log, last } = started({ ask });
    await configuration.begin({ power: 'solar', edgeToken: 7 });
    await configuration.change({ foretype: { power: 'solar', enabled: false } }, false);
    assert.equal(last().enabled, false);
    await configuration.ask();
    await configuration.ask();
    assert.deepEqual(log, [
      'Setting edgeToken: expected a string, got number.',
      'Setting power: expected auto, mains, battery or saver, got "solar".',
      'The editor did not say what its settings are (no such method); those of its start count.',
    ]);
  });

  it('keeps what a client pushes whole, whatever else is asked for or said', async () => {
    const answer = Promise.withResolvers<unknown>();
    const { configuration, applied, last } = started({ ask: () => answer.promise, token: 'ft_other' });
    await configuration.begin({ adapter: 'a' });
    const asking = configuration.ask();
    configuration.replace({ enabled: false, edgeUrl: URL });
    answer.resolve({ enabled: true });
    await asking;
    await configuration.change({ foretype: { enabled: true } }, true);
    assert.deepEqual(last(), { ...readSettings({}).settings, enabled: false, edgeUrl: URL });
    assert.equal(applied.length, 2);
  });

  it('takes the last word, whichever answer comes last', async () => {
    const answers = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
    let asked = 0;
    const { configuration, last } = started({ ask: () => answers[asked++]!.promise });
    const [first, second] = [configuration.ask(), configuration.ask()];
    answers[1]!.resolve({ adapter: 'second' });
    await second;
    answers[0]!.resolve({ adapter: 'first' });
    await first;
    assert.equal(last().adapter, 'second');
  });
});

describe('the token', () => {
  it('is the one that is set, else that of the file, else that of the environment', async () => {
    const read = (path: string) => Promise.resolve(path === '/t' ? 'ft_file\n' : `${path}\n`);
    const { configuration, last } = started({ read, token: ' ft_environment\n' });
    await configuration.begin({ edgeTokenFile: '/t', edgeToken: 'ft_set' });
    assert.equal(last().edgeToken, 'ft_set');
    await configuration.change({ edge: { token: '' } }, false);
    assert.equal(last().edgeToken, 'ft_file');
    await configuration.change({ edge: { token: '', tokenFile: '~/t' } }, false);
    assert.equal(last().edgeToken, `${homedir()}/t`);
    await configuration.change({ edge: { token: '', tokenFile: '' } }, false);
    assert.equal(last().edgeToken, 'ft_environment');
  });

  it('of a file that cannot be read is none, and that is told', async () => {
    const { configuration, log, last } = started({ token: 'ft_environment' });
    await configuration.begin({ edgeTokenFile: '/nowhere' });
    assert.equal(last().edgeToken, '');
    await configuration.begin({ edgeTokenFile: 'token' });
    await configuration.begin({ edgeTokenFile: 7 });
    assert.deepEqual(log, [
      "The file of the edge node's token, /nowhere, cannot be read (ENOENT).",
      'Setting edgeTokenFile: expected a path from the root or from ~, got "token".',
      'Setting edgeTokenFile: expected a path from the root or from ~, got 7.',
    ]);
  });
});
