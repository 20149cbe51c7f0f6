import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Blocks } from '../../edge-node/src/adapters/blocks.ts';
import { piecesOf } from '../../edge-node/src/adapters/pieces.ts';
import { parseGguf } from '../../models/src/gguf.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'foretype-blocks-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = () =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
const stored = () => files().reduce((sum, one) => sum + statSync(join(one.parentPath, one.name)).size, 0);

describe('Blocks', () => {
  it('gives back what it was given, and keeps the same bytes once', async () => {
    const blocks = new Blocks(directory);
    const [one, again, other] = [
      await blocks.put(Buffer.from('one')),
      await blocks.put(Buffer.from('one')),
      await blocks.put(Buffer.from('other')),
    ];
    assert.equal(one, again);
    assert.equal((await blocks.get(one)).toString(), 'one');
    assert.equal((await blocks.get(other)).toString(), 'other');
    assert.equal(files().length, 2);
  });

  it('leaves nothing of a block that cannot be written', async () => {
    const blocks = new Blocks(join(directory, 'a file'));
    writeFileSync(join(directory, 'a file'), '');
    await assert.rejects(blocks.put(Buffer.from('one')), { code: 'ENOTDIR' });
    assert.equal(files().length, 1);
  });

  it('says which block is damaged', async () => {
    const blocks = new Blocks(directory);
    const bytes = Buffer.from('one');
    const id = await blocks.put(bytes);
    const [file] = files();
    writeFileSync(join(file!.parentPath, file!.name), 'two');
    await assert.rejects(blocks.get(id), { message: `The block ${id} is damaged.` });
    assert.equal(await blocks.put(bytes), id);
    assert.deepEqual(await blocks.get(id), bytes, 'mended by who brings it again');
  });

  it('keeps only what it is told to', async () => {
    const blocks = new Blocks(directory);
    const [one, other] = [await blocks.put(Buffer.from('one')), await blocks.put(Buffer.from('other'))];
    writeFileSync(join(directory, one.slice(0, 2), `${one.slice(2)}.77.new`), 'half');
    await blocks.keepOnly(new Set([one]));
    assert.ok(await blocks.has(one));
    assert.ok(!(await blocks.has(other)));
    assert.equal(files().length, 1);
  });

  it('makes an adapter again from its blocks, and two versions that share half take little more than one', async () => {
    const { adapters } = await loadFamily(EMBEDDED_FAMILY);
    const first = readFileSync(adapters[0]!.path);
    const gguf = parseGguf(first, first.length);
    const second = Buffer.from(first);
    let changed = 0;
    for (const { at, bytes } of gguf.tensors) {
      if (changed >= first.length / 2) break;
      second[at] = first[at]! ^ 1;
      changed += bytes;
    }
    const blocks = new Blocks(directory);
    const store = (file: Buffer) =>
      Promise.all(
        piecesOf(gguf, file.length).map(({ at, bytes }) => blocks.put(file.subarray(at, at + bytes))),
      );
    for (const file of [first, second]) {
      const whole = await Promise.all((await store(file)).map((id) => blocks.get(id)));
      assert.ok(Buffer.concat(whole).equals(file));
    }
    assert.ok(stored() <= 0.77 * (first.length + second.length), `${stored()} bytes`);
  });
});
