/** Families of a laptop: what is listed, and how they come over a network or from a folder. */
import { EMBEDDED_FAMILY, fingerprintOf, loadFamily, parseGguf } from '@foretype/models';
import { KNOWN_FAMILIES } from '@foretype/models/catalogue';
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import {
  CancellationTokenSource,
  createConnection,
  createProtocolConnection,
  LSPErrorCodes,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgress,
  type ResponseError,
} from 'vscode-languageserver/node';
import {
  importFamily,
  installFamily,
  listFamilies,
  type InstallTools,
} from '../../server/src/families/families.ts';
import { alone } from '../../server/src/families/lock.ts';
import { answerFamilies } from '../../server/src/families/requests.ts';
import { directoryOf } from '../../server/src/families/place.ts';
import { removeFamily } from '../../server/src/families/remove.ts';
import {
  FamiliesRequest,
  ImportFamilyRequest,
  InstallFamilyRequest,
  RemoveFamilyRequest,
  type FamilyFailure,
} from '../../server/src/protocol.ts';
import {
  cutAfter,
  fileServer,
  knownFamily,
  modelFile,
  sha256,
  TOKENS,
  type Misbehaviour,
} from '../support/edge-catalogue.ts';

const FILES = {
  backbone: modelFile({ tokens: TOKENS, padding: 128, name: 'backbone' }),
  draft: modelFile({ tokens: TOKENS, name: 'draft' }),
};
const manifestWith = (draft: Buffer, id = 'made-1.0') =>
  JSON.stringify({
    format: 1,
    id,
    licence: 'MIT',
    context: 128,
    tokenizer: { fingerprint: fingerprintOf(parseGguf(draft, draft.length)), end: [0] },
    fim: { prefix: 1, suffix: 2, middle: 3, order: 'prefix-first' },
    backbone: { file: 'backbone.gguf', bytes: FILES.backbone.length, sha256: sha256(FILES.backbone) },
    draft: { file: 'draft.gguf', bytes: draft.length, sha256: sha256(draft) },
    adapters: [],
  });
const MANIFEST = manifestWith(FILES.draft);
const MACHINE = { memory: 16 * 1024 ** 3, free: 8 * 1024 ** 3, cores: 8, disk: 1024 ** 4 };

let directory: string;
let families: string;
let reports: [file: string, received: number, total: number][];
let tools: InstallTools;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foretype-families-'));
  families = join(directory, 'families');
  reports = [];
  tools = {
    fetch,
    sleep: () => Promise.resolve(),
    freeBytes: () => Promise.resolve(1024 ** 4),
    note: () => undefined,
    progress: (...report) => void reports.push(report),
  };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const installed = () =>
  existsSync(families) ? readdirSync(families).filter((name) => !name.startsWith('.')) : [];
const part = () => join(families, '.made-1.0.part', 'draft.gguf.part');

async function served(t: TestContext) {
  const server = await fileServer(t);
  server.files.set('backbone.gguf', FILES.backbone).set('draft.gguf', FILES.draft);
  server.files.set('family.json', Buffer.from(MANIFEST));
  return { server, offered: [knownFamily(server.url, FILES)] };
}

/** Sends so many bytes, and then nothing for as long as the other side listens. */
const stallAfter =
  (bytes: number, stalled: () => void): Misbehaviour =>
  (_request, response, file) => {
    response.writeHead(200, { 'content-length': file.length, etag: `"${sha256(file)}"` });
    response.write(file.subarray(0, bytes), stalled);
  };

describe('the families of a laptop', () => {
  const list = async (change: { used?: string } = {}, offered?: Parameters<typeof listFamilies>[2]) =>
    listFamilies({ standard: EMBEDDED_FAMILY, families, used: EMBEDDED_FAMILY, ...change }, MACHINE, offered);

  it('are the one that is built in and those of the catalogue that nobody has to guess about', async () => {
    const { families: offers, problems } = await list();
    assert.deepEqual(problems, []);
    const [first, ...others] = offers;
    assert.deepEqual(
      [first!.id, first!.where, first!.setting, first!.used, first!.licence, first!.fit.verdict],
      ['foretype-small', 'embedded', '', true, 'MIT', 'good'],
    );
    assert.match(first!.parameters!, /^\d+(\.\d)? M$/);
    const pinned = KNOWN_FAMILIES.filter(({ backbone }) => backbone.sha256 !== null).map(({ id }) => id);
    assert.deepEqual(
      others.map(({ id }) => id),
      pinned,
    );
    for (const { where, setting, came, bytes, fit } of others) {
      assert.deepEqual([where, setting, came], ['catalogue', null, 0]);
      assert.ok(bytes > 5e8);
      assert.match(fit.sentence, /^[A-Z].*\.$/);
    }
  });

  it('are there once, with what is wrong with those that cannot be used', async (t) => {
    const { server, offered } = await served(t);
    await installFamily('made-1.0', families, tools, offered);
    server.next.clear();
    const own = join(directory, 'own');
    await mkdir(own);
    await writeFile(join(own, 'family.json'), manifestWith(FILES.draft, 'own-1.0'));
    await writeFile(join(own, 'draft.gguf'), FILES.draft);
    await mkdir(join(families, 'broken'));
    const { families: offers, problems } = await list({ used: own }, offered);
    assert.deepEqual(
      offers.map(({ id, where, setting, used }) => [id, where, setting, used]),
      [
        ['foretype-small', 'embedded', '', false],
        ['made-1.0', 'installed', 'made-1.0', false],
        ['own-1.0', 'elsewhere', own, true],
      ],
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^The family manifest .*broken.family\.json cannot be read; .*\.$/);

    await rm(join(families, 'made-1.0', 'draft.gguf'));
    const again = await list({}, offered);
    assert.match(again.problems.join('\n'), /draft\.gguf has 0 bytes, expected \d+; install .* again\.$/m);
    assert.deepEqual(
      again.families.filter(({ id }) => id === 'made-1.0').map(({ where }) => where),
      ['catalogue'],
    );
  });
});

describe('a family of the catalogue, on a laptop', () => {
  it('is its draft, with a manifest that names the backbone', async (t) => {
    const { server, offered } = await served(t);
    const { family, directory: place, already } = await installFamily('made-1.0', families, tools, offered);
    assert.deepEqual([already, place], [false, join(families, 'made-1.0')]);
    assert.deepEqual(server.asked, ['draft.gguf']);
    assert.deepEqual(readdirSync(place).toSorted(), ['draft.gguf', 'family.json']);
    assert.ok(readFileSync(family.draft.path).equals(FILES.draft));
    // An edge node that has the whole family is one that it can be verified by.
    assert.deepEqual(JSON.parse(readFileSync(join(place, 'family.json'), 'utf8')), JSON.parse(MANIFEST));
    assert.deepEqual(await loadFamily(place), family);
    assert.deepEqual(reports.at(-1), ['draft.gguf', FILES.draft.length, FILES.draft.length]);
    assert.equal((await installFamily('made-1.0', families, tools, offered)).already, true);
    assert.deepEqual(server.asked, ['draft.gguf']);
  });

  it('goes on where it broke off', async (t) => {
    const { server, offered } = await served(t);
    server.next.set('draft.gguf', [cutAfter(1000), cutAfter(500)]);
    await installFamily('made-1.0', families, tools, offered);
    assert.deepEqual(server.asked, ['draft.gguf', 'draft.gguf from 1000', 'draft.gguf from 1500']);
    assert.ok(reports.some(([, received]) => received <= 1000));
  });

  it('is called off at once, and goes on from there', async (t) => {
    const { server, offered } = await served(t);
    const abort = new AbortController();
    const reason = new Error('called off');
    server.next.set('draft.gguf', [stallAfter(1200, () => undefined)]);
    const progress: InstallTools['progress'] = (_file, received) => {
      if (received >= 1200) abort.abort(reason);
    };
    const cancelled = { ...tools, progress, signal: abort.signal };
    await assert.rejects(installFamily('made-1.0', families, cancelled, offered), reason);
    assert.deepEqual(installed(), []);
    assert.equal(statSync(part()).size, 1200);
    const places = { standard: EMBEDDED_FAMILY, families, used: EMBEDDED_FAMILY };
    const listed = (await listFamilies(places, MACHINE, offered)).families.at(-1)!;
    assert.deepEqual([listed.id, listed.where, listed.came], ['made-1.0', 'catalogue', 1200]);

    server.asked.length = 0;
    await installFamily('made-1.0', families, tools, offered);
    assert.deepEqual(server.asked, ['draft.gguf from 1200']);
    assert.deepEqual(installed(), ['made-1.0']);
  });

  it('is called off while it waits to try again, and before it begins', async (t) => {
    const { server, offered } = await served(t);
    const abort = new AbortController();
    server.next.set('draft.gguf', [(_request, response) => void response.writeHead(503).end()]);
    const sleep: InstallTools['sleep'] = (_ms, signal) => {
      abort.abort(new Error('called off'));
      return Promise.reject(new Error(`The pause ended: ${String(signal?.aborted)}.`));
    };
    const cancelled = { ...tools, sleep, signal: abort.signal };
    await assert.rejects(installFamily('made-1.0', families, cancelled, offered), { message: 'called off' });
    server.asked.length = 0;
    await assert.rejects(installFamily('made-1.0', families, cancelled, offered), { message: 'called off' });
    assert.deepEqual(server.asked, []);
  });

  it('that is another is thrown away, in one sentence', async (t) => {
    const { server, offered } = await served(t);
    const other = Buffer.from(FILES.draft);
    other[100]! ^= 1;
    server.files.set('draft.gguf', other);
    await assert.rejects(installFamily('made-1.0', families, tools, offered), {
      code: 'damaged',
      message: /^draft\.gguf is not what it should be \(.*\) and was thrown away; try again, .*\.$/,
    });
    assert.deepEqual([installed(), existsSync(part())], [[], false]);
  });

  it('that has no room is not begun', async (t) => {
    const { server, offered } = await served(t);
    const full = { ...tools, freeBytes: () => Promise.resolve(64 * 1024 ** 2) };
    await assert.rejects(installFamily('made-1.0', families, full, offered), {
      code: 'no-space',
      message: /^\S+ \S+ are to come and 67 MB are free at .*; make room and try again\.$/,
    });
    assert.deepEqual(server.asked, []);
  });

  it('that fills the disk is said to', { skip: !existsSync('/dev/full') }, async (t) => {
    const { offered } = await served(t);
    await mkdir(join(families, '.made-1.0.part'), { recursive: true });
    await symlink('/dev/full', part());
    await assert.rejects(installFamily('made-1.0', families, tools, offered), {
      code: 'no-space',
      message: /^The disk is full: .* cannot grow; make room and try again, it goes on from there\.$/,
    });
  });

  it('is not downloaded where another one has the same draft', async (t) => {
    const { server, offered } = await served(t);
    await installFamily('made-1.0', families, tools, offered);
    server.asked.length = 0;
    const other = [{ ...offered[0]!, id: 'made-2.0' }];
    const { family } = await installFamily('made-2.0', families, tools, other);
    assert.deepEqual(server.asked, []);
    assert.ok(readFileSync(family.draft.path).equals(FILES.draft));

    // What is damaged there is no use here.
    await writeFile(family.draft.path, Buffer.alloc(FILES.draft.length));
    await rm(join(families, 'made-1.0'), { recursive: true });
    await installFamily('made-1.0', families, tools, offered);
    assert.deepEqual(server.asked, ['draft.gguf']);
  });

  it('whose backbone nobody vouches for is not offered, and refused', async (t) => {
    const { offered } = await served(t);
    const [known] = offered;
    const unknown = [{ ...known!, backbone: { ...known!.backbone, sha256: null } }];
    await assert.rejects(installFamily('made-1.0', families, tools, unknown), { code: 'unknown' });
    await assert.rejects(installFamily('other', families, tools, offered), {
      code: 'unknown',
      message: 'The catalogue has no family "other"; it has made-1.0.',
    });
  });
});

describe('a family from elsewhere, on a laptop', () => {
  const folder = async () => {
    const place = join(directory, 'copy');
    await mkdir(place);
    await writeFile(join(place, 'draft.gguf'), FILES.draft);
    await writeFile(join(place, 'family.json'), MANIFEST);
    return place;
  };
  const offline = () => ({ ...tools, fetch: () => Promise.reject(new Error('There is no network.')) });

  it('comes from a folder without a network, which need not have the backbone', async () => {
    const { family, already } = await importFamily(await folder(), families, offline());
    assert.equal(already, false);
    assert.ok(readFileSync(family.draft.path).equals(FILES.draft));
    assert.deepEqual(readdirSync(join(families, 'made-1.0')).toSorted(), ['draft.gguf', 'family.json']);
    assert.equal((await importFamily(join(directory, 'copy'), families, offline())).already, true);
  });

  it('leaves the backbone and adapters where they are', async () => {
    const place = join(directory, 'small');
    await cp(EMBEDDED_FAMILY, place, { recursive: true });
    await importFamily(place, families, offline());
    assert.deepEqual(readdirSync(join(families, 'foretype-small')).toSorted(), [
      'NOTICE.md',
      'draft.q8_0.gguf',
      'family.json',
    ]);
  });

  it('does not come damaged, in part or without a manifest', async () => {
    const place = await folder();
    await writeFile(join(place, 'draft.gguf'), 'no model');
    await assert.rejects(importFamily(place, families, offline()), {
      code: 'damaged',
      message: /^draft\.gguf is not what it should be/,
    });
    await rm(join(place, 'draft.gguf'));
    await assert.rejects(importFamily(place, families, offline()), { code: 'ENOENT' });
    await writeFile(join(place, 'family.json'), '{');
    await assert.rejects(importFamily(place, families, offline()), {
      code: 'model-invalid',
      message: /family\.json is not JSON; /,
    });
    assert.deepEqual(installed(), []);
  });

  it('comes from an address, without its backbone', async (t) => {
    const { server } = await served(t);
    await importFamily(server.url, families, tools);
    assert.deepEqual(server.asked, ['family.json', 'draft.gguf']);
    assert.deepEqual(installed(), ['made-1.0']);
  });

  it('brings the notices and licences along that lie in its folder', async () => {
    const place = await folder();
    const texts = ['NOTICE', 'LICENSE.txt', 'Licence', 'COPYING.LESSER', 'THIRD-PARTY-NOTICES.md'];
    for (const name of [...texts, 'README.md', '.license'])
      await writeFile(join(place, name), `${name} says so.`);
    await mkdir(join(place, 'LICENSES'));
    await importFamily(place, families, offline());
    const came = join(families, 'made-1.0');
    assert.deepEqual(readdirSync(came).toSorted(), ['draft.gguf', 'family.json', ...texts].toSorted());
    assert.equal(readFileSync(join(came, 'COPYING.LESSER'), 'utf8'), 'COPYING.LESSER says so.');
  });

  it('comes from an address with the notices that its manifest names, as they should be', async (t) => {
    const { server } = await served(t);
    const notice = Buffer.from('Made by somebody.');
    const manifest = JSON.parse(MANIFEST) as object;
    const notices = [{ file: 'NOTICE.md', bytes: notice.length, sha256: sha256(notice) }];
    server.files.set('family.json', Buffer.from(JSON.stringify({ ...manifest, notices })));
    server.files.set('LICENSE', Buffer.from('Nobody named it.'));
    server.files.set('NOTICE.md', Buffer.from('Made by nobody..!'));
    await assert.rejects(importFamily(server.url, families, tools), {
      code: 'damaged',
      message: /^NOTICE\.md is not what it should be /,
    });
    assert.deepEqual(installed(), []);
    server.files.set('NOTICE.md', notice);
    server.asked.length = 0;
    await importFamily(server.url, families, tools);
    assert.deepEqual(server.asked, ['family.json', 'NOTICE.md']);
    const came = join(families, 'made-1.0');
    assert.deepEqual(readdirSync(came).toSorted(), ['NOTICE.md', 'draft.gguf', 'family.json']);
    assert.ok(readFileSync(join(came, 'NOTICE.md')).equals(notice));

    await rm(join(came, 'NOTICE.md'));
    assert.equal((await importFamily(server.url, families, tools)).already, false);
    assert.ok(readFileSync(join(came, 'NOTICE.md')).equals(notice));
  });

  it('comes from nowhere else', async () => {
    for (const from of ['copy', './copy', 'ftp://host/copy'])
      await assert.rejects(importFamily(from, families, offline()), { code: 'usage' });
  });
});

describe('a family that is removed', () => {
  const remove = (id: string, change: { standard?: string; used?: string } = {}) => {
    const places = { standard: EMBEDDED_FAMILY, families, used: EMBEDDED_FAMILY, ...change };
    return removeFamily(id, () => places);
  };
  const lay = async (place: string, id = 'made-1.0') => {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'draft.gguf'), FILES.draft);
    await writeFile(join(place, 'family.json'), manifestWith(FILES.draft, id));
  };

  it('leaves nothing behind, nor is another one touched', async () => {
    await lay(join(families, 'made-1.0'));
    await lay(join(families, 'made-1.0.1'), 'made-1.0.1');
    await mkdir(join(families, '.made-1.0.part'));
    await writeFile(part(), FILES.draft.subarray(0, 100));
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), ['made-1.0.1']);
    await loadFamily(join(families, 'made-1.0.1'));
    await assert.rejects(remove('made-1.0'), {
      code: 'unknown',
      message: '"made-1.0" is not installed; look at its name.',
    });
  });

  it('goes where only a part of it came, and where it is damaged', async () => {
    await mkdir(join(families, '.made-1.0.part'), { recursive: true });
    await writeFile(part(), FILES.draft.subarray(0, 100));
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), []);
    await lay(join(families, 'made-1.0'));
    await writeFile(join(families, 'made-1.0', 'family.json'), '{');
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), []);
  });

  it('is found by its name in a folder that somebody called otherwise', async () => {
    await lay(join(families, 'copied'));
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), []);
  });

  it('is not the one that is built in', async () => {
    const message = 'foretype-small is built in and cannot be removed.';
    await assert.rejects(remove('foretype-small'), { code: 'embedded', message });
    const standard = join(families, 'made-1.0');
    await lay(standard);
    await assert.rejects(remove('made-1.0', { standard, used: EMBEDDED_FAMILY }), { code: 'embedded' });
    assert.ok(existsSync(join(standard, 'draft.gguf')));
  });

  it('is not the one that is in use, by whatever way', async () => {
    const place = join(families, 'made-1.0');
    await lay(place);
    const way = join(directory, 'way');
    await symlink(place, way);
    for (const used of [place, way])
      await assert.rejects(remove('made-1.0', { used }), {
        code: 'in-use',
        message: /^made-1\.0 is in use and cannot be removed; .* by the setting "family"\.$/,
      });
    assert.ok(existsSync(join(place, 'draft.gguf')));
    assert.deepEqual(readdirSync(families), ['made-1.0']);
  });

  it('is nothing outside of where families are', async () => {
    const outside = join(directory, 'made-1.0');
    await lay(outside);
    await mkdir(families);
    for (const id of ['../made-1.0', outside, '..', '.', '', 'a/../../made-1.0', '.made-1.0'])
      await assert.rejects(remove(id), { code: 'unknown' });
    await symlink(outside, join(families, 'made-1.0'));
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), []);
    assert.ok(lstatSync(outside).isDirectory());
    await loadFamily(outside);
    assert.ok(existsSync(join(outside, 'draft.gguf')));
  });

  it('is no folder in which nobody ever put a family', async () => {
    await mkdir(join(families, 'letters'), { recursive: true });
    await writeFile(join(families, 'letters', 'dear.txt'), 'Dear');
    await assert.rejects(remove('letters'), { code: 'unknown' });
    assert.ok(existsSync(join(families, 'letters', 'dear.txt')));
  });

  it('is not the one that somebody is installing', async () => {
    await lay(join(families, 'made-1.0'));
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const installing = alone(join(families, '.made-1.0.lock'), () => promise);
    await assert.rejects(remove('made-1.0'), {
      code: 'in-use',
      message: /^made-1\.0 is being installed by another window or command; .*\.$/,
    });
    resolve(undefined);
    await installing;
    await remove('made-1.0');
    assert.deepEqual(readdirSync(families), []);
  });
});

describe('two who want a family at once', () => {
  it('have it come once', async (t) => {
    const { server, offered } = await served(t);
    const both = await Promise.all([1, 2].map(() => installFamily('made-1.0', families, tools, offered)));
    assert.deepEqual(both.map(({ already }) => already).toSorted(), [false, true]);
    assert.deepEqual(server.asked, ['draft.gguf']);
  });

  it('wait for each other no longer than they want', async () => {
    const path = join(directory, 'lock');
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const first = alone(path, () => promise);
    const abort = new AbortController();
    const second = alone(path, () => Promise.resolve(), abort.signal);
    const reason = new Error('called off');
    abort.abort(reason);
    await assert.rejects(second, reason);
    resolve(undefined);
    await first;
    assert.equal(existsSync(path), false);
  });

  it('do not wait for one that ended without a word', async () => {
    const path = join(directory, 'lock');
    // No process has so large a number.
    await writeFile(path, String(2 ** 30));
    await alone(path, () => Promise.resolve());
    await writeFile(path, String(process.pid));
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(path, longAgo, longAgo);
    await alone(path, () => Promise.resolve());
    assert.deepEqual(readdirSync(directory), []);
  });
});

describe('what a client may ask about families', () => {
  /** A client and a server that knows of families only, in one process. */
  function asking(t: TestContext, given: { fetch?: typeof fetch; family?: string } = {}) {
    const [up, down] = [new PassThrough(), new PassThrough()];
    const connection = createConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
    const places = { standard: EMBEDDED_FAMILY, families };
    const mended: string[] = [];
    answerFamilies(connection, {
      places: () => ({ ...places, used: directoryOf(given.family ?? '', places) }),
      fetch: () => given.fetch ?? fetch,
      onMended: () => void mended.push('mended'),
    });
    connection.listen();
    const client = createProtocolConnection(new StreamMessageReader(down), new StreamMessageWriter(up));
    client.listen();
    t.after(() => {
      client.dispose();
      connection.dispose();
    });
    return { client, mended };
  }

  it('is answered without a network where only what there is was asked', async (t) => {
    const { client } = asking(t, { fetch: () => Promise.reject(new Error('Nobody may ask a network.')) });
    const list = await client.sendRequest(FamiliesRequest, {});
    assert.deepEqual([list.families[0]!.id, list.families[0]!.used], ['foretype-small', true]);
    assert.ok(list.families.length > 1);
  });

  it('says how far it is, and what has to be set', async (t) => {
    const { server } = await served(t);
    const { client, mended } = asking(t);
    const said: (string | number | undefined)[] = [];
    client.onProgress(WorkDoneProgress.type, 'token', (value) => {
      said.push(value.kind, value.kind === 'end' ? undefined : value.percentage);
    });
    const params = { from: server.url, workDoneToken: 'token' };
    const answer = await client.sendRequest(ImportFamilyRequest, params);
    assert.deepEqual(answer, { outcome: 'installed', id: 'made-1.0', setting: 'made-1.0', already: false });
    assert.deepEqual(said.slice(0, 2), ['begin', 0]);
    assert.deepEqual(said.slice(-4), ['report', 100, 'end', undefined]);
    assert.deepEqual(mended, []);
  });

  it('is called off by the request’s own cancellation, and goes on when it is asked again', async (t) => {
    const { server } = await served(t);
    const { client } = asking(t);
    const source = new CancellationTokenSource();
    server.next.set('draft.gguf', [stallAfter(1000, () => source.cancel())]);
    const answer = await client.sendRequest(ImportFamilyRequest, { from: server.url }, source.token);
    assert.deepEqual(answer, { outcome: 'cancelled' });
    const came = statSync(part()).size;
    server.asked.length = 0;
    const again = await client.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.equal(again.outcome, 'installed');
    assert.deepEqual(server.asked, ['family.json', came > 0 ? `draft.gguf from ${came}` : 'draft.gguf']);
  });

  it('fails in one sentence', async (t) => {
    const { server } = await served(t);
    const { client } = asking(t);
    server.files.delete('draft.gguf');
    await assert.rejects(client.sendRequest(ImportFamilyRequest, { from: server.url }), {
      message: /draft\.gguf is not there; look at the address, .*\.$/,
    });
    await assert.rejects(client.sendRequest(ImportFamilyRequest, { from: join(directory, 'none') }), {
      message: /^The family manifest .* cannot be read; .*\.$/,
    });
    await assert.rejects(client.sendRequest(InstallFamilyRequest, { id: 'none' }), {
      message: /^The catalogue has no family "none"; it has qwen.*\.$/,
    });
  });

  it('removes a family, and says by a code why it does not', async (t) => {
    const { server } = await served(t);
    const { client } = asking(t);
    await client.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.equal(await client.sendRequest(RemoveFamilyRequest, { id: 'made-1.0' }), null);
    assert.deepEqual(readdirSync(families), []);
    const refused = async (of: typeof client, id: string) => {
      const failed = of.sendRequest(RemoveFamilyRequest, { id }).then(
        () => assert.fail('It was removed.'),
        (error: unknown) => error as ResponseError<FamilyFailure>,
      );
      const { code, data, message } = await failed;
      assert.equal(code, LSPErrorCodes.RequestFailed);
      assert.match(message, /^\S+ is .*\.$/);
      return data!.code;
    };
    assert.equal(await refused(client, 'made-1.0'), 'unknown');
    assert.equal(await refused(client, 'foretype-small'), 'embedded');
    const { client: user } = asking(t, { family: 'made-1.0' });
    await user.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.equal(await refused(user, 'made-1.0'), 'in-use');
    assert.deepEqual(installed(), ['made-1.0']);
  });

  it('has the family that is used taken anew when its files were made good', async (t) => {
    const { server } = await served(t);
    const { client, mended } = asking(t, { family: 'made-1.0' });
    await client.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.deepEqual(mended, ['mended']);
    await client.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.deepEqual(mended, ['mended']);
    await writeFile(join(families, 'made-1.0', 'draft.gguf'), 'no model');
    await client.sendRequest(ImportFamilyRequest, { from: server.url });
    assert.deepEqual(mended, ['mended', 'mended']);
  });
});
