/** What a node gives to clients that only tokenize: a manifest, and a file that every client can check. */
import { EMBEDDED_FAMILY, loadFamily, parseGguf } from '@foretype/models';
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { familyOfNode } from '../../server/src/families/of-node.ts';
import { bearer, startEdge, TOKEN } from '../support/edge-node.ts';

const family = await loadFamily(EMBEDDED_FAMILY);
const BASE = `/v1/families/${family.id}`;

interface Manifest {
  readonly draft: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

describe("a family's vocabulary", () => {
  it('is the metadata of the backbone and no tensors, as its manifest says', async (t) => {
    const { url } = await startEdge(t, { family });
    const answer = await fetch(`${url}${BASE}/family.json`, bearer(TOKEN));
    const manifest = (await answer.json()) as Manifest;
    const { file: name, bytes: size, sha256 } = family.backbone;
    const backbone = { file: name, bytes: size, sha256 };
    assert.deepEqual(manifest, { ...family, backbone, draft: manifest.draft, adapters: [], notices: [] });

    const file = await fetch(`${url}${BASE}/${manifest.draft.file}`, bearer(TOKEN));
    const bytes = Buffer.from(await file.arrayBuffer());
    assert.equal(bytes.length, manifest.draft.bytes);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), manifest.draft.sha256);
    const whole = readFileSync(family.backbone.path);
    const { metadata, tensors } = parseGguf(bytes, bytes.length);
    assert.deepEqual([tensors, metadata], [[], parseGguf(whole, whole.length).metadata]);
    assert.ok(bytes.length < 1024 ** 2 && bytes.length < whole.length / 10, `${bytes.length} bytes`);
  });

  it('is not sent again to who has it', async (t) => {
    const { url } = await startEdge(t, { family });
    const ask = (tag?: string) =>
      fetch(`${url}${BASE}/vocabulary.gguf`, {
        headers: { ...bearer(TOKEN).headers, ...(tag !== undefined && { 'if-none-match': tag }) },
      });
    const tag = (await ask()).headers.get('etag')!;
    const again = await ask(tag);
    assert.deepEqual([again.status, await again.text()], [304, '']);
    assert.equal((await ask('"another"')).status, 200);
  });

  it('is not there for a family that is not, nor for nobody', async (t) => {
    const { url } = await startEdge(t, { family });
    for (const file of ['family.json', 'vocabulary.gguf']) {
      const unknown = await fetch(`${url}/v1/families/other/${file}`, bearer(TOKEN));
      assert.equal(unknown.status, 404);
      assert.match(await unknown.text(), /"unknown-family".*has no family/u);
      assert.equal((await fetch(`${url}${BASE}/${file}`)).status, 401);
    }
  });

  it('can be had later where its file could not be read', async (t) => {
    const gone = { ...family, backbone: { ...family.backbone, path: '/nowhere' } };
    const { url, log } = await startEdge(t, { family: gone });
    const answer = await fetch(`${url}${BASE}/family.json`, bearer(TOKEN));
    assert.equal(answer.status, 500);
    assert.ok(!(await answer.text()).includes('/nowhere'));
    assert.ok(log.some((line) => line.includes('ENOENT')));
    (gone.backbone as { path: string }).path = family.backbone.path;
    assert.equal((await fetch(`${url}${BASE}/family.json`, bearer(TOKEN))).status, 200);
  });
});

describe('a client that has not the family of the node', () => {
  const never = new AbortController().signal;
  function partsFor(t: TestContext, url: string, token = TOKEN) {
    const families = mkdtempSync(join(tmpdir(), 'foretype-families-'));
    t.after(() => rmSync(families, { recursive: true, force: true }));
    const asked: string[] = [];
    const counting: typeof fetch = (input, init) => {
      asked.push(new URL(input).pathname);
      return fetch(input, init);
    };
    return { asked, parts: { url, token, fetch: counting, families, id: 'mine', signal: never } };
  }

  it('has its vocabulary once, where nobody takes it for a family to draft with', async (t) => {
    const { url } = await startEdge(t, { family });
    const { asked, parts } = partsFor(t, `${url}/`);
    const directory = await familyOfNode(parts);
    const { id, backbone, tokenizer, draft } = await loadFamily(directory);
    assert.deepEqual([id, backbone.sha256, tokenizer], [family.id, family.backbone.sha256, family.tokenizer]);
    assert.equal(statSync(draft.path).size, draft.bytes);
    assert.deepEqual(readdirSync(parts.families), ['.vocabularies']);
    assert.deepEqual(asked, ['/v1/models', `${BASE}/family.json`, `${BASE}/vocabulary.gguf`]);
    assert.equal(await familyOfNode(parts), directory);
    assert.deepEqual(asked.slice(3), ['/v1/models', `${BASE}/family.json`]);
  });

  it('has the new one where the node tells something else of the same backbone', async (t) => {
    const changed = { ...family, context: family.context / 2 };
    const { parts } = partsFor(t, (await startEdge(t, { family })).url);
    await familyOfNode(parts);
    const { url } = await startEdge(t, { family: changed });
    assert.equal((await loadFamily(await familyOfNode({ ...parts, url }))).context, changed.context);
  });

  it('says in one sentence why it cannot have it', async (t) => {
    const { url } = await startEdge(t, { family });
    const refused =
      /^Error: The vocabulary of the edge node's family cannot be had: it does not say which one it is \(401\)\.$/u;
    await assert.rejects(familyOfNode(partsFor(t, url, 'ft_wrong').parts), refused);
  });
});
