import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import { openDatabase } from '../../edge-node/src/state/database.ts';
import { Tokens } from '../../edge-node/src/state/tokens.ts';
import { probeState } from '../../edge-node/src/doctor/probe.ts';
import type { Finding } from '../../edge-node/src/doctor/judge.ts';
import { projectId } from '../../edge-node/src/protocol/project.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { terminal } from '../support/edge-commands.ts';
import { bearer, startEdge, TOKEN } from '../support/edge-node.ts';
import { edgeState } from '../support/edge-state.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'foretype-commands-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const family = await loadFamily(EMBEDDED_FAMILY);
const [first, second] = family.adapters.map(({ path }) => path) as [string, string];

/** The account that a token stands for, as the node would find it. */
function accountOf(state: string, token: string) {
  const database = openDatabase(state);
  try {
    const tokens = new Tokens({
      database,
      random: () => Buffer.alloc(32),
      now: () => new Date('2026-06-01T12:00:00Z'),
    });
    return tokens.verify(token)?.account;
  } finally {
    database.close();
  }
}

describe('foretype-edge init', () => {
  it('writes a configuration that is read from then on, and shows a token once', async () => {
    const { run, state } = terminal(home);
    const { code, out, err } = await run('init');
    assert.equal(code, 0, err);
    assert.match(out, /^ft_[\w-]{43}$/);
    assert.deepEqual(accountOf(state, out), { name: 'admin', role: 'admin' });
    const path = join(state, 'config.jsonc');
    assert.match(
      err,
      new RegExp(
        `^The configuration is in ${path}\\.\n.* is shown once; .*\nStart the node with foretype-edge\\.$`,
      ),
    );
    assert.deepEqual(
      [path, state].map((place) => statSync(place).mode & 0o777),
      [0o600, 0o700],
    );
    assert.ok(!readFileSync(path, 'utf8').includes(out));
    assert.equal((await run('token', 'list')).code, 0);
    writeFileSync(path, '{"prot": 1}');
    const wrong = await run('token', 'list');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /key "prot": expected one of host, /);
  });

  it('overwrites nothing', async () => {
    const { run, state } = terminal(home);
    await run('init');
    const before = readFileSync(join(state, 'config.jsonc'));
    const again = await run('init');
    assert.deepEqual(
      [again.code, again.out, again.err],
      [
        1,
        '',
        `The file ${join(state, 'config.jsonc')} exists already and stays as it is; change it, or name another with --config.`,
      ],
    );
    assert.ok(readFileSync(join(state, 'config.jsonc')).equals(before));
    assert.equal((JSON.parse((await run('token', 'list', '--json')).out) as unknown[]).length, 1);
  });

  it('makes no second first token', async () => {
    const { run, state } = terminal(home);
    await run('token', 'create', 'ada');
    const { code, out, err } = await run('init');
    assert.deepEqual([code, out], [0, '']);
    assert.match(err, /^There are tokens already; .*\.$/m);
    assert.ok(existsSync(join(state, 'config.jsonc')));
  });

  it('writes where it is told to, and the file leads to the state', async () => {
    const { run } = terminal(home);
    const [state, config] = [join(home, 'state'), join(home, 'etc', 'edge.jsonc')];
    const { code, err } = await run('init', '--state', state, '--config', config);
    assert.equal(code, 0, err);
    assert.match(err, new RegExp(`Start the node with foretype-edge --config ${config}\\.$`));
    assert.match((await run('token', 'list', '--config', config)).out, /^1 +admin +admin /m);
  });

  it('says what stands in its way', async () => {
    writeFileSync(join(home, 'foretype-edge'), 'a file');
    const { code, err } = await terminal(home).run('init');
    assert.deepEqual([code, err.split('\n').length], [1, 1]);
    assert.match(err, /^The file .* exists already; .*\.$/);
  });
});

describe('foretype-edge token', () => {
  it('makes tokens that the node knows, and ends them', async () => {
    const { run, state } = terminal(home);
    const made = await run('token', 'create', 'ada', '--expires', '30d');
    assert.equal(made.code, 0, made.err);
    assert.match(made.err, /^The token of ada \(user\) is shown once; .*\.\nIt ends at 2026-07-01T12:00Z\.$/);
    assert.deepEqual(accountOf(state, made.out), { name: 'ada', role: 'user' });
    const admin = await run('token', 'create', 'grace', '--admin');
    assert.deepEqual(accountOf(state, admin.out), { name: 'grace', role: 'admin' });
    assert.equal(
      (await run('token', 'list')).out,
      [
        'NUMBER  NAME   ROLE   CREATED            ENDS               STATUS',
        '1       ada    user   2026-06-01T12:00Z  2026-07-01T12:00Z  valid',
        '2       grace  admin  2026-06-01T12:00Z  -                  valid',
      ].join('\n'),
    );
    assert.equal((await run('token', 'revoke', '1')).out, 'Token 1 of ada is revoked.');
    assert.equal(accountOf(state, made.out), undefined);
    const again = await run('token', 'revoke', '1');
    assert.deepEqual([again.code, again.err], [1, 'Token 1 was revoked before.']);
    const none = await run('token', 'revoke', '77');
    assert.deepEqual([none.code, none.err], [1, 'There is no token 77; see foretype-edge token list.']);
    const later = terminal(home, { now: () => new Date('2027-01-01T00:00:00Z') });
    const listed = JSON.parse((await later.run('token', 'list', '--json')).out) as { status: string }[];
    assert.deepEqual(
      listed.map(({ status }) => status),
      ['revoked', 'valid'],
    );
    for (const { out } of [await run('token', 'list'), await run('token', 'list', '--json')])
      assert.ok(!out.includes('ft_'));
  });

  it('tells what has expired', async () => {
    const { run } = terminal(home);
    await run('token', 'create', 'ada', '--expires', '2026-06-01');
    const later = terminal(home, { now: () => new Date('2026-06-02T00:00:00Z') });
    assert.match((await later.run('token', 'list')).out, /expired$/);
  });

  it('does not make an admin a user behind their back', async () => {
    const { run, state } = terminal(home);
    const admin = await run('token', 'create', 'grace', '--admin');
    const refused = await run('token', 'create', 'grace');
    assert.deepEqual([refused.code, refused.out], [2, '']);
    assert.match(refused.err, /^grace is an admin: add --admin, or choose another name /);
    assert.equal(accountOf(state, admin.out)?.role, 'admin');
    await run('token', 'create', 'ada');
    assert.match(
      (await run('token', 'create', 'ada', '--admin')).err,
      /^ada is an admin now, with all their tokens\.$/m,
    );
  });

  for (const [argv, code, message] of [
    [['create', ''], 2, /^The name "" is none: /],
    [['create', 'a\u001b[31m'], 2, /^The name .* is none: /],
    [['create', 'ada', '--expires', 'soon'], 2, /^--expires: expected a time as /],
    [['revoke', 'ada'], 2, /^"ada" is no number of a token; /],
    [['list'], 0, /^There is no token; make one with foretype-edge token create NAME\.$/],
  ] as [string[], number, RegExp][]) {
    it(`says what is wrong with ${JSON.stringify(argv)}`, async () => {
      const ran = await terminal(home).run('token', ...argv);
      assert.deepEqual([ran.code, ran.out], [code, ''], ran.err);
      assert.match(ran.err, message);
    });
  }

  it('works while the node has the database open', async () => {
    const { run, state } = terminal(home);
    const node = openDatabase(state);
    const tokens = new Tokens({
      database: node,
      random: () => Buffer.alloc(32),
      now: () => new Date('2026-06-01'),
    });
    const { out } = await run('token', 'create', 'ada');
    const access = tokens.verify(out)!;
    assert.equal(access.account.name, 'ada');
    await run('token', 'revoke', '1');
    assert.ok(!tokens.stillValid(access));
    node.close();
  });

  it('says what is wrong with the database', async () => {
    const { run, state } = terminal(home);
    mkdirSync(state);
    writeFileSync(join(state, 'node.db'), 'x'.repeat(4096));
    const { code, err } = await run('token', 'list');
    assert.equal(code, 1);
    assert.match(err, /^The database .*node\.db cannot be used \(file is not a database\); .*\.$/);
  });

  it('says that the disk is full, and changes nothing', async () => {
    const { run, state } = terminal(home);
    await run('token', 'create', 'ada');
    // A database that may not grow by a page fails as one on a full disk does.
    const full = openDatabase(state);
    const { page_count: pages } = full.prepare('PRAGMA page_count').get()!;
    full.exec(`PRAGMA max_page_count = ${Number(pages)}`);
    const insert = full.prepare("INSERT INTO account (name, role, created) VALUES (?, 'user', 1)");
    const { sentenceOf } = await import('../../edge-node/src/commands/problem.ts');
    assert.throws(
      () => {
        for (let at = 0; at < 10_000; at++) insert.run(`${at}`.repeat(50));
      },
      (error: unknown) => {
        assert.equal(
          sentenceOf(error),
          'The database cannot grow, since the disk is full; make room and try again, nothing was changed.',
        );
        return true;
      },
    );
    full.close();
  });
});

describe('foretype-edge adapter', () => {
  it('adds, lists, shows, exports and removes', async () => {
    const { run } = terminal(home);
    assert.match(
      (await run('adapter', 'add', 'mine', first)).out,
      /^mine@1 is stored: 1\.7 MB, rank 8, for foretype-small\.$/,
    );
    assert.match((await run('adapter', 'add', 'mine', second)).out, /^mine@2 is stored/);
    assert.equal((await run('adapter', 'add', 'mine', first)).out, `${first} is stored already, as mine@1.`);
    const { out } = await run('adapter', 'list');
    assert.match(out, /^mine +2 +1\.7 MB +- +0 +added$/m);
    assert.match(out, /^langium +- +1\.7 MB +- +0 +with foretype-small$/m);
    const listed = JSON.parse((await run('adapter', 'list', '--json')).out) as {
      name: string;
      versions: number;
    }[];
    assert.deepEqual(listed[0], {
      name: 'mine',
      version: 2,
      versions: 2,
      bytes: 1655200,
      pinned: false,
      projects: 0,
      family: null,
    });
    const shown = await run('adapter', 'show', 'mine');
    assert.match(shown.out, /^1 +1\.7 MB +8 +2026-06-01T12:00Z +[0-9a-f]{12} +bb7d2d153ae2$/m);
    assert.equal(
      (JSON.parse((await run('adapter', 'show', 'mine', '--json')).out) as { versions: unknown[] }).versions
        .length,
      2,
    );

    const [path, last] = [join(home, 'one.gguf'), join(home, 'last.gguf')];
    assert.match(
      (await run('adapter', 'export', 'mine@1', path)).out,
      /^mine@1 is in .*: 1\.7 MB, SHA-256 [0-9a-f]{64}\.$/,
    );
    await run('adapter', 'export', 'mine', last);
    assert.ok(readFileSync(path).equals(readFileSync(first)));
    assert.ok(readFileSync(last).equals(readFileSync(second)));
    const taken = await run('adapter', 'export', 'mine', path);
    assert.deepEqual([taken.code, taken.err], [1, `The file ${path} exists already; name another.`]);
    assert.match(
      (await run('adapter', 'export', 'mine@9', join(home, 'x'))).err,
      /^There is no version 9 of mine; /,
    );

    assert.equal((await run('adapter', 'remove', 'mine')).out, 'mine is removed, with all its versions.');
    assert.equal((await run('adapter', 'remove', 'mine')).code, 1);
    assert.ok(!/^mine/m.test((await run('adapter', 'list')).out));
  });

  it('answers projects', async () => {
    const { run, state } = terminal(home);
    await run('adapter', 'add', 'mine', first);
    await run('adapter', 'add', 'other', second);
    const label = 'github.com/owner/repo';
    assert.equal(
      (await run('adapter', 'assign', 'git@github.com:owner/repo.git', 'mine')).out,
      `${label} is answered with mine.`,
    );
    assert.equal((await run('adapter', 'assign', 'name:thing', 'mine')).code, 0);
    const database = openDatabase(state);
    const stored = () => database.prepare('SELECT id, adapter AS name FROM project ORDER BY label').all();
    assert.deepEqual(
      stored().map((row) => ({ ...row })),
      [
        { id: projectId(label), name: 'mine' },
        { id: projectId('name:thing'), name: 'mine' },
      ],
    );
    assert.match(
      (await run('adapter', 'show', 'mine')).out,
      /answers github\.com\/owner\/repo\nanswers name:thing$/,
    );
    await run('adapter', 'assign', `https://ada:secret@github.com/owner/repo/`, 'other');
    assert.equal(stored()[0]!['name'], 'other');
    assert.equal(
      (await run('adapter', 'unassign', `https://${label}`)).out,
      `${label} is answered with the backbone alone.`,
    );
    const again = await run('adapter', 'unassign', `https://${label}`);
    assert.deepEqual([again.code, again.err], [1, `${label} has no adapter.`]);
    assert.equal(
      (await run('adapter', 'remove', 'mine')).err,
      'name:thing is answered with the backbone alone now.',
    );
    assert.deepEqual(stored(), []);
    database.close();
  });

  it('answers projects with adapters of the family beside a running node, unless one is added', async (t) => {
    const state = edgeState(t, { onDisk: true });
    const { url } = await startEdge(t, { state, family });
    const { run } = terminal(home, { env: { FORETYPE_EDGE_STATE: state.directory } });
    const answering = async () => {
      const response = await fetch(`${url}/v1/projects/${projectId('name:thing')}`, bearer(TOKEN));
      const { adapters } = (await response.json()) as { adapters?: { adapter: string; version: unknown }[] };
      return adapters?.map(({ adapter, version }) => ({ adapter, version }));
    };
    const shipped = [{ adapter: 'langium', version: null }];

    const assigned = await run('adapter', 'assign', 'name:thing', 'langium');
    assert.deepEqual(
      [assigned.code, assigned.out],
      [0, 'name:thing is answered with langium.'],
      assigned.err,
    );
    assert.deepEqual(await answering(), shipped);
    const row = /^langium +- +1\.7 MB +- +1 +with foretype-small$/m;
    assert.match((await run('adapter', 'list')).out, row);

    await run('adapter', 'add', 'langium', first);
    assert.deepEqual(await answering(), [{ adapter: 'langium', version: 1 }]);
    const removed = await run('adapter', 'remove', 'langium');
    assert.equal(removed.err, 'name:thing is answered with the langium of foretype-small now.');
    assert.deepEqual(await answering(), shipped);

    const none = await run('adapter', 'assign', 'name:thing', 'none');
    assert.equal(none.code, 1);
    assert.deepEqual(await answering(), shipped, 'what was refused changes nothing');
    await run('adapter', 'unassign', 'name:thing');
    assert.equal(await answering(), undefined);
  });

  it('pins', async () => {
    const { run } = terminal(home);
    await run('adapter', 'add', 'mine', first);
    await run('adapter', 'pin', 'mine');
    assert.match((await run('adapter', 'list')).out, /^mine +1 +1\.7 MB +yes /m);
    assert.match((await run('adapter', 'show', 'mine')).out, /^mine: pinned, /);
    await run('adapter', 'unpin', 'mine');
    assert.match((await run('adapter', 'list')).out, /^mine +1 +1\.7 MB +- /m);
    assert.deepEqual((await run('adapter', 'pin', 'none')).err, 'There is no adapter named "none".');
  });

  it('goes with a family that is named, where several are served', async () => {
    const copy = join(home, 'copy');
    cpSync(EMBEDDED_FAMILY, copy, { recursive: true });
    const manifest = readFileSync(join(copy, 'family.json'), 'utf8');
    writeFileSync(join(copy, 'family.json'), manifest.replace('"foretype-small"', '"other"'));
    const { run } = terminal(home, { env: { FORETYPE_EDGE_FAMILY: `${EMBEDDED_FAMILY}:${copy}` } });
    const unclear = await run('adapter', 'add', 'mine', first);
    assert.deepEqual(
      [unclear.code, unclear.err],
      [2, 'Several families are served: say which with --family, one of foretype-small, other.'],
    );
    const unknown = await run('adapter', 'add', 'mine', first, '--family', 'third');
    assert.deepEqual(
      [unknown.code, unknown.err],
      [1, '--family: expected one of foretype-small, other, got "third".'],
    );
    assert.match((await run('adapter', 'add', 'mine', first, '--family', 'other')).out, /for other\.$/);
  });

  it('says that it goes before one of the family', async () => {
    const { err } = await terminal(home).run('adapter', 'add', 'langium', first);
    assert.equal(err, 'It goes before the adapter of the same name that foretype-small brings.');
  });

  const wrong: [name: string, argv: () => string[], code: number, message: RegExp][] = [
    [
      'a file that is not there',
      () => ['add', 'mine', '/nowhere'],
      1,
      /^The file \/nowhere cannot be read\.$/,
    ],
    ['a folder', () => ['add', 'mine', home], 1, /^A file is a directory; name a file\.$/],
    [
      'a file that is none',
      () => ['add', 'mine', family.backbone.path],
      1,
      /^The file .*backbone.* is no adapter for the backbone of foretype-small\. Its general\.type is .*\.$/,
    ],
    [
      'a file that is cut off',
      () => {
        writeFileSync(join(home, 'cut.gguf'), readFileSync(first).subarray(0, 100_000));
        return ['add', 'mine', join(home, 'cut.gguf')];
      },
      1,
      /^The file .*cut\.gguf is no adapter for the backbone of foretype-small\. The tensor .* ends behind the file\.$/,
    ],
    ['a name that is none', () => ['add', 'My Adapter', first], 1, /^The name "My Adapter" is none: .*\.$/],
    [
      'a project that is none',
      () => ['assign', 'thing', 'mine'],
      2,
      /^Project "thing": expected the URL of a repository, .*\.$/,
    ],
    [
      'an adapter that is not there',
      () => ['assign', 'name:a', 'none'],
      1,
      /^No adapter named "none" was added or comes with a family; see foretype-edge adapter list\.$/,
    ],
    [
      'a name to show that is not there',
      () => ['show', 'none'],
      1,
      /^There is no adapter named "none" that was added; .*\.$/,
    ],
  ];
  for (const [name, argv, code, message] of wrong) {
    it(`says what is wrong with ${name}, and keeps nothing`, async () => {
      const { run, state } = terminal(home);
      const ran = await run('adapter', ...argv());
      assert.deepEqual([ran.code, ran.out], [code, ''], ran.err);
      assert.match(ran.err, message);
      const blocks = join(state, 'blocks');
      const files = existsSync(blocks) ? readdirSync(blocks, { recursive: true, withFileTypes: true }) : [];
      assert.deepEqual(
        files.filter((one) => one.isFile()),
        [],
      );
    });
  }

  it('says that a family is missing', async () => {
    const { run } = terminal(home, { env: { FORETYPE_EDGE_FAMILY: '/nowhere' } });
    for (const argv of [['list'], ['add', 'mine', first], ['assign', 'name:thing', 'langium']]) {
      const { code, err } = await run('adapter', ...argv);
      assert.equal(code, 1);
      assert.match(err, /^The family manifest \/nowhere\/family\.json cannot be read; .*\.$/);
    }
  });

  it('does without a family where it matters to none', async () => {
    await terminal(home).run('adapter', 'add', 'mine', first);
    const { run } = terminal(home, { env: { FORETYPE_EDGE_FAMILY: '/nowhere' } });
    for (const argv of [
      ['assign', 'name:thing', 'mine'],
      ['unassign', 'name:thing'],
      ['remove', 'mine'],
    ]) {
      const { code, err } = await run('adapter', ...argv);
      assert.deepEqual([code, err], [0, '']);
    }
  });
});

describe('foretype-edge backup', () => {
  it('makes a folder that is a state directory', async () => {
    const { run, state } = terminal(home);
    const token = (await run('init')).out;
    await run('adapter', 'add', 'mine', first);
    await run('adapter', 'assign', 'name:thing', 'mine');
    const node = openDatabase(state);
    const folder = join(home, 'backups', 'one');
    const { code, out, err } = await run('backup', folder);
    assert.equal(code, 0, err);
    assert.equal(out, `${folder} has the database, 1.7 MB of adapters, the configuration.`);
    assert.deepEqual(readdirSync(folder).toSorted(), ['blocks', 'config.jsonc', 'node.db']);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'node.db')).mode & 0o777, 0o600);
    node.close();

    // What comes after a backup is not in it.
    await run('adapter', 'remove', 'mine');
    rmSync(state, { recursive: true });
    cpSync(folder, state, { recursive: true });
    assert.deepEqual(accountOf(state, token), { name: 'admin', role: 'admin' });
    const path = join(home, 'again.gguf');
    assert.equal((await run('adapter', 'export', 'mine', path)).code, 0);
    assert.ok(readFileSync(path).equals(readFileSync(first)));
    assert.match((await run('adapter', 'show', 'mine')).out, /^answers name:thing$/m);
    assert.equal((await run('doctor', '--port', '0')).code, 0);
  });

  it('does not touch what is there', async () => {
    const { run } = terminal(home);
    const folder = join(home, 'there');
    mkdirSync(folder);
    const { code, err } = await run('backup', folder);
    assert.deepEqual([code, err], [1, `The folder ${folder} exists already; name a new one.`]);
  });

  it('is not made of damaged blocks, and leaves nothing', async () => {
    const { run, state } = terminal(home);
    await run('adapter', 'add', 'mine', first);
    const [block] = readdirSync(join(state, 'blocks'), { recursive: true, withFileTypes: true }).filter(
      (one) => one.isFile(),
    );
    writeFileSync(join(block!.parentPath, block!.name), 'other');
    const { code, err } = await run('backup', join(home, 'one'));
    assert.equal(code, 1);
    assert.match(err, /^The block [0-9a-f]{64} of an adapter is missing or damaged; .*\.$/);
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith('one')),
      [],
    );
  });

  it('is not made of nothing, and makes nothing', async () => {
    const { run, state } = terminal(home);
    const { code, err } = await run('backup', join(home, 'one'));
    assert.deepEqual([code, err], [1, `There is no node's state in ${state}; name its folder with --state.`]);
    assert.deepEqual(readdirSync(home), []);
  });

  it('works with next to nothing there', async () => {
    const { run } = terminal(home);
    await run('token', 'create', 'ada');
    const folder = join(home, 'one');
    assert.equal((await run('backup', folder)).out, `${folder} has the database, 0 bytes of adapters.`);
    const database = new DatabaseSync(join(folder, 'node.db'));
    assert.equal(database.prepare('PRAGMA quick_check').get()!['quick_check'], 'ok');
    database.close();
  });
});

describe('foretype-edge doctor', () => {
  const findings = async (run: ReturnType<typeof terminal>['run'], ...argv: string[]) => {
    const { out } = await run('doctor', '--json', '--port', '0', ...argv);
    return new Map((JSON.parse(out) as Finding[]).map((finding) => [finding.check, finding]));
  };

  it('finds nothing wrong where nothing is', async () => {
    const { run } = terminal(home);
    await run('init');
    const { code, out, err } = await run('doctor', '--port', '0');
    assert.equal(code, 0, out + err);
    assert.match(out, /^ok +engine +The native library loads a model\.$/m);
    assert.match(out, /^ok +family foretype-small +All 7 files are what they should be\.$/m);
    assert.match(out, /^ok +state +.* is whole; valid tokens: 1\.$/m);
    assert.match(out, /^ok +port /m);
  });

  it('makes no state where there is none', async () => {
    const { run, state } = terminal(home);
    const found = await findings(run);
    assert.equal(found.get('state')!.status, 'warn');
    assert.ok(!existsSync(state));
  });

  it('fails with a code where something fails, and says what to do', async () => {
    const copy = join(home, 'family');
    cpSync(EMBEDDED_FAMILY, copy, { recursive: true });
    const bytes = readFileSync(join(copy, family.backbone.file));
    bytes[1_000_000]! ^= 1;
    writeFileSync(join(copy, family.backbone.file), bytes);
    rmSync(join(copy, family.adapters[0]!.file));
    const { run } = terminal(home);
    const { code, out, err } = await run('doctor', '--port', '0', '--family', copy);
    assert.equal(code, 1);
    assert.match(
      out,
      /^fail +family foretype-small +\S+backbone\S+ is damaged\. \S+ is missing\. Install the model family again\.$/m,
    );
    assert.match(err, /^1 of 9 checks failed; .*\.$/);
  });

  it('does without a family', async () => {
    const { run } = terminal(home);
    const found = await findings(run, '--family', '/nowhere');
    assert.equal(found.get('family /nowhere')!.status, 'fail');
    assert.match(found.get('family /nowhere')!.says, /cannot be read/);
  });

  it('knows a node from something else on its port', async (t: TestContext) => {
    const listen = async (server: ReturnType<typeof createServer>) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      return String((server.address() as AddressInfo).port);
    };
    const { run } = terminal(home);
    const other = await listen(createServer((socket) => socket.end('220 ready\r\n')));
    assert.equal((await findings(run, '--port', other)).get('port')!.status, 'fail');
    const health = JSON.stringify({ status: 'ok', engine: 'ready', version: '1' });
    const node = await listen(createHttp((_request, response) => response.end(health)));
    assert.match((await findings(run, '--port', node)).get('port')!.says, /^A node answers /);
  });

  it('looks into certificates', async () => {
    const [cert, key, other] = ['cert.pem', 'key.pem', 'other.pem'].map((name) => join(home, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(cert, CERTIFICATE);
    writeFileSync(key, KEY, { mode: 0o600 });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(other, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const { run } = terminal(home, { now: () => new Date() });
    const found = async (...argv: string[]) => (await findings(run, ...argv)).get('certificate')!;
    assert.equal((await found('--tls-cert', cert, '--tls-key', key)).status, 'ok');
    assert.match((await found('--tls-cert', cert, '--tls-key', other)).says, /does not belong/);
    assert.match((await found('--tls-cert', '/nowhere', '--tls-key', key)).says, /cannot be read \(ENOENT\)/);
    assert.match(
      (await found('--tls-cert', key, '--tls-key', key)).says,
      /^The certificate .* cannot be read/,
    );
    chmodSync(key, 0o644);
    assert.equal((await found('--tls-cert', cert, '--tls-key', key)).status, 'warn');
    const later = terminal(home, { now: () => new Date('2121-01-01T00:00:00Z') });
    assert.match(
      (await findings(later.run, '--tls-cert', cert, '--tls-key', key)).get('certificate')!.says,
      /ended on/,
    );
  });

  it('finds adapters of which parts are missing, a damaged database and a clock that went back', async () => {
    const { run, state } = terminal(home);
    await run('init');
    await run('adapter', 'add', 'mine', first);
    const early = terminal(home, { now: () => new Date('2026-05-01T00:00:00Z') });
    assert.match(
      (await findings(early.run)).get('clock')!.says,
      /before something that was done at 2026-06-01/,
    );
    rmSync(join(state, 'blocks'), { recursive: true });
    assert.match((await findings(run)).get('state')!.says, /^Parts of mine@1 are missing/);
    for (const name of readdirSync(state)) if (name.startsWith('node.db')) rmSync(join(state, name));
    writeFileSync(join(state, 'node.db'), 'x'.repeat(4096));
    assert.match((await findings(run)).get('state')!.says, /^The database is none; restore a backup\.$/);
  });

  it('leaves a database of an older version as it is', async () => {
    const { run, state } = terminal(home);
    mkdirSync(state);
    const versionIn = (change: string) => {
      using database = new DatabaseSync(join(state, 'node.db'));
      database.exec(change);
      return database.prepare('PRAGMA user_version').get()!['user_version'];
    };
    // As the version before the first one made it.
    versionIn('CREATE TABLE other (id INTEGER)');
    const io = { random: (size: number) => Buffer.alloc(size), now: () => new Date('2026-06-01T12:00:00Z') };
    assert.equal((await probeState(state, io)).state.outdated, true);
    assert.equal(versionIn(''), 0);
    versionIn('PRAGMA user_version = 1000');
    assert.match(
      (await findings(run)).get('state')!.says,
      new RegExp(`^The database ${join(state, 'node.db')} was made by a newer version `),
    );
    assert.equal(versionIn(''), 1000);
    rmSync(state, { recursive: true });
    await run('init');
    assert.equal((await probeState(state, io)).state.outdated, false);
  });

  it('says why the engine does not run', async () => {
    const broken = terminal(home, { tryEngine: () => Promise.reject(new Error('no such library')) });
    assert.equal((await findings(broken.run)).get('engine')!.status, 'fail');
    let ended = false;
    const stuck = terminal(home, {
      tryEngine: (signal) => {
        signal.addEventListener('abort', () => (ended = true));
        return new Promise(() => undefined);
      },
      sleep: () => Promise.resolve(),
    });
    assert.match((await findings(stuck.run)).get('engine')!.says, /said nothing for 30 s/);
    assert.ok(ended, 'its process does not outlive the command');
  });

  it('measures the memory against the bound', async () => {
    const { run } = terminal(home);
    assert.equal((await findings(run, '--memory', '100')).get('memory')!.status, 'fail');
    assert.equal((await findings(run, '--memory', '4096')).get('memory')!.status, 'ok');
  });
});
