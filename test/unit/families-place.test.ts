import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { directoryOf, familiesDirectory, settingOf } from '../../server/src/families/place.ts';

describe('the directory of families', () => {
  const home = homedir();
  const at = (platform: NodeJS.Platform, env: Record<string, string> = {}) =>
    familiesDirectory({ platform, env, home });
  it('is where the system has the data of a user', () => {
    assert.equal(at('linux'), join(home, '.local', 'share', 'foretype', 'families'));
    assert.equal(at('linux', { XDG_DATA_HOME: '/data' }), join('/data', 'foretype', 'families'));
    assert.equal(at('linux', { XDG_DATA_HOME: 'data' }), at('linux'));
    assert.equal(at('darwin'), join(home, 'Library', 'Application Support', 'foretype', 'families'));
    assert.equal(at('win32', { LOCALAPPDATA: '/local' }), join('/local', 'foretype', 'families'));
    assert.equal(at('win32'), join(home, 'AppData', 'Local', 'foretype', 'families'));
  });
  it('is the one that is named', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const)
      assert.equal(at(platform, { FORETYPE_FAMILIES: '/named', XDG_DATA_HOME: '/data' }), '/named');
  });
});

describe('the setting of a family', () => {
  const places = { standard: '/app/families/small', families: '/data/families' };
  const pairs: [setting: string, directory: string][] = [
    ['', '/app/families/small'],
    ['qwen2.5-coder-1.5b', '/data/families/qwen2.5-coder-1.5b'],
    ['/elsewhere/own', '/elsewhere/own'],
  ];
  for (const [setting, directory] of pairs)
    it(`${JSON.stringify(setting)} is ${directory}, and back`, () => {
      assert.equal(directoryOf(setting, places), directory);
      assert.equal(settingOf(directory, places), setting);
    });
  it('is no way out of the directory of families', () => {
    assert.equal(directoryOf('../../etc', places), '/data/families/etc');
    assert.equal(directoryOf('a/../../b', places), '/data/families/b');
  });
});
