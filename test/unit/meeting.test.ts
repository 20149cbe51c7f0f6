import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { meetingPlace } from '../../models/src/engine/meeting.ts';

describe('where hosts meet', () => {
  it('is made for its user alone, and the same for those who want the same', async (t) => {
    const directory = join(await temporary(t), 'run');
    const place = await meetingPlace(directory, ['a', 1]);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.deepEqual(await meetingPlace(directory, ['a', 1]), place);
    assert.notEqual((await meetingPlace(directory, ['a', 2])).socket, place.socket);
    assert.notEqual(place.socket, place.lock);
  });

  it('is refused where others may write, or may have made it', async (t) => {
    const directory = await temporary(t);
    for (const mode of [0o755, 0o770, 0o777]) {
      await chmod(directory, mode);
      await assert.rejects(meetingPlace(directory, 'a'), /is open to other users/u);
    }
    await chmod(directory, 0o700);
    const link = join(await temporary(t), 'link');
    await symlink(directory, link);
    await assert.rejects(meetingPlace(link, 'a'), /is not a directory/u);
    // Root's own directory is somebody else's for everyone but root.
    if (process.getuid!() !== 0) await assert.rejects(meetingPlace('/root', 'a'));
  });

  it('is refused where the path is too long for a socket', async (t) => {
    const directory = join(await temporary(t), 'long'.repeat(25));
    await assert.rejects(meetingPlace(directory, 'a'), /is too long a path/u);
  });
});

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'foretype-meet-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}
