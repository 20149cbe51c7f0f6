/** The language server without a draft model: a vocabulary here, a real node there. */
import {
  draftSpec,
  EMBEDDED_FAMILY,
  loadFamily,
  startEngine,
  tokensOf,
  vocabularySpec,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client } from '../../server/src/client.ts';
import type { ServerStatus } from '../../server/src/protocol.ts';
import { EdgeNode } from '../support/node.ts';

const SOURCE = readFileSync(join(import.meta.dirname, '../../node_modules/fastify/lib/reply.js'), 'utf8');
/** Ends of lines' beginnings, all over the file. */
const PLACES = [...SOURCE.matchAll(/^ +(?:if \(|const |return )/gmu)]
  .filter((_, index) => index % 12 === 0)
  .slice(0, 12)
  .map(({ index, 0: begun }) => {
    const before = SOURCE.slice(0, index + begun.length).split('\n');
    return { line: before.length - 1, character: before.at(-1)!.length };
  });

const connected = (draft: ServerStatus['draft']) => (status: ServerStatus) =>
  status.edge === 'connected' && status.draft === draft;

describe('an engine with a vocabulary only', () => {
  it('tells tokens and texts as one with weights does, and says that it writes nothing', async () => {
    const family = await loadFamily(EMBEDDED_FAMILY);
    const whole = startEngine(draftSpec(family, { sequences: 1, threads: 1 }));
    const bare = startEngine(vocabularySpec(family));
    try {
      assert.deepEqual(await bare.facts(), await whole.facts());
      const tokens = await whole.tokenize(SOURCE);
      assert.deepEqual(await bare.tokenize(SOURCE), tokens);
      assert.equal(await bare.detokenize(tokens), SOURCE);
      const write = tokensOf(bare.write({ context: tokens.slice(0, 10), limit: 1 }));
      await assert.rejects(write, { code: 'engine-failed', message: /vocabulary/u });
      assert.deepEqual(await bare.tokenize('a'), await whole.tokenize('a'), 'and goes on');
    } finally {
      await Promise.all([whole.dispose(), bare.dispose()]);
    }
  });
});

describe('a language server without a draft model', () => {
  const node = new EdgeNode();
  let client: Client;
  let other: Client;
  const settings = (draft: boolean) => ({ edgeUrl: node.url, edgeToken: node.token, draft });
  let copies = 0;
  /** The document under a name of its own, of which nothing is remembered. */
  const open = async (to: Client) => {
    const uri = `file:///project/reply-${++copies}.js`;
    await to.open(uri, SOURCE);
    return uri;
  };

  before(async () => {
    await node.start(['--sequences', '2']);
    ({ client } = await Client.start(settings(false)));
    ({ client: other } = await Client.start(settings(true)));
    await Promise.all([client.until(connected('off')), other.until(connected('ready'))]);
  });
  after(async () => {
    await Promise.all([client.stop(), other.stop()]);
    await node.dispose();
  });

  it('gives what one with a draft model gives once it is verified', async () => {
    let texts = 0;
    for (const place of PLACES) {
      const alone = await client.complete(await open(client), place);
      assert.equal(client.status!.lastCompletion!.path, 'speculated');
      const both = await other.complete(await open(other), place);
      assert.equal(other.status!.lastCompletion!.path, 'speculated');
      assert.equal(alone, both, JSON.stringify(place));
      if (alone !== '') texts++;
    }
    assert.ok(PLACES.length === 12 && texts > 6, `${texts} texts`);
  });

  it('gives nothing while the node is away, says why, and goes on when it is back', async () => {
    await node.end('SIGKILL');
    const { draft, reason } = await client.until(({ edge }) => edge === 'away');
    assert.equal(draft, 'off');
    assert.ok(reason);
    const uri = await open(client);
    const place = PLACES[0]!;
    assert.equal(await client.complete(uri, place), '');
    // It is tried again and again, so that the reason of one moment is not that of the next.
    const away = /^The edge node (closed the connection|at \S+ cannot be reached)\.$/u;
    assert.match((await client.explain(uri))!.steps.at(-1)!, away);
    await node.start(['--sequences', '2']);
    await client.until(connected('off'));
    assert.ok(
      await client.complete(
        uri,
        PLACES.find((one) => one !== place)!,
      ),
    );
  });

  it('drafts again when that is turned on, and stops when it is turned off', async () => {
    await client.configure(settings(true));
    await client.until(connected('ready'));
    await client.configure({ ...settings(true), edgeUrl: '' });
    await client.until(({ edge, draft }) => edge === 'off' && draft === 'ready');
    let drafted = '';
    // Not every place has a draft that is worth showing.
    for (const place of PLACES) drafted ||= await client.complete(await open(client), place);
    assert.ok(drafted);
    assert.equal(client.status!.lastCompletion!.path, 'draft');
    await client.configure({ ...settings(false), edgeUrl: '' });
    const { reason } = await client.until(({ draft }) => draft === 'off');
    assert.match(reason!, /^The draft model is turned off and no edge node is set/u);
    assert.equal(await client.complete(await open(client), PLACES[1]!), '');
  });
});

describe('a language server without a draft model and without the family of the node', () => {
  const folder = mkdtempSync(join(tmpdir(), 'foretype-remote-'));
  const theirs = join(folder, 'theirs');
  const node = new EdgeNode();

  before(async () => {
    // Another name is another family, whatever is in its files.
    cpSync(EMBEDDED_FAMILY, theirs, { recursive: true });
    const path = join(theirs, 'family.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { id: string };
    writeFileSync(path, JSON.stringify({ ...manifest, id: 'theirs' }));
    await node.start(['--family', theirs]);
  });
  after(async () => {
    await node.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has its vocabulary from the node, and gives what one with the family gives', async () => {
    const settings = { edgeUrl: node.url, edgeToken: node.token };
    const families = { FORETYPE_FAMILIES: join(folder, 'families') };
    const { client: drafting } = await Client.start(settings, { FORETYPE_FAMILY: theirs });
    // With a draft model there is no way: what it drafts would be another family's tokens.
    const { client: foreign } = await Client.start(settings, families);
    const { client: bare } = await Client.start({ ...settings, draft: false }, families);
    try {
      const { reason } = await foreign.until(({ edge }) => edge === 'refused');
      assert.match(reason!, /serves the model family "theirs"/u);
      await bare.until(connected('off'));
      await drafting.until(connected('ready'));
      for (const place of PLACES.slice(0, 3)) {
        const uri = `file:///project/theirs-${place.line}.js`;
        for (const client of [bare, drafting]) await client.open(uri, SOURCE);
        const text = await bare.complete(uri, place);
        assert.equal(bare.status!.lastCompletion!.path, 'speculated');
        assert.equal(text, await drafting.complete(uri, place));
      }
    } finally {
      await Promise.all([drafting.stop(), foreign.stop(), bare.stop()]);
    }
  });
});
