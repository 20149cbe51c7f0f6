import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSettings } from '../../server/src/settings.ts';
import { readDeclared, SETTINGS } from '../../extension/src/declaration.ts';
import { languageEnabled, toggledLanguage } from '../../extension/src/languages.ts';

/** What the server can be told and an editor's settings page does not offer, and why. */
const NOT_OFFERED: Readonly<Record<string, string>> = {
  edgeToken: 'a secret is in no settings file',
  proxy: 'the editor has a setting of its own for it',
  noProxy: 'as proxy',
  shareEngine: 'a question for tests and for who looks for a fault',
  temperature: 'a question for experiments, not for writing code',
  seed: 'means nothing without a temperature',
};

const standard = readSettings({}).settings as Readonly<Record<string, unknown>>;

describe('the declared settings', () => {
  it('are what the server takes, but for what is listed here with a reason', () => {
    const offered = [...Object.keys(SETTINGS), ...Object.keys(NOT_OFFERED)];
    assert.deepEqual(offered.toSorted(), Object.keys(standard).toSorted());
  });

  for (const [name, declared] of Object.entries(SETTINGS)) {
    it(`${name} has the server's default`, () => assert.deepEqual(declared.default, standard[name]));
    it(`${name} names all values that the server takes, and no other`, () => {
      const values = 'values' in declared ? declared.values : [declared.default];
      for (const value of values) assert.deepEqual(readSettings({ [name]: value }).problems, []);
      const { problems } = readSettings({ [name]: Symbol.for('another kind') });
      assert.equal(problems.length, 1);
      if ('values' in declared) for (const value of declared.values) assert.ok(problems[0]!.includes(value));
    });
  }

  it('keep what says where code goes out of the hands of a workspace', () => {
    for (const [name, declared] of Object.entries(SETTINGS)) {
      const named = /url|file|path|command|model|family|draft|certificates|shareUsage/i.test(name);
      assert.equal('guarded' in declared, named, name);
      if (named) assert.notEqual(declared.scope, 'window', name);
    }
  });

  it('are few', () => assert.ok(Object.keys(SETTINGS).length <= 25));
});

describe('reading the settings', () => {
  const defaults = readDeclared(() => undefined);
  const read = (values: Record<string, unknown>) => readDeclared((key) => values[key]);

  it('takes defaults where nothing is set', () => {
    assert.deepEqual(readSettings(defaults), { settings: standard, problems: [] });
  });
  it('finds each by the name that users know', () => {
    const values = { 'edge.url': 'http://a:1', 'edge.adapter': 'b', 'trace.file': '/c', power: 'saver' };
    assert.deepEqual(read(values), {
      ...defaults,
      edgeUrl: 'http://a:1',
      adapter: 'b',
      traceFile: '/c',
      power: 'saver',
    });
    assert.deepEqual(read({ enabled: false, automatic: false }), {
      ...defaults,
      enabled: false,
      automatic: false,
    });
  });
  it('takes blanks off texts', () =>
    assert.equal(read({ 'edge.url': ' http://a:1\n' }).edgeUrl, 'http://a:1'));
  it('takes a value of the wrong kind for none, so that no settings file can stop the extension', () => {
    for (const wrong of [null, 7, ['a'], 'solar', {}]) {
      const all = readDeclared(() => wrong);
      assert.deepEqual(readSettings(all).problems, []);
      assert.equal(all.power, 'auto');
      assert.equal(all.enabled, true);
    }
    assert.deepEqual(read({ languages: { python: false, go: 'no' } }).languages, { python: false });
    assert.deepEqual(read({ languages: ['python'] }).languages, defaults.languages);
  });
});

describe('languages', () => {
  it('one that is not named is as the star says, and on without one', () => {
    assert.equal(languageEnabled({ '*': true, markdown: false }, 'markdown', null), false);
    assert.equal(languageEnabled({ '*': false, go: true }, 'go', null), true);
    assert.equal(languageEnabled({ '*': false }, 'python', null), false);
    assert.equal(languageEnabled({}, 'python', null), true);
  });

  it('one that the model was not trained on is off unless it is named', () => {
    const known = ['typescript'];
    assert.equal(languageEnabled({ '*': true }, 'typescript', known), true);
    assert.equal(languageEnabled({ '*': true }, 'python', known), false);
    assert.equal(languageEnabled({ '*': true, python: true }, 'python', known), true);
    assert.equal(languageEnabled({ '*': false }, 'typescript', known), false);
  });

  const user = { '*': true, go: false };
  const workspace = { python: false };
  it('one is turned in the settings of the user, whose others stay', () => {
    assert.deepEqual(toggledLanguage('go', false, { user, workspace }), {
      place: 'user',
      languages: { '*': true, go: true },
    });
    assert.deepEqual(toggledLanguage('rust', true, { user: undefined, workspace: undefined }), {
      place: 'user',
      languages: { rust: false },
    });
  });
  it('one that the workspace names is turned there, where it counts', () => {
    assert.deepEqual(toggledLanguage('python', false, { user, workspace }), {
      place: 'workspace',
      languages: { python: true },
    });
  });
});
