import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  exclusionOf,
  leftOut,
  NAMES,
  pathOf,
  rulesIn,
  type Found,
  type RuleSet,
} from '../../server/src/context/ignored.ts';

const NOTHING: Found = { own: '', git: '', folder: false, repository: false };

/** The rules in the deepest of these directories, each in the one before it. */
function rulesFor(...directories: [path: string, found: Partial<Found>][]): RuleSet {
  return directories.reduce((rules, [path, found]) => rulesIn(path, rules, { ...NOTHING, ...found }), NAMES);
}

const reasonFor = (path: string, rules = NAMES, use: 'completion' | 'context' = 'completion') =>
  exclusionOf(path, rules, use)?.reason;

describe('a file that holds secrets', () => {
  const secret = [
    '.env .env.local .ENV .envrc prod.env .env~ .env.example.bak .envs/prod/django app/.env/lib/a.py',
    'server.pem server.PEM server.pem.bak .server.key.swp tls.key a.p12 a.pfx key.p8 app.jks app.keystore a.gpg a.ppk',
    'id_rsa id_rsa.pub id_ed25519_work ssh_host_rsa_key .ssh/config .ssh/deep/known_hosts .SSH/config .gnupg/a.conf',
    '.npmrc pkg/.npmrc .yarnrc.yml .pypirc .netrc _netrc .pgpass .htpasswd .git-credentials .git/config sub/.git/config',
    'safe.kdbx safe.kdb .aws/credentials .aws/sso/cache/a.json .kube/config kubeconfig .azure/a.json .docker/config.json',
    '.config/gcloud/a.json .cargo/credentials.toml terraform.tfstate terraform.tfstate.backup .bash_history',
  ];
  for (const name of secret.join(' ').split(' '))
    it(`is known by its name: ${name}`, () => {
      assert.equal(reasonFor(`/home/me/app/${name}`), 'secret');
      // No rules of anybody's bring it back.
      const open = { own: '!*\n!**/*\n!/**', folder: true };
      assert.equal(reasonFor(`/home/me/app/${name}`, rulesFor(['/home/me/app', open])), 'secret');
    });

  const sensitive = [
    'secrets/a.ts Secrets/deep/b.yaml .secrets/a db.secret access.token credentials credentials.json CREDENTIALS.YML',
    'google-credentials.json client_secret_123.json service-account.json secrets.toml prod.tfvars',
  ];
  for (const name of sensitive.join(' ').split(' '))
    it(`is taken for one by its name, and can be brought back: ${name}`, () => {
      assert.equal(reasonFor(`/home/me/app/${name}`), 'sensitive');
      const open = rulesFor(['/home/me/app', { own: '!*', folder: true }]);
      assert.equal(reasonFor(`/home/me/app/${name}`, open), undefined);
    });

  const plain = [
    'main.ts environment.ts env.d.ts env/lib.py .env.example .env.local.sample .env.template sample.env key.ts keys/a.ts',
    'monkey.ts tokens.ts token.ts secret.ts secretary/a.ts credentials.ts credentials/a.ts credentials-service/main.go',
    'kubeconfig/load.go config.json settings.json certs/a.crt .aws/task-definition.json .docker/nginx.conf id_table.ts',
    '.github/workflows/ci.yml git/config .gitconfig history.md package-lock.json tsconfig.json .gitignore auth.json',
  ];
  for (const name of plain.join(' ').split(' '))
    it(`is not any other: ${name}`, () => assert.equal(reasonFor(`/home/me/app/${name}`), undefined));

  it('is known on any system, and where there is no file', () => {
    for (const uri of [
      'file:///c%3A/Users/me/.ssh/known_hosts',
      'file:///C:/Users/me/app/%2Eenv',
      'file:///c:/Users/me/app/.aws%5Ccredentials',
      'file://server/share/app/tls.key',
      'vscode-remote://ssh-remote%2Bhost/home/me/app/.env',
      'untitled:.env',
      'untitled:/home/me/app/.env',
      'untitled:../.env',
      'untitled:C:\\app\\.env',
      'vscode-vfs://github/owner/app/.npmrc',
      'git:/home/me/app/.env?%7B%22ref%22%3A%22HEAD%22%7D',
      'vscode-notebook-cell:/home/me/.ssh/a.ipynb#W0sZmlsZQ%3D%3D',
      '.env',
      '/home/me/50%/.env',
      'file:///home/me/50%/.env',
    ])
      assert.equal(reasonFor(pathOf(uri).path), 'secret', uri);
    for (const uri of [
      'untitled:Untitled-1',
      'untitled:',
      'output:a.b.c',
      'x',
      '',
      'file:///',
      'file:///c:/',
    ])
      assert.equal(reasonFor(pathOf(uri).path), undefined, uri);
  });

  it('counts where the workspace folder is, by a name that is secret and not by one that may be', () => {
    const inside = (folder: string) => rulesFor([folder, { folder: true }]);
    assert.equal(reasonFor('/home/me/secrets/app/main.ts', inside('/home/me/secrets/app')), undefined);
    assert.equal(
      reasonFor('/home/me/secrets/app/secrets/main.ts', inside('/home/me/secrets/app')),
      'sensitive',
    );
    assert.equal(reasonFor('/run/secrets/password'), 'sensitive');
    assert.equal(reasonFor('/home/me/.ssh/config', inside('/home/me/.ssh')), 'secret');
    // Of folders in each other the outer one.
    const both = rulesFor(
      ['/home/me', { folder: true }],
      ['/home/me/secrets', { folder: true, own: '# none' }],
    );
    assert.equal(reasonFor('/home/me/secrets/main.ts', both), 'sensitive');
  });
});

describe('the path of a document', () => {
  const cases: [uri: string, path: string, local: boolean][] = [
    ['file:///home/me/a%20b.ts', '/home/me/a b.ts', true],
    ['file:///c%3A/Users/Me/a.ts', 'c:/Users/Me/a.ts', true],
    ['file:///C:/Users/Me/a.ts', 'c:/Users/Me/a.ts', true],
    ['file://server/share/a.ts', '//server/share/a.ts', true],
    ['file:///home/me/../you/a.ts', '/home/you/a.ts', true],
    ['file:///home/me/a%5Cb.ts', '/home/me/a\\b.ts', true],
    ['vscode-notebook-cell:/home/me/a.ipynb#W0', '/home/me/a.ipynb', true],
    ['vscode-notebook-cell://ssh-remote%2Bhost/home/me/a.ipynb#W0', '/home/me/a.ipynb', false],
    ['vscode-remote://wsl%2Bubuntu/home/me/a.ts', '/home/me/a.ts', false],
    ['untitled:Untitled-1', 'Untitled-1', false],
    ['/home/me/a.ts', '/home/me/a.ts', false],
  ];
  for (const [uri, path, local] of cases)
    it(`is read from ${uri}`, () => assert.deepEqual(pathOf(uri), { path, local }));
});

describe('ignore files', () => {
  const cases: [name: string, directories: Parameters<typeof rulesFor>, path: string, ignored: boolean][] = [
    ['a name anywhere', [['/a', { own: '*.gen.ts' }]], '/a/b/c.gen.ts', true],
    ['nothing beside them', [['/a', { own: '*.gen.ts' }]], '/b/c.gen.ts', false],
    ['a path from their own directory', [['/a', { own: '/gen' }]], '/a/gen/x.ts', true],
    ['and only from there', [['/a', { own: '/gen' }]], '/a/b/gen/x.ts', false],
    ['a slash inside ties too', [['/a', { own: 'b/gen' }]], '/a/c/b/gen', false],
    ['a slash at the end does not', [['/a', { own: 'gen/' }]], '/a/b/gen/x.ts', true],
    ['and wants a directory', [['/a', { own: 'gen/' }]], '/a/gen', false],
    ['the last one decides', [['/a', { own: '*.ts\n!b.ts' }]], '/a/b.ts', false],
    [
      'the nearest one decides',
      [
        ['/a', { own: '*.ts' }],
        ['/a/b', { own: '!*.ts' }],
      ],
      '/a/b/c.ts',
      false,
    ],
    [
      'also against one that brings back',
      [
        ['/a', { own: '!*.ts' }],
        ['/a/b', { own: '*.ts' }],
      ],
      '/a/b/c.ts',
      true,
    ],
    [
      'not out of an excluded directory',
      [
        ['/a', { own: 'b/' }],
        ['/a/b', { own: '!c.ts' }],
      ],
      '/a/b/c.ts',
      true,
    ],
    [
      'a directory that comes back',
      [
        ['/a', { own: 'gen/' }],
        ['/a/b', { own: '!gen/' }],
      ],
      '/a/b/gen/c.ts',
      false,
    ],
    [
      'but not what else excludes in it',
      [
        ['/a', { own: 'gen/\n*.log' }],
        ['/a/b', { own: '!gen/' }],
      ],
      '/a/b/gen/c.log',
      true,
    ],
    ['the root of the system', [['/', { own: 'a/*.ts' }]], '/a/b.ts', true],
    ['a drive', [['c:/a', { own: '/b' }]], 'c:/a/b', true],
    ['a share', [['//server/share', { own: '*.ts' }]], '//server/share/a/b.ts', true],
    ['any case', [['/a', { own: 'Gen/' }]], '/a/gen/x.ts', true],
    ['odd directories', [['/a/[id] (1)/*!#', { own: '/x.ts' }]], '/a/[id] (1)/*!#/x.ts', true],
    ['and only those', [['/a/[id]', { own: 'x.ts' }]], '/a/i/x.ts', false],
    ['escapes', [['/a', { own: '\\!b\n\\#c\nd\\ ' }]], '/a/!b', true],
    ['comments and blanks', [['/a', { own: '#x\n\n  \n/\n//\n!\n' }]], '/a/#x', false],
    ['lines of Windows', [['/a', { own: '\uFEFFb.ts\r\nc.ts\r\n' }]], '/a/b.ts', true],
  ];
  for (const [name, directories, path, ignored] of cases)
    it(`exclude ${name}`, () => {
      assert.equal(reasonFor(path, rulesFor(...directories)), ignored ? 'foretypeignore' : undefined);
    });

  it('of git count for context only, in a repository or a workspace folder', () => {
    const git = 'dist/';
    const at = (found: Partial<Found>) => rulesFor(['/a', { git, ...found }]);
    for (const found of [{ folder: true }, { repository: true }]) {
      assert.equal(reasonFor('/a/dist/x.ts', at(found), 'context'), 'gitignore');
      assert.equal(reasonFor('/a/dist/x.ts', at(found), 'completion'), undefined);
    }
    assert.equal(reasonFor('/a/dist/x.ts', at({}), 'context'), undefined);
  });

  it('of git say nothing about a repository in a repository', () => {
    const rules = rulesFor(
      ['/a', { git: 'b/\n*.log', repository: true }],
      ['/a/b', { repository: true, git: '*.x' }],
    );
    assert.equal(reasonFor('/a/b/c.log', rules, 'context'), undefined);
    assert.equal(reasonFor('/a/b/c.x', rules, 'context'), 'gitignore');
  });

  it('are not brought back by each other', () => {
    const rules = rulesFor(['/a', { git: '!b.ts', own: 'b.ts', folder: true }]);
    assert.equal(reasonFor('/a/b.ts', rules, 'context'), 'foretypeignore');
    const other = rulesFor(['/a', { git: 'b.ts', own: '!b.ts', folder: true }]);
    assert.equal(reasonFor('/a/b.ts', other, 'context'), 'gitignore');
  });

  it('leave what is inside of .git out of any context', () => {
    assert.equal(reasonFor('/a/.git/COMMIT_EDITMSG', NAMES, 'context'), 'gitignore');
    assert.equal(reasonFor('/a/.git/COMMIT_EDITMSG'), undefined);
  });

  it('cannot take seconds', () => {
    const slow = 'a/**/'.repeat(12) + 'b';
    const wide = `a${' '.repeat(100_000)}b`;
    assert.deepEqual(leftOut(`${slow}\n#${slow}\n${wide}\n**/a/**/b\n`), [slow, wide]);
    const started = performance.now();
    assert.equal(reasonFor(`/${'a/'.repeat(40)}c`, rulesFor(['/', { own: `${slow}\n${wide}` }])), undefined);
    assert.ok(performance.now() - started < 1000);
  });

  it('may say anything, and paths may be anything', () => {
    const line = fc.string({
      unit: fc.constantFrom('a', '*', '/', '!', '#', '[', ']', '\\', '?', ' ', '-', '.', '{'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 4 }),
        fc.array(line, { minLength: 1, maxLength: 4 }),
        (lines, path) => {
          const text = lines.join('\n');
          const rules = rulesFor(
            ['/', { own: text, git: text, folder: true }],
            [`/${path[0]!}`, { own: text }],
          );
          reasonFor(`/${path.join('/')}`, rules, 'context');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the sentence for a document that is left alone', () => {
  it('names it, and says what can be done', () => {
    const rules = rulesFor(['/a', { own: 'b.ts', git: 'c.ts', folder: true }]);
    const message = (path: string) => exclusionOf(path, rules, 'context')?.message;
    assert.equal(message('/a/.env'), 'Foretype leaves .env alone: files with such a name hold secrets.');
    assert.match(
      message('/a/credentials.json')!,
      /credentials\.json.*bring it back in a \.foretypeignore file\.$/u,
    );
    assert.equal(message('/a/b.ts'), 'Foretype leaves b.ts alone: a .foretypeignore file says so.');
    assert.equal(message('/a/c.ts'), 'Foretype does not show c.ts to other documents: git ignores it.');
  });
});
