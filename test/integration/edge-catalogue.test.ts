import { fingerprintOf, loadFamily } from '@foretype/models';
import {
  importFrom,
  progressLines,
  pullFrom,
  pullKnown,
  type KnownFamily,
  type PullTools,
} from '@foretype/models/catalogue';
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import { alone } from '../../edge-node/src/adapters/lock.ts';
import { parseGguf } from '../../models/src/gguf.ts';
import {
  cutAfter,
  fileServer,
  knownFamily,
  modelFile,
  sha256,
  TOKENS,
  type FileServer,
  type Misbehaviour,
} from '../support/edge-catalogue.ts';
import { terminal } from '../support/edge-commands.ts';

let directory: string;
let families: string;
let notes: string[];
let pauses: number[];
let tools: PullTools;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'foretype-families-'));
  families = join(directory, 'families');
  notes = [];
  pauses = [];
  const note = (line: string) => void notes.push(line);
  tools = {
    wants: 'backbone',
    elsewhere: '--state',
    alone,
    fetch,
    sleep: (ms) => Promise.resolve(pauses.push(ms)),
    freeBytes: () => Promise.resolve(1024 ** 4),
    note,
    progress: progressLines(() => new Date(0), note),
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FILES = {
  backbone: modelFile({ tokens: TOKENS, padding: 128, name: 'backbone' }),
  draft: modelFile({ tokens: TOKENS, name: 'draft' }),
};
const MANIFEST = JSON.stringify({
  format: 1,
  id: 'made-1.0',
  licence: 'MIT',
  context: 128,
  tokenizer: { fingerprint: fingerprintOf(parseGguf(FILES.draft, FILES.draft.length)), end: [0] },
  fim: { prefix: 1, suffix: 2, middle: 3, order: 'prefix-first' },
  backbone: { file: 'backbone.gguf', bytes: FILES.backbone.length, sha256: sha256(FILES.backbone) },
  draft: { file: 'draft.gguf', bytes: FILES.draft.length, sha256: sha256(FILES.draft) },
  adapters: [],
});

async function served(t: TestContext): Promise<{ server: FileServer; known: KnownFamily }> {
  const server = await fileServer(t);
  server.files.set('backbone.gguf', FILES.backbone).set('draft.gguf', FILES.draft);
  server.files.set('family.json', Buffer.from(MANIFEST));
  return { server, known: knownFamily(server.url, FILES) };
}

/** What is there under a name that somebody could serve. */
const installed = () =>
  existsSync(families) ? readdirSync(families).filter((name) => !name.startsWith('.')) : [];
const partly = (file: string) => join(families, '.made-1.0.part', file);

describe('a family of the catalogue', () => {
  it('comes with a manifest that a node reads', async (t) => {
    const { known } = await served(t);
    const { family, directory: place, already } = await pullKnown(known, families, tools);
    assert.equal(already, false);
    assert.deepEqual([place, family.id, family.context], [join(families, 'made-1.0'), 'made-1.0', 128]);
    assert.ok(readFileSync(family.backbone.path).equals(FILES.backbone));
    assert.deepEqual(await loadFamily(place), family);
    assert.deepEqual(JSON.parse(readFileSync(join(place, 'family.json'), 'utf8')), JSON.parse(MANIFEST));
    assert.deepEqual(readdirSync(place).toSorted(), ['backbone.gguf', 'draft.gguf', 'family.json']);
    assert.equal(statSync(family.backbone.path).mode & 0o777, 0o600);
    assert.ok(
      notes.some((line) => /^backbone\.gguf: .* \(100 %\)$/.test(line)),
      notes.join('\n'),
    );

    assert.equal((await pullKnown(known, families, tools)).already, true);
  });

  it('goes on where it broke off, in the same run and in another', async (t) => {
    const { server, known } = await served(t);
    server.next.set('draft.gguf', [cutAfter(1000), cutAfter(500)]);
    server.next.set(
      'backbone.gguf',
      Array.from({ length: 5 }, () => (request) => void request.destroy()),
    );
    await assert.rejects(pullKnown(known, families, tools), {
      code: 'network',
      message:
        /^http:\S+backbone\.gguf does not answer \(\w+\)\. What came so far is kept: try again later\.$/,
    });
    assert.deepEqual(server.asked.slice(0, 3), [
      'draft.gguf',
      'draft.gguf from 1000',
      'draft.gguf from 1500',
    ]);
    assert.deepEqual(pauses, [1000, 1000, 1000, 3000, 9000, 27000]);
    assert.deepEqual(installed(), []);

    server.asked.length = 0;
    server.next.set('backbone.gguf', [cutAfter(2000)]);
    await pullKnown(known, families, tools);
    assert.deepEqual(server.asked, ['backbone.gguf', 'backbone.gguf from 2000']);
    assert.deepEqual(installed(), ['made-1.0']);
  });

  it('goes on where the server sent less than it said', async (t) => {
    const { server, known } = await served(t);
    const less: Misbehaviour = (_request, response, file) => {
      const range = `bytes 1000-${file.length - 1}/${file.length}`;
      response
        .writeHead(206, { 'content-range': range, 'content-length': 500 })
        .end(file.subarray(1000, 1500));
    };
    server.next.set('draft.gguf', [cutAfter(1000), less]);
    await pullKnown(known, families, tools);
    assert.deepEqual(server.asked.slice(0, 3), [
      'draft.gguf',
      'draft.gguf from 1000',
      'draft.gguf from 1500',
    ]);
    assert.match(
      notes.join('\n'),
      /draft\.gguf ended after 1500 of \d+ bytes\. It is tried again in 1 s\.$/m,
    );
  });

  it('begins again where the server cannot go on', async (t) => {
    const { server, known } = await served(t);
    const whole = (_request: unknown, response: { end: (file: Buffer) => void }, file: Buffer) =>
      response.end(file);
    server.next.set('draft.gguf', [cutAfter(1000), whole]);
    await pullKnown(known, families, tools);
    assert.deepEqual(installed(), ['made-1.0']);
  });

  it('that is another is thrown away, and can be had again', async (t) => {
    const { server, known } = await served(t);
    const other = Buffer.from(FILES.backbone);
    other[100]! ^= 1;
    server.files.set('backbone.gguf', other);
    await assert.rejects(pullKnown(known, families, tools), {
      code: 'damaged',
      message:
        /^backbone\.gguf is not what it should be \(SHA-256 [0-9a-f]{12}…, expected [0-9a-f]{12}…\) and was thrown away; .*\.$/,
    });
    assert.ok(!existsSync(partly('backbone.gguf.part')));
    assert.ok(existsSync(partly('draft.gguf')));
    server.files.set('backbone.gguf', FILES.backbone);
    server.asked.length = 0;
    await pullKnown(known, families, tools);
    assert.deepEqual(server.asked, ['backbone.gguf']);
  });

  it('that a part of another stands for is thrown away too', async (t) => {
    const { known } = await served(t);
    mkdirSync(join(families, '.made-1.0.part'), { recursive: true });
    writeFileSync(partly('draft.gguf.part'), 'x'.repeat(100));
    await assert.rejects(pullKnown(known, families, tools), { code: 'damaged' });
    await pullKnown(known, families, tools);
    assert.deepEqual(installed(), ['made-1.0']);
  });

  for (const [what, behave, message] of [
    [
      'says another length',
      (_request, response) => void response.writeHead(200, { 'content-length': 7 }).end('1234567'),
      /draft\.gguf has 7 bytes, expected \d+: it is not the file that it should be\.$/,
    ],
    [
      'says no length',
      (_request, response, file) =>
        void response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(file),
      /draft\.gguf does not say how long it is; .*\.$/,
    ],
    [
      'is not there',
      (_request, response) => void response.writeHead(404).end(),
      /draft\.gguf is not there; .*\.$/,
    ],
    [
      'wants a name',
      (_request, response) => void response.writeHead(401).end(),
      /draft\.gguf wants to know who asks, .*\.$/,
    ],
    [
      'answers with another part',
      (_request, response, file) =>
        void response.writeHead(206, { 'content-range': `bytes 5-9/${file.length}` }).end('56789'),
      /draft\.gguf answers with another part than the one asked for; .*\.$/,
    ],
  ] as [string, Parameters<FileServer['next']['set']>[1][number], RegExp][]) {
    it(`whose server ${what} is refused in a sentence`, async (t) => {
      const { server, known } = await served(t);
      server.next.set('draft.gguf', [behave]);
      await assert.rejects(pullKnown(known, families, tools), { code: 'network', message });
      assert.deepEqual(installed(), []);
      assert.deepEqual(pauses, []);
    });
  }

  it('waits for a server that has too much to do', async (t) => {
    const { server, known } = await served(t);
    const busy =
      (status: number) => (_request: unknown, response: { writeHead: (code: number) => { end(): void } }) =>
        response.writeHead(status).end();
    server.next.set('draft.gguf', [busy(503), busy(429)]);
    await pullKnown(known, families, tools);
    assert.deepEqual(pauses, [1000, 3000]);
    assert.match(notes[0]!, /draft\.gguf answers 503\. It is tried again in 1 s\.$/);
  });

  it('that nobody serves is said at once', async (t) => {
    const gone = createServer().listen(0, '127.0.0.1');
    await t.waitFor(() => assert.ok(gone.listening));
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    const known = knownFamily(`http://127.0.0.1:${port}`, FILES);
    await assert.rejects(pullKnown(known, families, tools), {
      code: 'network',
      message:
        /draft\.gguf refuses the connection; look at the address, or import the family from a folder\.$/,
    });
    const nowhere = knownFamily('http://nowhere.invalid', FILES);
    await assert.rejects(pullKnown(nowhere, families, tools), {
      code: 'network',
      message: /no network; .*\.$/,
    });
    assert.deepEqual(pauses, []);
  });

  it('that nobody vouches for is pinned as it came, and never put together of two', async (t) => {
    const { server, known } = await served(t);
    const draft = { ...known.draft, sha256: null, bytes: 1 };
    server.next.set('draft.gguf', [cutAfter(1000)]);
    const { family } = await pullKnown({ ...known, draft }, families, tools);
    assert.equal(family.draft.sha256, sha256(FILES.draft));
    assert.ok(
      notes.some((line) =>
        line.startsWith(`Nobody vouches for draft.gguf: what came (SHA-256 ${family.draft.sha256})`),
      ),
    );
    assert.deepEqual(server.asked.slice(0, 2), ['draft.gguf', 'draft.gguf from 1000']);

    rmSync(family.draft.path.replace('/draft.gguf', ''), { recursive: true });
    const other = modelFile({ tokens: TOKENS, name: 'other' });
    const becomesOther: Parameters<FileServer['next']['set']>[1][number] = (request, response, file) => {
      server.files.set('draft.gguf', other);
      cutAfter(1000)(request, response, file);
    };
    server.next.set('draft.gguf', [becomesOther]);
    const again = await pullKnown({ ...known, draft }, families, tools);
    assert.ok(readFileSync(again.family.draft.path).equals(other));
  });

  it('whose tokenizers differ is no family, and leaves nothing', async (t) => {
    const { server } = await served(t);
    const draft = modelFile({ tokens: TOKENS, end: 1 });
    server.files.set('draft.gguf', draft);
    const known = knownFamily(server.url, { ...FILES, draft });
    await assert.rejects(pullKnown(known, families, tools), {
      code: 'damaged',
      message: /differ in eos_token_id, /,
    });
    assert.deepEqual(installed(), []);
    assert.ok(!existsSync(partly('')));
  });

  it('that has no room is not begun', async (t) => {
    const { server, known } = await served(t);
    const free = 64 * 1024 ** 2 + FILES.backbone.length;
    await assert.rejects(pullKnown(known, families, { ...tools, freeBytes: () => Promise.resolve(free) }), {
      code: 'no-space',
      message: /are to come and .* are free at .*; make room, or choose another place with --state\.$/,
    });
    assert.deepEqual(server.asked, []);
  });

  it(
    'that fills the disk is said to, and goes on when there is room',
    { skip: !existsSync('/dev/full') },
    async (t) => {
      const { known } = await served(t);
      mkdirSync(join(families, '.made-1.0.part'), { recursive: true });
      symlinkSync('/dev/full', partly('draft.gguf.part'));
      await assert.rejects(pullKnown(known, families, tools), {
        code: 'no-space',
        message:
          /^The disk is full: .*draft\.gguf\.part cannot grow; make room and try again, it goes on from there\.$/,
      });
      assert.deepEqual(installed(), []);
      rmSync(partly('draft.gguf.part'));
      await pullKnown(known, families, tools);
    },
  );

  it('is had once by two who want it at once', async (t) => {
    const { server, known } = await served(t);
    const both = await Promise.all([1, 2].map(() => pullKnown(known, families, tools)));
    assert.deepEqual(both.map(({ already }) => already).toSorted(), [false, true]);
    assert.equal(server.asked.length, 2);
  });
});

describe('a family with an address', () => {
  it('comes by its folder or its manifest', async (t) => {
    const { server } = await served(t);
    const { family } = await pullFrom(server.url, families, tools);
    assert.equal(family.id, 'made-1.0');
    assert.match(notes[0]!, /is read over plain HTTP: /);
    assert.equal((await pullFrom(`${server.url}/family.json`, families, tools)).already, true);
    assert.deepEqual(
      readdirSync(families).filter((name) => name.startsWith('.manifest')),
      [],
    );
  });

  it('has its damaged and missing files come again, and no others', async (t) => {
    const { server, known } = await served(t);
    const { family } = await pullFrom(server.url, families, tools);
    const again = [() => pullFrom(server.url, families, tools), () => pullKnown(known, families, tools)];
    for (const pull of again) {
      writeFileSync(family.backbone.path, 'no model');
      server.asked.length = 0;
      assert.equal((await pull()).already, false);
      assert.ok(readFileSync(family.backbone.path).equals(FILES.backbone));
      assert.ok(!server.asked.includes('draft.gguf'));
      rmSync(family.draft.path);
      assert.equal((await pull()).already, false);
      assert.ok(readFileSync(family.draft.path).equals(FILES.draft));
      assert.equal((await pull()).already, true);
    }
    writeFileSync(join(families, 'made-1.0', 'family.json'), '{');
    server.asked.length = 0;
    assert.equal((await pullFrom(server.url, families, tools)).already, false);
    assert.deepEqual(server.asked, ['family.json']);
  });

  it('is another where only its manifest is', async (t) => {
    const { server } = await served(t);
    await pullFrom(server.url, families, tools);
    server.files.set('family.json', Buffer.from(MANIFEST.replace('"context":128', '"context":256')));
    await assert.rejects(pullFrom(server.url, families, tools), { code: 'exists' });
  });

  it('whose manifest never ends is left', { timeout: 10_000 }, async (t) => {
    const { server } = await served(t);
    const endless: Misbehaviour = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.writeHead(200).on('drain', more);
      more();
    };
    server.next.set('family.json', [endless]);
    await assert.rejects(pullFrom(server.url, families, tools), { code: 'network', message: /too long/ });
  });

  it('goes on where it broke off', async (t) => {
    const { server } = await served(t);
    server.next.set('draft.gguf', [cutAfter(1000)]);
    await pullFrom(server.url, families, tools);
    assert.ok(server.asked.includes('draft.gguf from 1000'));
  });

  const wrong = (change: (manifest: Record<string, Record<string, unknown>>) => void): Buffer => {
    const manifest = JSON.parse(MANIFEST) as Record<string, Record<string, unknown>>;
    change(manifest);
    return Buffer.from(JSON.stringify(manifest));
  };
  for (const [what, manifest, message] of [
    ['is not there', undefined, /family\.json is no family: it answers 404; .*\.$/],
    ['is no JSON', Buffer.from('<html>'), /^The family manifest http\S+family\.json is not JSON; .*\.$/],
    ['lacks something', Buffer.from('{"format":1}'), /^The family manifest http\S+ is wrong at .*\.$/],
    ['is endless', Buffer.alloc(1024 ** 2 + 1, 32), /is no family: it broke off, or is too long; .*\.$/],
    [
      'names a file outside',
      wrong((family) => (family['draft']!['file'] = '..')),
      /gives the name "\.\." to a file that cannot have it\.$/,
    ],
    [
      'names itself as a file',
      wrong((family) => (family['draft']!['file'] = 'family.json')),
      /gives the name "family\.json" to a file that cannot have it\.$/,
    ],
    [
      'names two files the same',
      wrong((family) => (family['draft']!['file'] = 'backbone.gguf')),
      /gives the name "backbone\.gguf" to a file that cannot have it\.$/,
    ],
    [
      'has the name of a folder above',
      Buffer.from(MANIFEST.replace('"made-1.0"', '"../made"')),
      /is wrong at id: .*\.$/,
    ],
  ] as [string, Buffer | undefined, RegExp][]) {
    it(`whose manifest ${what} is refused in a sentence`, async (t) => {
      const { server } = await served(t);
      server.files.delete('family.json');
      if (manifest) server.files.set('family.json', manifest);
      await assert.rejects(pullFrom(server.url, families, tools), { name: 'CatalogueError', message });
      assert.deepEqual(installed(), []);
    });
  }

  it('has no secret in the address', async () => {
    await assert.rejects(pullFrom('https://ada:secret@host/family', families, tools), { code: 'usage' });
  });
});

describe('a family in a folder', () => {
  const folder = () => {
    const place = join(directory, 'copy');
    mkdirSync(place);
    writeFileSync(join(place, 'backbone.gguf'), FILES.backbone);
    writeFileSync(join(place, 'draft.gguf'), FILES.draft);
    writeFileSync(join(place, 'family.json'), MANIFEST);
    return place;
  };
  const offline = () => ({ ...tools, fetch: () => Promise.reject(new Error('There is no network.')) });

  it('comes without a network', async () => {
    const { family } = await importFrom(folder(), families, offline());
    assert.ok(readFileSync(family.backbone.path).equals(FILES.backbone));
    assert.ok(readFileSync(family.draft.path).equals(FILES.draft));
  });

  it('may come without its draft, which a node does not need', async () => {
    const place = folder();
    rmSync(join(place, 'draft.gguf'));
    await importFrom(place, families, offline());
    assert.match(notes[0]!, /draft\.gguf is missing, which a node does not need\.$/);
    assert.deepEqual(readdirSync(join(families, 'made-1.0')).toSorted(), ['backbone.gguf', 'family.json']);
  });

  it('does not come damaged or in part', async () => {
    const place = folder();
    writeFileSync(join(place, 'backbone.gguf'), 'no model');
    await assert.rejects(importFrom(place, families, offline()), { code: 'damaged' });
    rmSync(join(place, 'backbone.gguf'));
    await assert.rejects(importFrom(place, families, offline()), { code: 'ENOENT' });
    assert.deepEqual(installed(), []);
  });

  it('does not take the place of another', async () => {
    await importFrom(folder(), families, offline());
    const other = modelFile({ tokens: TOKENS, name: 'other' });
    const place = join(directory, 'copy');
    writeFileSync(join(place, 'backbone.gguf'), other);
    writeFileSync(
      join(place, 'family.json'),
      MANIFEST.replace(sha256(FILES.backbone), sha256(other)).replace(
        `${FILES.backbone.length}`,
        `${other.length}`,
      ),
    );
    await assert.rejects(importFrom(place, families, offline()), {
      code: 'exists',
      message: `Another version of made-1.0 is in ${join(families, 'made-1.0')}; remove it first.`,
    });
  });
});

describe('foretype-edge models', () => {
  it('lists what is here and what could be had', async () => {
    const { run, state } = terminal(directory);
    const { code, out } = await run('models', 'list');
    assert.equal(code, 0);
    assert.match(
      out,
      /^FAMILY +WHERE +FILES +MEMORY +FITS +LICENCE\nforetype-small +built in, served .* yes +MIT$/m,
    );
    assert.match(out, /^qwen2\.5-coder-1\.5b +catalogue .* Apache-2\.0$/m);
    assert.match(out, /^qwen2\.5-coder-14b +catalogue .* no +Apache-2\.0$/m);
    assert.match(out, /^qwen2\.5-coder-3b: The licence .*\.$/m);
    mkdirSync(join(state, 'families', '.made-1.0.part'), { recursive: true });
    mkdirSync(join(state, 'families', 'broken'));
    const json = await run('models', 'list', '--json');
    assert.match(json.err, /^The family manifest .*broken\/family\.json cannot be read; .*\.$/);
    const [first] = JSON.parse(json.out) as Record<string, unknown>[];
    assert.deepEqual([first!['id'], first!['where'], first!['fits']], ['foretype-small', 'built in', true]);
  });

  it('pulls from a folder and from an address, and says how it is served', async (t) => {
    const { server } = await served(t);
    const { run, state } = terminal(directory);
    const place = join(state, 'families', 'made-1.0');
    assert.deepEqual((await run('models', 'pull', server.url)).out, `made-1.0 is installed in ${place}.`);
    const again = await run('models', 'pull', place);
    assert.deepEqual([again.code, again.out], [0, `made-1.0 is installed already, in ${place}.`]);
    assert.match(again.err, new RegExp(`^Serve it with --family ${place}\\.$`, 'm'));
    assert.match((await run('models', 'list')).out, /^made-1\.0 +installed /m);
    assert.match((await run('models', 'list', '--family', place)).out, /^made-1\.0 +installed, served /m);
  });

  it('says what it does not know', async () => {
    const { run } = terminal(directory);
    const { code, out, err } = await run('models', 'pull', 'qwen');
    assert.deepEqual([code, out], [1, '']);
    assert.match(
      err,
      /^"qwen" is no family: expected a name of the catalogue \(qwen2\.5-coder-1\.5b, .*\), a URL, or a folder .*\.$/,
    );
  });
});
