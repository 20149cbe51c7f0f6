import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FamilyOffer } from '@foretype/server/protocol';
import {
  addressObjection,
  addressWarning,
  familyGroups,
  installedSentence,
  removalQuestion,
  sizeShown,
} from '../../extension/src/family-choices.ts';
import { english } from '../../extension/src/l10n.ts';

const BUILT_IN: FamilyOffer = {
  id: 'foretype-small',
  where: 'embedded',
  setting: '',
  used: true,
  parameters: '9.6 M',
  bytes: 10_400_000,
  came: 10_400_000,
  licence: 'MIT',
  note: null,
  fit: { verdict: 'good', sentence: 'It needs about 225 MiB of memory.' },
};
const REMOTE: FamilyOffer = {
  ...BUILT_IN,
  id: 'qwen2.5-coder-3b',
  where: 'catalogue',
  setting: null,
  used: false,
  parameters: '0.49 B',
  bytes: 531_068_128,
  came: 0,
  licence: 'Qwen Research',
  note: 'The licence allows research only.',
  fit: { verdict: 'slow', sentence: 'With 2 cores a line takes about 0.8 s.' },
};
const groups = (...families: FamilyOffer[]) => familyGroups({ families, problems: [] }, 'en', english);
const items = (...families: FamilyOffer[]) => groups(...families).flatMap((group) => group.items);

describe('the choice of a family', () => {
  it('has what is here, what could be had, and other ways', () => {
    assert.deepEqual(
      groups(BUILT_IN, REMOTE).map(({ heading, items }) => [heading, items.map(({ label }) => label)]),
      [
        ['On this machine', ['$(check) foretype-small']],
        ['To download', ['$(cloud-download) qwen2.5-coder-3b']],
        ['From elsewhere', ['$(folder-opened) Import from a Folder…', '$(link) Import from an Address…']],
      ],
    );
    assert.deepEqual(
      groups(BUILT_IN).map(({ heading }) => heading),
      ['On this machine', 'From elsewhere'],
    );
  });

  it('shows size, licence and fit', () => {
    const [builtIn, remote] = items(BUILT_IN, REMOTE);
    assert.equal(
      builtIn!.description,
      'in use · fits this machine · 10 MB · MIT · 9.6 M parameters · built in',
    );
    assert.equal(builtIn!.detail, BUILT_IN.fit.sentence);
    assert.equal(remote!.description, 'slow on this machine · 531 MB · Qwen Research · 0.49 B parameters');
    assert.equal(remote!.detail, 'The licence allows research only. With 2 cores a line takes about 0.8 s.');
    const [unknown] = items({ ...REMOTE, parameters: null, fit: { verdict: 'no', sentence: 'No.' } });
    assert.equal(unknown!.description, 'does not fit this machine · 531 MB · Qwen Research');
  });

  it('says what is here of a download that was ended', () => {
    const [begun] = items({ ...REMOTE, came: 212_000_000 });
    assert.match(begun!.description, / · 212 MB of 531 MB here already · /);
    assert.deepEqual(begun!.choice, { kind: 'install', id: 'qwen2.5-coder-3b' });
  });

  it('uses what is here, and installs what is not', () => {
    const installed: FamilyOffer = {
      ...REMOTE,
      where: 'installed',
      setting: 'qwen2.5-coder-3b',
      came: 531_068_128,
    };
    const choices = items(BUILT_IN, installed, REMOTE).map(({ choice }) => choice);
    assert.deepEqual(choices, [
      { kind: 'use', setting: '', id: 'foretype-small' },
      { kind: 'use', setting: 'qwen2.5-coder-3b', id: 'qwen2.5-coder-3b' },
      { kind: 'install', id: 'qwen2.5-coder-3b' },
      { kind: 'importFolder' },
      { kind: 'importAddress' },
    ]);
    assert.equal(items(installed)[0]!.label, '$(package) qwen2.5-coder-3b');
  });

  it('has a button to delete what was installed or begun, and nothing else', () => {
    const installed: FamilyOffer = { ...REMOTE, where: 'installed', setting: REMOTE.id, came: REMOTE.bytes };
    const removals = (family: FamilyOffer) => items(family)[0]!.removal;
    assert.deepEqual(removals(installed), {
      choice: { kind: 'remove', id: REMOTE.id, bytes: REMOTE.bytes },
      tooltip: 'Delete from This Machine',
    });
    assert.deepEqual(removals({ ...REMOTE, came: 212_000_000 }), {
      choice: { kind: 'remove', id: REMOTE.id, bytes: 212_000_000 },
      tooltip: 'Delete What Came So Far',
    });
    const kept: FamilyOffer[] = [
      BUILT_IN,
      { ...BUILT_IN, used: false },
      REMOTE,
      { ...installed, used: true },
      { ...installed, where: 'elsewhere', setting: '/families/mine' },
    ];
    for (const family of kept) assert.equal(removals(family), null, JSON.stringify(family));
    for (const { removal } of items()) assert.equal(removal, null);
  });

  it('asks before it deletes', () => {
    assert.equal(
      removalQuestion({ id: REMOTE.id, bytes: REMOTE.bytes }, 'en', english),
      'Delete qwen2.5-coder-3b (531 MB) from this machine?',
    );
  });

  it('writes sizes as the user does', () => {
    assert.deepEqual(
      [999, 1_440_000, 10_400_000, 531_068_128, 1_646_573_056, 15_701_597_984].map((size) =>
        sizeShown(size, 'en'),
      ),
      ['0 MB', '1.4 MB', '10 MB', '531 MB', '1.6 GB', '16 GB'],
    );
    assert.match(sizeShown(1_646_573_056, 'de'), /^1,6\sGB$/);
  });

  it('says what came of it', () => {
    assert.equal(
      installedSentence({ id: 'a', already: false }, english),
      'a is installed; completions are drafted with it now.',
    );
    assert.match(installedSentence({ id: 'a', already: true }, english), /^a was here already; /);
  });
});

describe('an address of a family', () => {
  const wrong: [text: string, message: RegExp][] = [
    ['', /begins with https:/],
    ['families', /begins with https:/],
    ['file:///families', /begins with https:/],
    ['https://', /begins with https:/],
    ['https://ada:secret@host/family', /without a user name/],
  ];
  for (const [text, message] of wrong)
    it(`is not ${JSON.stringify(text)}`, () => assert.match(addressObjection(text, english)!, message));
  it('is one of HTTPS, or of HTTP with a warning', () => {
    for (const text of ['https://host/family', ' https://host/family.json '])
      assert.deepEqual(
        [addressObjection(text, english), addressWarning(text, english)],
        [undefined, undefined],
      );
    assert.equal(addressObjection('http://10.0.0.1/family', english), undefined);
    assert.match(addressWarning('HTTP://10.0.0.1/family', english)!, /plain HTTP/);
  });
});
