import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { IgnoreFiles } from '../../server/src/context/ignore-files.ts';
import type { Use } from '../../server/src/context/ignored.ts';

/** A tree on the disk, and what of it is left alone. */
function tree(t: TestContext, files: Record<string, string>, { folders = ['app'] } = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'foretype-ignored-')));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  const clock = { now: 0 };
  const log: string[] = [];
  const uri = (path: string) => pathToFileURL(join(root, path)).href;
  const ignored = new IgnoreFiles({
    folders: folders.map(uri),
    log: (message) => log.push(message.replaceAll(root, '')),
    now: () => clock.now,
  });
  const reason = async (path: string, use: Use = 'completion') =>
    (await ignored.exclusionOf(uri(path), use))?.reason;
  return { root, write, uri, clock, log, ignored, reason };
}

describe('documents that are left alone', () => {
  it('are those that ignore files exclude, the nearest first, in a folder that is no repository', async (t) => {
    const { reason, log } = tree(t, {
      '.foretypeignore': '*.draft.ts\n',
      'app/.foretypeignore': 'gen/\n*.out\n!keep.out\nsub/*.cfg\n',
      'app/.gitignore': 'dist/\n',
      'app/sub/.foretypeignore': '!gen/\n!own.cfg\n',
      'app/sub/deep/.foretypeignore': '*.ts\n!main.ts\n',
    });
    for (const [path, completion, context] of [
      ['app/main.ts', undefined, undefined],
      ['app/a.draft.ts', 'foretypeignore', 'foretypeignore'],
      ['app/gen/a.ts', 'foretypeignore', 'foretypeignore'],
      ['app/sub/gen/a.ts', undefined, undefined],
      ['app/a.out', 'foretypeignore', 'foretypeignore'],
      ['app/keep.out', undefined, undefined],
      ['app/sub/a.cfg', 'foretypeignore', 'foretypeignore'],
      ['app/sub/own.cfg', undefined, undefined],
      ['app/sub/deep/a.ts', 'foretypeignore', 'foretypeignore'],
      ['app/sub/deep/main.ts', undefined, undefined],
      ['app/sub/deep/not/there/yet.ts', 'foretypeignore', 'foretypeignore'],
      ['app/dist/a.js', undefined, 'gitignore'],
      ['app/dist/.env', 'secret', 'secret'],
      ['app/secrets/a.ts', 'sensitive', 'sensitive'],
      ['other/dist/a.js', undefined, undefined],
    ] as const) {
      assert.equal(await reason(path), completion, path);
      assert.equal(await reason(path, 'context'), context, path);
    }
    assert.deepEqual(log, []);
  });

  it('are for context what git ignores, in the repository around the folder', async (t) => {
    const { root, reason } = tree(t, {
      '.gitignore': 'app/\n',
      'repo/.gitignore': 'dist/\n',
      'repo/app/.gitignore': '!dist/\n*.log\n',
      'repo/app/clone/.gitignore': 'x.ts\n',
    });
    mkdirSync(join(root, 'repo/.git'));
    mkdirSync(join(root, 'repo/app/clone/.git'));
    for (const [path, expected] of [
      ['repo/dist/a.ts', 'gitignore'],
      ['repo/app/dist/a.ts', undefined],
      ['repo/app/a.log', 'gitignore'],
      ['repo/app/clone/a.log', undefined],
      ['repo/app/clone/x.ts', 'gitignore'],
      ['repo/.git/HEAD', 'gitignore'],
    ] as const)
      assert.equal(await reason(path, 'context'), expected, path);
  });

  it('are those that a link leads to', { skip: process.platform === 'win32' }, async (t) => {
    const { root, reason, log } = tree(t, {
      'home/.ssh/config': '',
      'home/private/.foretypeignore': '*\n',
      'home/private/a.ts': '',
      'home/shared/a.ts': '',
      'app/main.ts': '',
    });
    symlinkSync(join(root, 'home/.ssh/config'), join(root, 'app/notes.txt'));
    symlinkSync(join(root, 'home/private'), join(root, 'app/linked'));
    symlinkSync(join(root, 'home/shared'), join(root, 'app/shared'));
    symlinkSync(join(root, 'app/main.ts'), join(root, 'app/prod.env'));
    symlinkSync('loop', join(root, 'app/loop'));
    for (const [path, expected] of [
      ['app/notes.txt', 'secret'],
      ['app/linked/a.ts', 'foretypeignore'],
      ['app/linked/not-yet.ts', 'foretypeignore'],
      ['app/shared/a.ts', undefined],
      ['app/prod.env', 'secret'],
      ['app/loop', undefined],
    ] as const)
      assert.equal(await reason(path), expected, path);
    assert.deepEqual(log, []);
  });

  it('are judged below a folder that is a link', { skip: process.platform === 'win32' }, async (t) => {
    const { root, ignored, uri, reason } = tree(t, { 'secrets/real/.foretypeignore': 'a.ts\n' });
    symlinkSync(join(root, 'secrets/real'), join(root, 'app'));
    // Only now it leads somewhere.
    ignored.setFolders([uri('app')]);
    assert.equal(await reason('app/a.ts'), 'foretypeignore');
    assert.equal(await reason('app/b.ts'), undefined);
    assert.equal(await reason('app/secrets/b.ts'), 'sensitive');
    ignored.setFolders([]);
    assert.equal(await reason('app/b.ts'), 'sensitive');
  });

  it('are known by their names alone where there is no file here', async (t) => {
    const { ignored, root } = tree(t, { 'app/.foretypeignore': '*\n' });
    const reason = async (uri: string) => (await ignored.exclusionOf(uri, 'completion'))?.reason;
    assert.equal(await reason(`vscode-remote://ssh-remote%2Bhost${root}/app/a.ts`), undefined);
    assert.equal(await reason(`vscode-remote://ssh-remote%2Bhost${root}/app/.env`), 'secret');
    assert.equal(await reason('untitled:Untitled-1'), undefined);
    assert.equal(await reason('untitled:.env'), 'secret');
    assert.equal(await reason('file:///c%3A/app/a.ts'), undefined);
    assert.equal(await reason('file:///c%3A/app/.env'), 'secret');
    assert.equal(await reason('not a uri'), undefined);
    assert.equal(await reason(`vscode-notebook-cell:${root}/app/a.ipynb#W0`), 'foretypeignore');
  });

  it('are others as soon as somebody tells of a change', async (t) => {
    const { write, ignored, uri, reason, root } = tree(t, { 'app/sub/main.ts': '' });
    assert.equal(await reason('app/sub/main.ts'), undefined);
    const same = (text: string) => {
      write('app/.foretypeignore', text);
      utimesSync(join(root, 'app/.foretypeignore'), 1000, 1000);
    };
    same('main.ts\n');
    assert.equal(await reason('app/sub/main.ts'), undefined);
    ignored.changed(uri('app/.foretypeignore'));
    assert.equal(await reason('app/sub/main.ts'), 'foretypeignore');
    // Written again within one tick of the file system's clock, and as long as before.
    same('mein.ts\n');
    ignored.changed(uri('app/.foretypeignore'));
    assert.equal(await reason('app/sub/main.ts'), undefined);
    rmSync(join(root, 'app/.foretypeignore'));
    ignored.changed(uri('app/.foretypeignore'));
    assert.equal(await reason('app/sub/mein.ts'), undefined);
    mkdirSync(join(root, '.git'));
    write('.gitignore', 'app/\n');
    ignored.changed(uri('.git'));
    assert.equal(await reason('app/sub/mein.ts', 'context'), 'gitignore');
  });

  it('are others a while after a change that nobody tells of', async (t) => {
    const { write, clock, reason, root } = tree(t, {
      'app/.foretypeignore': 'a.ts\n',
      'app/sub/deep/b.ts': '',
    });
    assert.equal(await reason('app/sub/deep/b.ts'), undefined);
    write('app/.foretypeignore', 'a.ts\nb.ts\n');
    clock.now = 4999;
    assert.equal(await reason('app/sub/deep/b.ts'), undefined);
    clock.now = 5000;
    assert.equal(await reason('app/sub/deep/b.ts'), undefined, 'no key waits for the disk');
    assert.equal(await reason('app/sub/deep/b.ts'), 'foretypeignore');
    renameSync(join(root, 'app/.foretypeignore'), join(root, 'app/sub/.foretypeignore'));
    clock.now = 100_000;
    assert.equal(await reason('app/sub/deep/b.ts'), 'foretypeignore');
    assert.equal(await reason('app/a.ts'), undefined);
  });

  it('are asked for at once by many', async (t) => {
    const { reason } = tree(t, { 'app/.foretypeignore': 'a*.ts\n' });
    const paths = Array.from({ length: 200 }, (_, at) => `app/${at % 2 ? 'a' : 'b'}${at}.ts`);
    const reasons = await Promise.all(paths.map((path) => reason(path)));
    assert.deepEqual(
      reasons,
      paths.map((_, at) => (at % 2 ? 'foretypeignore' : undefined)),
    );
  });
});

describe('an ignore file that cannot be obeyed', () => {
  it('excludes nothing, and the log says so once', async (t) => {
    const { root, clock, reason, log } = tree(t, { 'app/sub/.foretypeignore': 'b.ts\n' });
    mkdirSync(join(root, 'app/.foretypeignore'));
    assert.equal(await reason('app/a.ts'), undefined);
    assert.equal(await reason('app/sub/b.ts'), 'foretypeignore');
    const sentence =
      '/app/.foretypeignore cannot be read (it is not a file), so nothing is ignored because of it.';
    assert.deepEqual(log, [sentence]);
    utimesSync(join(root, 'app/.foretypeignore'), 1, 1);
    clock.now = 5000;
    assert.equal(await reason('app/a.ts'), undefined);
    assert.deepEqual(log, [sentence]);
  });

  it(
    'is one without permission, or one that has no end',
    { skip: process.platform === 'win32' },
    async (t) => {
      const { root, reason, log } = tree(t, { 'app/.foretypeignore': 'a.ts\n', 'app/sub/a.ts': '' });
      symlinkSync('/dev/zero', join(root, 'app/sub/.foretypeignore'));
      execFileSync('mkfifo', [join(root, 'app/.gitignore')]);
      if (process.getuid?.() !== 0) chmodSync(join(root, 'app/.foretypeignore'), 0);
      const expected = process.getuid?.() === 0 ? 'foretypeignore' : undefined;
      assert.equal(await reason('app/sub/a.ts'), expected);
      assert.ok(log.some((message) => message.startsWith('/app/sub/.foretypeignore cannot be read')));
      assert.ok(log.some((message) => message.startsWith('/app/.gitignore cannot be read')));
      assert.equal(
        log.some((message) => message.includes('(EACCES)')),
        expected === undefined,
      );
    },
  );

  it('counts as far as it is read, and without what would take too long', async (t) => {
    const slow = 'a/**/'.repeat(9) + 'b';
    const { reason, log } = tree(t, {
      'app/.foretypeignore': `a.ts\n${slow}\n${'#\n'.repeat(65_536)}b.ts\n`,
    });
    assert.equal(await reason('app/a.ts'), 'foretypeignore');
    assert.equal(await reason('app/b.ts'), undefined);
    assert.deepEqual(log, [
      '/app/.foretypeignore is longer than 2000 lines or 128 KiB; the rest of it is not obeyed.',
      `/app/.foretypeignore has a pattern that takes too long and is left out: ${slow}`,
    ]);
  });

  it('is not one that Windows PowerShell wrote', async (t) => {
    const { root, reason } = tree(t, { 'app/a.ts': '' });
    writeFileSync(join(root, 'app/.foretypeignore'), Buffer.from('\uFEFFa.ts\r\n', 'utf16le'));
    assert.equal(await reason('app/a.ts'), 'foretypeignore');
  });
});

describe('what git ignores', () => {
  it('is what git says', async (t) => {
    const files = {
      'app/.gitignore':
        '# all\n*.log\n!keep.log\n/top\nbuild/\ndoc/**/*.txt\nfoo*\n!foobar\n[ab].c\n\\!odd\n\\#odd\n sp ace\nx/*\n!x/y\n**/last\na?c\n*.t[sx]x\n',
      'app/sub/.gitignore': '!*.log\nkeep.log\n/top\nnot/\n!build/\ndeep/**\n!deep/me\n',
      'app/sub/[id]/.gitignore': '*.ts\n!(a).ts\n/b/\n',
    };
    const { root, reason } = tree(t, files);
    const made = spawnSync('git', ['-C', join(root, 'app'), 'init', '-q']);
    if (made.error) {
      t.skip('There is no git here.');
      return;
    }
    const names = [
      'a.log',
      'keep.log',
      'top',
      'build',
      'doc',
      'foo',
      'foobar',
      'a.c',
      'c.c',
      '!odd',
      '#odd',
      ' sp ace',
      'x',
      'y',
    ];
    names.push('last', 'abc', 'abbc', 'a.tsx', 'a.txx', 'me', 'deep', 'a.ts', '(a).ts', 'b', 'n.txt');
    const folders = [
      '',
      'sub/',
      'sub/[id]/',
      'sub/i/',
      'build/',
      'sub/build/',
      'doc/a/b/',
      'x/',
      'x/y/',
      'sub/deep/',
    ];
    folders.push('sub/not/', 'foobar/', 'foo1/', 'top/', 'sub/top/', 'sub/[id]/b/', 'sub/last/');
    const paths = folders.flatMap((folder) => names.map((name) => folder + name));
    const { stdout } = spawnSync(
      'git',
      ['-C', join(root, 'app'), 'check-ignore', '--stdin', '-z', '--no-index'],
      {
        input: paths.join('\0'),
        encoding: 'utf8',
      },
    );
    const expected = new Set(stdout.split('\0').filter(Boolean));
    assert.ok(expected.size > 50 && expected.size < paths.length - 50);
    const different = [];
    for (const path of paths) {
      const ours = (await reason(`app/${path}`, 'context')) === 'gitignore';
      if (ours !== expected.has(path)) different.push(`${path}: ${ours ? 'ours' : 'git'} alone`);
    }
    assert.deepEqual(different, []);
  });
});
