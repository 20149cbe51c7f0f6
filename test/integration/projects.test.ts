import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { namedProject, projectId } from '@foretype/edge-node/protocol';
import { Projects } from '../../server/src/projects.ts';

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'foretype-project-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const documentIn = (folder: string) => pathToFileURL(join(folder, 'file.ts')).href;

function git(folder: string, ...args: string[]): void {
  execFileSync('git', ['-C', folder, ...args], { stdio: 'ignore' });
}

describe('the project of a document', () => {
  it("is that of its repository's remote, however it is written", async (t) => {
    const ids = [];
    for (const remote of ['git@Example.com:team/app.git', 'https://user:secret@example.com/team/app/']) {
      const folder = directory(t);
      git(folder, 'init', '-q');
      git(folder, 'remote', 'add', 'origin', remote);
      mkdirSync(join(folder, 'src', 'deep'), { recursive: true });
      ids.push(await new Projects().of(documentIn(join(folder, 'src', 'deep'))));
    }
    assert.deepEqual(ids, [projectId('example.com/team/app'), projectId('example.com/team/app')]);
  });

  it('is that of a worktree’s repository', async (t) => {
    const folder = directory(t);
    git(folder, 'init', '-q');
    git(folder, 'remote', 'add', 'origin', 'ssh://git@example.com:22/team/app.git');
    git(
      folder,
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      'commit',
      '--allow-empty',
      '-qm',
      'first',
    );
    const tree = join(directory(t), 'tree');
    git(folder, 'worktree', 'add', '-q', tree);
    assert.equal(await new Projects().of(documentIn(tree)), await new Projects().of(documentIn(folder)));
    assert.notEqual(await new Projects().of(documentIn(tree)), undefined);
  });

  it('is what a committed file names, before any remote', async (t) => {
    const folder = directory(t);
    git(folder, 'init', '-q');
    git(folder, 'remote', 'add', 'origin', 'git@example.com:team/app.git');
    writeFileSync(join(folder, '.foretype.json'), JSON.stringify({ project: 'ours' }));
    mkdirSync(join(folder, 'src'));
    assert.equal(await new Projects().of(documentIn(join(folder, 'src'))), projectId(namedProject('ours')!));
  });

  it('is none without a repository, a remote, or a file', async (t) => {
    const plain = directory(t);
    assert.equal(await new Projects().of(documentIn(plain)), undefined);
    git(plain, 'init', '-q');
    assert.equal(await new Projects().of(documentIn(plain)), undefined);
    writeFileSync(join(plain, '.foretype.json'), '{ "project": ');
    assert.equal(await new Projects().of(documentIn(plain)), undefined);
    assert.equal(await new Projects().of('untitled:Untitled-1'), undefined);
  });
});
