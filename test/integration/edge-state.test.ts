import { EMBEDDED_FAMILY, loadFamily, parseGguf } from '@foretype/models';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Blocks } from '../../edge-node/src/adapters/blocks.ts';
import { AdapterStore } from '../../edge-node/src/adapters/store.ts';
import { backupTo, openDatabase } from '../../edge-node/src/state/database.ts';
import { Tokens, type Account } from '../../edge-node/src/state/tokens.ts';

let directory: string;
let database: DatabaseSync;
let clock: Date;
const now = () => clock;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'foretype-state-'));
  database = openDatabase(directory);
  clock = new Date('2026-01-01T00:00:00Z');
});
afterEach(() => {
  if (database.isOpen) database.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The table of projects before they named their adapters; version 2 gave it labels. */
const PROJECT_UNTIL_3 = `
  DROP TABLE project;
  CREATE TABLE project (
    id TEXT PRIMARY KEY,
    adapter INTEGER REFERENCES adapter ON DELETE SET NULL,
    created INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

describe('the database', () => {
  it('keeps what was written, through a second process and a backup', async () => {
    database.prepare("INSERT INTO account (name, role, created) VALUES ('ada', 'user', 1)").run();
    const second = openDatabase(directory);
    assert.equal(second.prepare('SELECT name FROM account').get()!['name'], 'ada');
    second.close();
    const copy = join(directory, 'copy.db');
    await backupTo(database, copy);
    const restored = new DatabaseSync(copy);
    assert.equal(restored.prepare('SELECT name FROM account').get()!['name'], 'ada');
    restored.close();
  });

  const projectsOfVersion = {
    1: `DROP TABLE numbering; ${PROJECT_UNTIL_3}; PRAGMA user_version = 1`,
    3: `${PROJECT_UNTIL_3}; ALTER TABLE project ADD COLUMN label TEXT; PRAGMA user_version = 3`,
  };
  for (const [version, tables] of Object.entries(projectsOfVersion)) {
    it(`of version ${version} is brought up to date, with what is in it`, () => {
      database.exec(tables);
      database.exec(`
        INSERT INTO adapter (id, name, created) VALUES (7, 'other', 1), (8, 'mine', 1);
        INSERT INTO version (adapter, number, sha256, bytes, backbone, rank, created)
          VALUES (8, 1, 'a', 1, 'b', 1, 1);
        INSERT INTO project (id, adapter, created) VALUES ('p', 8, 11), ('q', 7, 12), ('r', 8, 13), ('s', NULL, 14);
      `);
      if (version === '3') database.exec("UPDATE project SET label = 'host/p' WHERE id = 'p'");
      database.close();
      database = openDatabase(directory);
      assert.deepEqual(
        database
          .prepare('SELECT id, adapter, label, created FROM project ORDER BY id')
          .all()
          .map((row) => ({ ...row })),
        [
          { id: 'p', adapter: 'mine', label: version === '3' ? 'host/p' : null, created: 11 },
          { id: 'q', adapter: 'other', label: null, created: 12 },
          { id: 'r', adapter: 'mine', label: null, created: 13 },
        ],
      );
      assert.equal(database.prepare('SELECT count(*) AS all_of_them FROM version').get()!['all_of_them'], 1);
      assert.ok(Number(database.prepare('PRAGMA user_version').get()!['user_version']) > 3);
      database.close();
      database = openDatabase(directory);
      assert.equal(database.prepare('SELECT count(*) AS left FROM project').get()!['left'], 3, 'once');
    });
  }

  it('refuses one of a newer version', () => {
    database.exec('PRAGMA user_version = 99');
    assert.throws(() => openDatabase(directory), {
      code: 'state-invalid',
      message: `The database ${join(directory, 'node.db')} was made by a newer version of foretype-edge; use that one, or restore a backup.`,
    });
  });

  it('says what is no database', () => {
    database.close();
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    writeFileSync(join(directory, 'node.db'), 'x'.repeat(4096));
    assert.throws(() => openDatabase(directory), {
      code: 'state-invalid',
      message: `The database ${join(directory, 'node.db')} cannot be used (file is not a database); let this user read and write it, or restore it from a backup.`,
    });
  });
});

describe('Tokens', () => {
  const ada: Account = { name: 'ada', role: 'user' };
  let made = 0;
  const random = (size: number) => Buffer.alloc(size, ++made);
  const tokens = (of = database) => new Tokens({ database: of, random, now });

  it('knows the account of a token, and keeps only its hash', () => {
    assert.ok(tokens().isEmpty);
    const token = tokens().create(ada);
    assert.match(token, /^ft_[\w-]{43}$/);
    assert.deepEqual(tokens().verify(token)?.account, ada);
    assert.equal(tokens().verify(`${token}x`), undefined);
    assert.ok(!tokens().isEmpty);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    assert.ok(!readFileSync(join(directory, 'node.db')).includes(token.slice(3)));
  });

  it('ends with its time', () => {
    const token = tokens().create(ada, new Date('2026-02-01T00:00:00Z'));
    const access = tokens().verify(token)!;
    clock = new Date('2026-01-31T23:59:59Z');
    assert.ok(tokens().stillValid(access));
    clock = new Date('2026-02-01T00:00:00Z');
    assert.ok(!tokens().stillValid(access));
    assert.equal(tokens().verify(token), undefined);
  });

  it('ends where another process revokes it', () => {
    const token = tokens().create(ada);
    const access = tokens().verify(token)!;
    const other = openDatabase(directory);
    assert.ok(tokens(other).revoke(access.token));
    assert.ok(!tokens(other).revoke(access.token));
    assert.ok(!tokens(other).revoke(77));
    other.close();
    assert.ok(!tokens().stillValid(access));
    assert.equal(tokens().verify(token), undefined);
  });

  it('lists what may be told', () => {
    tokens().create(ada);
    const admin = tokens().create({ name: 'grace', role: 'admin' }, new Date('2027-01-01T00:00:00Z'));
    tokens().revoke(tokens().verify(admin)!.token);
    assert.deepEqual(tokens().list(), [
      { id: 1, account: ada, created: clock, expires: null, revoked: null },
      {
        id: 2,
        account: { name: 'grace', role: 'admin' },
        created: clock,
        expires: new Date('2027-01-01T00:00:00Z'),
        revoked: clock,
      },
    ]);
  });
});

describe('AdapterStore', async () => {
  const family = await loadFamily(EMBEDDED_FAMILY);
  const weights = readFileSync(family.backbone.path);
  const backbone = { sha256: family.backbone.sha256, gguf: parseGguf(weights, weights.length) };
  const [first, second] = family.adapters.map(({ path }) => path) as [string, string];
  const store = () => {
    const blocks = join(directory, 'blocks');
    return new AdapterStore({ database, blocks: new Blocks(blocks), directory: blocks, now });
  };
  const blocks = () =>
    readdirSync(join(directory, 'blocks'), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    ).length;

  it('never gives the id of one version to another, also after the adapter was removed', async () => {
    await store().add('mine', first, backbone);
    await store().add('mine', second, backbone);
    await store().remove('mine');
    assert.equal((await store().add('mine', second, backbone)).number, 3);
    assert.equal((await store().add('other', second, backbone)).number, 1);
  });

  it('gives an adapter back byte for byte, and counts versions', async () => {
    const one = await store().add('mine', first, backbone);
    const two = await store().add('mine', second, backbone);
    assert.deepEqual([one.number, two.number, one.rank], [1, 2, 8]);
    assert.equal((await store().add('mine', first, backbone)).number, 1);
    assert.equal(store().versions('mine').length, 2);
    const path = join(directory, 'again.gguf');
    await store().writeTo(two.id, path);
    assert.ok(readFileSync(path).equals(readFileSync(second)));
  });

  for (const [what, damage, expected] of [
    [
      'no number in it',
      (file: Buffer) => file.writeFloatLE(NaN, file.length - 4),
      /has values that are no numbers\.$/,
    ],
    [
      'a wrong type',
      (file: Buffer) => file.write('lorb', file.indexOf('lora')),
      /^Its adapter\.type is "lorb"/,
    ],
    ['a lie about its length', (file: Buffer) => file.fill(0xff, 16, 20), /more than 4096\.$/],
  ] as const) {
    it(`leaves nothing of a file with ${what}`, async () => {
      const file = readFileSync(first);
      damage(file);
      const path = join(directory, 'bad.gguf');
      writeFileSync(path, file);
      await assert.rejects(store().add('mine', path, backbone), { code: 'invalid', message: expected });
      assert.deepEqual(store().versions(), []);
      assert.equal(blocks(), 0);
    });
  }

  it('removes what no other adapter needs', async () => {
    await store().add('mine', first, backbone);
    const alone = blocks();
    await store().add('copy', first, backbone);
    assert.equal(blocks(), alone);
    await store().remove('mine');
    assert.equal(blocks(), alone);
    await store().remove('copy');
    assert.equal(blocks(), 0);
    await assert.rejects(store().remove('copy'), { code: 'unknown' });
  });

  it('answers a project with one adapter at a time, as long as it is there', async () => {
    await store().add('mine', first, backbone);
    await store().add('mine', second, backbone);
    await store().add('other', second, backbone);
    store().assign({ id: 'p', label: 'host/p' }, 'mine');
    store().assign({ id: 'q', label: null }, 'mine');
    store().assign({ id: 'p', label: 'host/P' }, 'other');
    assert.deepEqual(store().projects(), [
      { id: 'q', label: null, adapter: 'mine' },
      { id: 'p', label: 'host/P', adapter: 'other' },
    ]);
    store().pin('mine', true);
    const { versions, projects } = store().stored();
    assert.deepEqual(
      versions.map(({ adapter, number, pinned }) => [adapter, number, pinned]),
      [
        ['mine', 1, true],
        ['mine', 2, true],
        ['other', 1, false],
      ],
    );
    assert.deepEqual(
      projects,
      new Map([
        ['q', 'mine'],
        ['p', 'other'],
      ]),
    );
    assert.ok(store().unassign('p'));
    assert.ok(!store().unassign('p'));
    await store().remove('mine');
    assert.deepEqual(store().stored().projects, new Map());
    assert.ok(!store().unassign('q'));
    store().assign({ id: 'q', label: null }, 'other');
    assert.equal(store().stored().projects.get('q'), 'other');
    for (const act of [
      () => store().assign({ id: 'p', label: null }, 'none'),
      () => store().pin('none', true),
    ])
      assert.throws(act, { code: 'unknown', message: 'There is no adapter named "none".' });
  });

  it('answers projects with what is shipped, unless an adapter of that name was added', async () => {
    const shipped = { shipped: true };
    const assigned = () =>
      store()
        .projects()
        .map(({ id, adapter }) => `${id}: ${adapter}`);
    store().assign({ id: 'p', label: null }, 'theirs', shipped);
    await store().add('theirs', first, backbone);
    await store().add('mine', second, backbone);
    store().assign({ id: 'q', label: null }, 'theirs');
    store().assign({ id: 'r', label: null }, 'mine', shipped);
    assert.deepEqual(assigned(), ['p: theirs', 'q: theirs', 'r: mine']);
    await store().remove('theirs', shipped);
    assert.deepEqual(store().versions('theirs'), []);
    assert.deepEqual(assigned(), ['p: theirs', 'q: theirs', 'r: mine'], 'what is shipped answers them');
    await assert.rejects(store().remove('theirs'), { code: 'unknown' });
    assert.deepEqual(assigned(), ['p: theirs', 'q: theirs', 'r: mine'], 'nothing was removed');
    await store().remove('mine');
    await store().add('mine', second, backbone);
    assert.deepEqual(assigned(), ['p: theirs', 'q: theirs'], 'an adapter that comes again answers none');
    assert.ok(store().unassign('p'));
    assert.deepEqual(assigned(), ['q: theirs']);
  });

  it('takes adapters from several at once', async () => {
    await Promise.all([
      store().add('one', first, backbone),
      store().add('two', second, backbone),
      assert.rejects(store().add('bad', family.backbone.path, backbone)),
    ]);
    assert.deepEqual(
      store()
        .versions()
        .map(({ adapter }) => adapter),
      ['one', 'two'],
    );
    for (const { id } of store().versions()) await store().writeTo(id, join(directory, 'whole.gguf'));
  });
});
