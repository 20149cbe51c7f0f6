import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkWeights } from '../../models/src/weights.ts';

const BYTES = 64 * 1024 ** 2;

describe('weights files', () => {
  it('are read for their checksums once, as long as they stay as they are', async (t) => {
    const weights = await weightsOf(t);
    const verified = new Set<string>();
    const timed = async () => {
      const began = performance.now();
      await checkWeights(weights, verified);
      return performance.now() - began;
    };
    const first = await timed();
    assert.equal(verified.size, 1);
    const second = await timed();
    assert.ok(second < first / 2, `${second} ms after ${first} ms`);
  });

  const damage: [how: string, done: (path: string) => Promise<unknown>][] = [
    ['written to', (path) => writeFile(path, 'x', { flag: 'r+' })],
    [
      'written to, with its time set back',
      async (path) => {
        const { atime, mtime } = await stat(path);
        await writeFile(path, 'x', { flag: 'r+' });
        await utimes(path, atime, mtime);
      },
    ],
    [
      'another put in its place',
      async (path) => {
        await writeFile(`${path}.new`, 'x');
        await truncate(`${path}.new`, BYTES);
        await rename(`${path}.new`, path);
      },
    ],
  ];
  for (const [how, done] of damage) {
    it(`are read again after one was ${how}`, async (t) => {
      const weights = await weightsOf(t);
      const verified = new Set<string>();
      await checkWeights(weights, verified);
      await done(weights.path);
      await assert.rejects(checkWeights(weights, verified), {
        code: 'model-invalid',
        message: /is damaged/u,
      });
      assert.equal(verified.size, 1);
    });
  }

  it('are not known to be right for another checksum', async (t) => {
    const weights = await weightsOf(t);
    const verified = new Set<string>();
    await checkWeights(weights, verified);
    await assert.rejects(checkWeights({ ...weights, sha256: '0'.repeat(64) }, verified), /is damaged/u);
  });
});

async function weightsOf(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'foretype-weights-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'a.gguf');
  await writeFile(path, '');
  await truncate(path, BYTES);
  const sha256 = createHash('sha256').update(Buffer.alloc(BYTES)).digest('hex');
  return { file: 'a.gguf', path, bytes: BYTES, sha256 };
}
