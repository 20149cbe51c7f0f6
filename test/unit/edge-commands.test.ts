import { memoryText, sizeText } from '@foretype/models/catalogue';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helpText, parseCommand, type Command } from '../../edge-node/src/command.ts';
import { projectOf } from '../../edge-node/src/commands/adapter.ts';
import { CommandError, sentenceOf } from '../../edge-node/src/commands/problem.ts';
import { TASKS, taskNames, usageOf } from '../../edge-node/src/commands/tasks.ts';
import { table, timeText } from '../../edge-node/src/commands/text.ts';
import { expiryOf } from '../../edge-node/src/commands/token.ts';
import { settingsSchema } from '../../edge-node/src/config.ts';
import { projectId } from '../../edge-node/src/protocol/project.ts';

const schema = settingsSchema({ cores: 2, memory: 2 ** 33, stateHome: '/s', family: '/f' });
const parse = (...argv: string[]) => parseCommand(argv, schema);

function task(...argv: string[]): Exclude<Command, { name: 'help' | 'version' | 'serve' }> {
  const command = parse(...argv);
  assert.ok(command.name !== 'help' && command.name !== 'version' && command.name !== 'serve', command.name);
  return command;
}

describe('the command line', () => {
  it('asks for help or the version before anything else', () => {
    assert.deepEqual(parse('serve', '--help'), { name: 'help', topic: undefined });
    assert.deepEqual(parse('-h'), { name: 'help', topic: undefined });
    assert.deepEqual(parse('token', '--help'), { name: 'help', topic: 'token' });
    assert.deepEqual(parse('token', 'create', '--help'), { name: 'help', topic: 'token create' });
    assert.deepEqual(parse('token', 'make', '-h'), { name: 'help', topic: 'token' });
    assert.deepEqual(parse('tokens', '-h'), { name: 'help', topic: undefined });
    assert.equal(parse('--version').name, 'version');
  });

  it('runs the node where it names no command', () => {
    assert.deepEqual(parse(), { name: 'serve', flags: new Map() });
    assert.deepEqual(parse('--port', '1'), { name: 'serve', flags: new Map([['port', '1']]) });
  });

  it('knows words, options and settings apart, wherever they stand', () => {
    const { name, words, options, flags } = task(
      '--state',
      '/x',
      'token',
      'create',
      '--expires=30d',
      'ada',
      '--admin',
      '--config',
      '/c',
    );
    assert.deepEqual({ name, words }, { name: 'token create', words: ['ada'] });
    assert.deepEqual(
      [...options],
      [
        ['expires', '30d'],
        ['admin', ''],
      ],
    );
    assert.deepEqual(
      [...flags],
      [
        ['state', '/x'],
        ['config', '/c'],
      ],
    );
  });

  it('has --family of `adapter add` name one of the families that are served', () => {
    const { options, flags } = task('adapter', 'add', 'mine', 'a.gguf', '--family', 'small');
    assert.deepEqual([options.get('family'), flags.size], ['small', 0]);
    assert.equal(task('adapter', 'list', '--family', '/d').flags.get('family'), '/d');
  });

  it('takes every command with its words, and with no more and no fewer', () => {
    for (const name of taskNames()) {
      const words = usageOf(name).words.map((_word, at) => `w${at}`);
      assert.deepEqual(task(...name.split(' '), ...words).words, words);
      assert.throws(() => parse(...name.split(' '), ...words, 'more'), {
        message: `Argument "more": expected nothing after ${[name, ...usageOf(name).words].join(' ')}.`,
      });
      const [missing] = usageOf(name).words.slice(-1);
      if (missing === undefined) continue;
      assert.throws(() => parse(...name.split(' '), ...words.slice(1)), {
        code: 'usage',
        message: `Command ${name}: expected ${missing}, got nothing; see foretype-edge ${name} --help.`,
      });
    }
  });

  const wrong: [argv: string[], message: string][] = [
    [
      ['token'],
      'Command token: expected one of create, list, revoke, got nothing; see foretype-edge token --help.',
    ],
    [
      ['token', 'make'],
      'Command token: expected one of create, list, revoke, got "make"; see foretype-edge token --help.',
    ],
    [['token', 'list', '--admin'], 'Flag --admin: expected one of --json, --state, --config, --help.'],
    [['token', 'list', '--port', '1'], 'Flag --port: expected one of --json, --state, --config, --help.'],
    [['token', 'list', '--json=yes'], 'Flag --json: expected no value, got "yes".'],
    [['token', 'create', 'ada', '--expires'], 'Flag --expires: expected a value, got none.'],
    [['token', 'create', 'ada', '--expires', '--admin'], 'Flag --expires: expected a value, got none.'],
    [['serve', 'now'], 'Argument "now": expected nothing after serve.'],
  ];
  for (const [argv, message] of wrong) {
    it(`is wrong: ${argv.join(' ')}`, () => assert.throws(() => parse(...argv), { code: 'usage', message }));
  }
});

describe('the help', () => {
  it('has every command with what it does', () => {
    const help = helpText(schema);
    for (const [name, { words, description }] of Object.entries(TASKS)) {
      assert.ok(help.includes(`  ${[name, ...words].join(' ')}\n      ${description}\n`), name);
      assert.match(description, /^[A-Z].*\.$/);
    }
  });

  it('of a command has its options and settings, and of a word all commands that begin with it', () => {
    const create = helpText(schema, 'token create');
    assert.match(create, /^Usage: foretype-edge token create NAME \[flags\]$/m);
    for (const shown of ['--admin', '--expires WHEN', '--state ', '--config FILE'])
      assert.ok(create.includes(shown));
    assert.ok(!create.includes('--port'));
    const all = helpText(schema, 'token');
    for (const name of taskNames('token')) assert.ok(all.includes(`Usage: foretype-edge ${name}`), name);
    assert.ok(!all.includes('foretype-edge adapter'));
    assert.equal(all.split('--state').length, 2, 'settings once');
  });
});

describe('the end of a token', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  for (const [text, end] of [
    ['1h', '2026-06-01T13:00:00.000Z'],
    ['30d', '2026-07-01T12:00:00.000Z'],
    ['2026-06-01', '2026-06-02T00:00:00.000Z'],
    ['2027-01-31', '2027-02-01T00:00:00.000Z'],
  ] as const) {
    it(`${text} is ${end}`, () => assert.equal(expiryOf(text, now).toISOString(), end));
  }
  for (const text of [
    '',
    '0d',
    '-1d',
    '30',
    '30m',
    '1.5d',
    '123456d',
    '2027-02-30',
    '2027-1-1',
    '31.01.2027',
    'never',
  ]) {
    it(`${JSON.stringify(text)} is none`, () =>
      assert.throws(() => expiryOf(text, now), {
        code: 'usage',
        message: `--expires: expected a time as 12h, 30d or 2027-01-31, got ${JSON.stringify(text)}.`,
      }));
  }
  it('is to come', () =>
    assert.throws(() => expiryOf('2026-05-31', now), {
      message: '--expires: expected a day to come, got 2026-05-31.',
    }));
});

describe('a project on the command line', () => {
  it('is an address, a name or an id', () => {
    const id = projectId('host/owner/repo');
    assert.deepEqual(projectOf('git@host:owner/repo.git'), { id, label: 'host/owner/repo' });
    assert.deepEqual(projectOf('name:thing'), { id: projectId('name:thing'), label: 'name:thing' });
    assert.deepEqual(projectOf(id), { id, label: id });
  });
  for (const text of ['thing', '/srv/thing', 'name:', 'name:a/b'])
    it(`is not ${text}`, () => assert.throws(() => projectOf(text), CommandError));
});

describe('what is written', () => {
  it('has sizes and times that people can read', () => {
    const files = [0, 999, 1000, 9_949, 9_950, 150_000, 999_499, 999_500, 1_646_573_056, 1e16];
    assert.deepEqual(files.map(sizeText), [
      '0 bytes',
      '999 bytes',
      '1.0 kB',
      '9.9 kB',
      '10 kB',
      '150 kB',
      '999 kB',
      '1.0 MB',
      '1.6 GB',
      '10000 TB',
    ]);
    assert.deepEqual([1023, 1024, 1536, 223 * 1024 ** 2, 16 * 1024 ** 3, 2 ** 50].map(memoryText), [
      '1023 bytes',
      '1.0 KiB',
      '1.5 KiB',
      '223 MiB',
      '16 GiB',
      '1024 TiB',
    ]);
    assert.equal(timeText(new Date('2026-06-01T12:34:56Z')), '2026-06-01T12:34Z');
    assert.equal(timeText(null), '-');
  });

  it('has columns', () => {
    assert.deepEqual(
      table([
        ['A', 'LONG', 'C'],
        ['longer', 'b', 'c'],
      ]),
      ['A       LONG  C', 'longer  b     c'],
    );
    assert.deepEqual(table([]), []);
  });
});

describe('a failure', () => {
  const failure = (fields: object) => Object.assign(new Error('It failed.'), fields);
  it('of the database or the disk is a sentence', () => {
    assert.match(
      sentenceOf(failure({ code: 'ERR_SQLITE_ERROR', errcode: 13 }))!,
      /^The database cannot grow, since the disk is full; .*\.$/,
    );
    assert.equal(
      sentenceOf(failure({ code: 'EACCES', path: '/state' })),
      'The file /state is not open to this user; allow it, or choose another place.',
    );
    // An extended code: the lowest byte is the primary one.
    assert.match(sentenceOf(failure({ errcode: 5 | (1 << 8) }))!, /^The database is in use .*\.$/);
    assert.equal(
      sentenceOf(failure({ errcode: 1 })),
      'The database failed (It failed.); run foretype-edge doctor.',
    );
    assert.equal(
      sentenceOf(failure({ code: 'ENOSPC', path: '/a' })),
      'The file /a cannot be written, since the disk is full; make room and try again.',
    );
    assert.match(sentenceOf(failure({ code: 'EACCES' }))!, /^A file is not open to this user; .*\.$/);
  });
  it('of ours is none', () => {
    assert.equal(sentenceOf(new TypeError('x is not a function')), undefined);
    assert.equal(sentenceOf('text'), undefined);
  });
});
