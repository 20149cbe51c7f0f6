import { tryLock, unlock } from '@foretype/models';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

describe('a lock', () => {
  it('is one process’s at a time', async (t) => {
    const path = join(await temporary(t), 'lock');
    const tries = await Promise.all(Array.from({ length: 20 }, () => tryLock(path, 15_000)));
    assert.equal(tries.filter((ours) => ours).length, 1);
    await unlock(path);
    assert.ok(await tryLock(path, 15_000));
  });

  it('is taken from a process that is no more, and from one that holds it too long', async (t) => {
    const directory = await temporary(t);
    const path = join(directory, 'lock');
    const { pid } = spawnSync('true');
    await writeFile(path, String(pid));
    assert.equal(await tryLock(path, 15_000), false);
    assert.ok(await tryLock(path, 15_000));
    await utimes(path, 1, 1);
    assert.equal(await tryLock(path, 15_000), false);
    assert.ok(await tryLock(path, 15_000));
    assert.deepEqual(await readdir(directory), ['lock']);
  });
});

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'foretype-lock-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}
