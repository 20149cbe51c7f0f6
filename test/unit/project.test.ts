import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { namedProject, normaliseRemote, projectId } from '../../edge-node/src/protocol/project.ts';

describe('the address of a repository', () => {
  const same: [name: string, expected: string, addresses: string[]][] = [
    [
      'is the same by every way to reach it',
      'github.com/Owner/repo',
      [
        'git@github.com:Owner/repo.git',
        'git@github.com:Owner/repo',
        'git@github.com:/Owner/repo.git',
        'github.com:Owner/repo.git',
        'ssh://git@github.com/Owner/repo.git',
        'ssh://git@github.com:22/Owner/repo.git',
        'ssh://git@ssh.github.com:443/Owner/repo.git',
        'git+ssh://git@github.com/Owner/repo.git',
        'git+ssh://git@github.com:Owner/repo.git',
        'git://github.com/Owner/repo.git',
        'http://github.com/Owner/repo',
        'https://github.com/Owner/repo',
        'https://github.com:443/Owner/repo',
        'https://github.com:8443/Owner/repo',
        'git+https://github.com/Owner/repo.git',
      ],
    ],
    [
      'does not tell who asks',
      'git.example.com/team/thing',
      [
        'https://ada@git.example.com/team/thing.git',
        'https://ada:secret@git.example.com/team/thing.git',
        'https://oauth2:glpat-1@git.example.com/team/thing',
        'ada@git.example.com:team/thing.git',
        'ssh://ada:secret@git.example.com/team/thing',
      ],
    ],
    [
      'is written in one way',
      'git.example.com/team/thing',
      [
        ' https://git.example.com/team/thing.git \n',
        'HTTPS://GIT.Example.COM/team/thing.git',
        'git@GIT.EXAMPLE.COM:team/thing.git',
        'ssh://git@GIT.EXAMPLE.COM/team/thing.git',
        'https://git.example.com./team/thing',
        'https://git.example.com/team/thing/',
        'https://git.example.com/team/thing.git/',
        'https://git.example.com//team//thing.git',
        'https://git.example.com/./team/thing',
        'https://git.example.com/team/thing?tab=readme#top',
      ],
    ],
    [
      'may be deep',
      'gitlab.com/group/sub/group/thing',
      [
        'git@gitlab.com:group/sub/group/thing.git',
        'ssh://git@altssh.gitlab.com:443/group/sub/group/thing.git',
      ],
    ],
    ['may be flat', 'host/thing', ['git@host:thing.git', 'https://host/thing']],
    [
      'may be a path on the host',
      'host/srv/git/thing',
      ['git@host:/srv/git/thing.git', 'ssh://host/srv/git/thing'],
    ],
    ['may begin at a home', 'host/~ada/thing', ['ada@host:~ada/thing', 'ssh://ada@host/~ada/thing.git']],
    [
      'may have spaces, written as they must be',
      'dev.azure.com/org/My Project/_git/thing',
      [
        'https://dev.azure.com/org/My%20Project/_git/thing',
        'https://org@dev.azure.com/org/My%20Project/_git/thing',
      ],
    ],
    ['may have a percent sign that is none', 'host/50%/thing', ['https://host/50%/thing']],
    ['may be numbers', '192.0.2.7/thing', ['git@192.0.2.7:thing.git', 'https://192.0.2.7:3000/thing']],
    [
      'may be many numbers',
      '[2001:db8::7]/thing',
      ['ssh://git@[2001:db8::7]:22/thing', 'git@[2001:DB8::7]:thing'],
    ],
    [
      'has a host in one alphabet',
      'xn--bcher-kva.example/a/b',
      ['https://bücher.example/a/b', 'git@bücher.example:a/b'],
    ],
  ];
  for (const [name, expected, addresses] of same) {
    it(name, () => {
      for (const address of addresses) assert.equal(normaliseRemote(address), expected, address);
    });
  }

  it('keeps the case behind the host, which may tell two apart', () => {
    assert.notEqual(normaliseRemote('https://host/a/B'), normaliseRemote('https://host/a/b'));
  });

  it('does not take .git from the middle of a name', () => {
    assert.equal(normaliseRemote('https://host/a.git/b.github.io'), 'host/a.git/b.github.io');
  });

  for (const text of [
    '',
    ' ',
    'repo',
    '.',
    '..',
    '/srv/git/repo.git',
    './repo',
    '../repo',
    '~/repo',
    'C:\\projects\\repo',
    'C:/projects/repo',
    'file:///srv/git/repo.git',
    'git+file:///srv/git/repo.git',
    'https://',
    'https://host',
    'https://host/',
    'https://host/.git',
    'git@host:',
    'git@host:../../etc',
    'https://host/%2e%2e/%2E%2E/x/%2e./..%2f..',
    'https://host/a b',
    'https://host/a%00b',
    'https://host/%1b[31mred',
    `https://host/${'a'.repeat(2048)}`,
  ]) {
    it(`is none: ${JSON.stringify(text).slice(0, 50)}`, () => assert.equal(normaliseRemote(text), undefined));
  }

  it('is a host and a path that can be shown, whatever it is made of', () => {
    const part = fc.string({ minLength: 1, maxLength: 12 });
    const made = fc.tuple(
      fc.constantFrom('https://', 'ssh://git@', 'git@', ''),
      part,
      fc.constantFrom(':', '/'),
      part,
    );
    fc.assert(
      fc.property(
        fc.oneof(
          made.map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          const found = normaliseRemote(text);
          if (found === undefined) return;
          assert.match(found, /^[^/]+(\/[^/]+)+$/u);
          assert.doesNotMatch(found, /\p{C}/u);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a project', () => {
  it('may have a name instead, which is no address', () => {
    assert.equal(namedProject('My_project-2.x'), 'name:My_project-2.x');
    assert.ok(!namedProject('thing')!.includes('/'));
    for (const name of ['', '.', '-a', 'a/b', 'a b', 'a\n', 'ä', 'a'.repeat(65)])
      assert.equal(namedProject(name), undefined, name);
  });

  it('is known by a hash', () => {
    const id = projectId('github.com/owner/repo');
    assert.equal(id, createHash('sha256').update('github.com/owner/repo').digest('hex'));
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.notEqual(id, projectId('github.com/owner/other'));
  });
});
