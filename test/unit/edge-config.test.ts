import assert from 'node:assert/strict';
import { delimiter } from 'node:path';
import { describe, it } from 'node:test';
import { configText } from '../../edge-node/src/commands/init.ts';
import { helpText, parseCommand } from '../../edge-node/src/command.ts';
import {
  familiesOf,
  flagName,
  readConfig,
  settingsOf,
  settingsSchema,
  variableName,
  type Config,
} from '../../edge-node/src/config.ts';

const GIB = 1024 ** 3;
const machine = { cores: 8, memory: 16 * GIB, stateHome: '/home/dev/.local/state', family: '/opt/family' };
const schema = settingsSchema(machine);
const ALL =
  'host, port, tlsCert, tlsKey, family, state, threads, sequences, memory, placement, waiting, perUser, rate, logLevel';
const FLAGS = `${ALL.split(', ').map(flagName).join(', ')}, --config`;
const VARIABLES = `${ALL.split(', ').map(variableName).join(', ')}, FORETYPE_EDGE_CONFIG`;
/** Where settings are read from if nobody names a file. */
const IMPLIED = '/home/dev/.local/state/foretype-edge/config.jsonc';

function read(argv: string[], env: Record<string, string> = {}, files: Record<string, string> = {}): Config {
  const command = parseCommand(argv, schema);
  assert.ok(command.name === 'serve');
  const readFile = (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  return readConfig({ schema, flags: command.flags, env, readFile });
}

describe('settings', () => {
  it('have defaults that depend on the machine where they must', () => {
    assert.deepEqual(read([]), {
      host: '127.0.0.1',
      port: 4717,
      tlsCert: '',
      tlsKey: '',
      family: '/opt/family',
      state: '/home/dev/.local/state/foretype-edge',
      threads: 4,
      sequences: 8,
      memory: 8192,
      placement: 'hits-per-byte',
      waiting: 64,
      perUser: 8,
      rate: 1200,
      logLevel: 'info',
    });
    const small = settingsSchema({ cores: 1, memory: 1, stateHome: '/s', family: '/f' });
    assert.equal(settingsOf(small).get('threads')!.default, 1);
    assert.equal(settingsOf(small).get('memory')!.default, 1);
  });

  it('are all described, with a default that the schema takes, and all in the help', () => {
    const help = helpText(schema);
    for (const [key, setting] of settingsOf(schema)) {
      assert.match(setting.description, /^[A-Z].*\.$/, key);
      assert.notEqual(setting.default, undefined, key);
      for (const shown of [
        flagName(key),
        variableName(key),
        setting.description,
        `Default: ${setting.default === '' ? 'none' : setting.default}`,
      ]) {
        assert.ok(help.includes(shown), `${shown} is missing from the help`);
      }
    }
  });

  it('rise from file through environment to flags', () => {
    const file = JSON.stringify({ port: 1, threads: 1, host: 'file', logLevel: 'warn' });
    const env = { FORETYPE_EDGE_PORT: '2', FORETYPE_EDGE_THREADS: '2', PATH: '/bin' };
    const config = read(['--config', '/c.json', '--port', '3'], env, { '/c.json': file });
    assert.deepEqual(
      { port: config.port, threads: config.threads, host: config.host, logLevel: config.logLevel },
      { port: 3, threads: 2, host: 'file', logLevel: 'warn' },
    );
  });

  it('take the file that the environment names, unless a flag names another', () => {
    const files = { '/a.json': '{"port": 1}', '/b.json': '{"port": 2}' };
    assert.equal(read([], { FORETYPE_EDGE_CONFIG: '/a.json' }, files).port, 1);
    assert.equal(read(['--config', '/b.json'], { FORETYPE_EDGE_CONFIG: '/a.json' }, files).port, 2);
  });

  it('are read from the state directory where nobody names a file and one is there', () => {
    assert.equal(read([], {}, { [IMPLIED]: '{"port": 1}' }).port, 1);
    assert.equal(read(['--state', '/s'], {}, { '/s/config.jsonc': '{"port": 2}' }).port, 2);
    assert.equal(read([], { FORETYPE_EDGE_STATE: '/s' }, { '/s/config.jsonc': '{"port": 3}' }).port, 3);
    const both = { [IMPLIED]: '{"port": 1}', '/c.json': '{}' };
    assert.equal(read(['--config', '/c.json'], {}, both).port, 4717);
    assert.throws(() => read([], {}, { [IMPLIED]: '{' }), { code: 'usage' });
  });

  it('may be explained in the file', () => {
    const text = '// Ours.\n{\n  /* Not the default. */ "port": 1,\n  "host": "a//b", // and so on\n}\n';
    const { port, host } = read(['--config=/c'], {}, { '/c': text });
    assert.deepEqual({ port, host }, { port: 1, host: 'a//b' });
  });

  it('are as they are by themselves in the file that init writes, until somebody takes a comment away', () => {
    const text = configText(settingsOf(schema));
    assert.deepEqual(read(['--config=/c'], {}, { '/c': text }), read([]));
    for (const [key, setting] of settingsOf(schema)) {
      const line = `// ${JSON.stringify(key)}: ${JSON.stringify(setting.default)},`;
      assert.ok(text.includes(line), line);
      assert.ok(text.includes(`// ${setting.description}`), key);
    }
    const open = text.replace('// "port": 4717,', '"port": 80,').replace('// "rate": 1200,', '"rate": 5,');
    const { port, rate } = read(['--config=/c'], {}, { '/c': open });
    assert.deepEqual({ port, rate }, { port: 80, rate: 5 });
    assert.equal(
      read(['--config=/c'], {}, { '/c': configText(settingsOf(schema), { state: '/s' }) }).state,
      '/s',
    );
  });

  it('may name several families', () => {
    const family = ['/a', '', '/b', '/a'].join(delimiter);
    assert.deepEqual(familiesOf(read(['--family', family])), ['/a', '/b']);
    assert.deepEqual(familiesOf(read([])), ['/opt/family']);
  });

  it('may be written as --flag=value and after the command', () => {
    assert.equal(read(['serve', '--port=0', '--log-level=silent']).logLevel, 'silent');
    assert.equal(read(['--state=--odd']).state, '--odd');
  });
});

describe('what is wrong with settings is said with the source, what was expected and what came', () => {
  const cases: [name: string, run: () => unknown, message: string][] = [
    [
      'a word for a number',
      () => read(['--port', 'abc']),
      'Flag --port: expected an integer from 0 to 65535, got "abc".',
    ],
    [
      'a number too large',
      () => read(['--port', '65536']),
      'Flag --port: expected an integer from 0 to 65535, got 65536.',
    ],
    [
      'a negative number',
      () => read(['--port', '-1']),
      'Flag --port: expected an integer from 0 to 65535, got -1.',
    ],
    ['an empty number', () => read(['--port=']), 'Flag --port: expected an integer from 0 to 65535, got "".'],
    [
      'a number in another notation',
      () => read(['--port=0x10']),
      'Flag --port: expected an integer from 0 to 65535, got "0x10".',
    ],
    ['an empty text', () => read(['--host=']), 'Flag --host: expected a text that is not empty, got "".'],
    [
      'a level that is none',
      () => read(['--log-level', 'loud']),
      'Flag --log-level: expected one of fatal, error, warn, info, debug, trace, silent, got "loud".',
    ],
    [
      'a flag without value',
      () => read(['--host', '--port', '1']),
      'Flag --host: expected a value, got none.',
    ],
    ['a flag without value at the end', () => read(['--host']), 'Flag --host: expected a value, got none.'],
    [
      'an unknown flag',
      () => read(['--prot', '1']),
      `Flag --prot: expected one of ${FLAGS}, --help, --version.`,
    ],
    [
      'an unknown command',
      () => read(['server']),
      'Command "server": expected one of serve, init, token, adapter, models, backup, doctor; see foretype-edge --help.',
    ],
    ['a word too many', () => read(['serve', 'now']), 'Argument "now": expected nothing after serve.'],
    [
      'a variable of the wrong type',
      () => read([], { FORETYPE_EDGE_THREADS: '0' }),
      'Environment variable FORETYPE_EDGE_THREADS: expected an integer from 1 to 1024, got 0.',
    ],
    [
      'an unknown variable',
      () => read([], { FORETYPE_EDGE_PROT: '1' }),
      `Environment variable FORETYPE_EDGE_PROT: expected one of ${VARIABLES}.`,
    ],
    [
      'a key of the wrong type',
      () => read(['--config=/c'], {}, { '/c': '{"port":"80"}' }),
      'Config file /c, key "port": expected an integer from 0 to 65535, got "80".',
    ],
    [
      'an unknown key',
      () => read(['--config=/c'], {}, { '/c': '{"prot":80}' }),
      `Config file /c, key "prot": expected one of ${ALL}.`,
    ],
    [
      'a file that is not there',
      () => read(['--config=/c']),
      'Config file /c: expected a JSON object, got no readable file (ENOENT).',
    ],
    [
      'a file that is not JSON',
      () => read(['--config=/c'], {}, { '/c': '{' }),
      'Config file /c: expected a JSON object, got text that is not JSON at line 1.',
    ],
    [
      'a file that is not JSON further down',
      () => read(['--config=/c'], {}, { '/c': '{\n  "port": 1,\n  oops\n}' }),
      'Config file /c: expected a JSON object, got text that is not JSON at line 3.',
    ],
    [
      'an empty file',
      () => read(['--config=/c'], {}, { '/c': '' }),
      'Config file /c: expected a JSON object, got text that is not JSON at line 1.',
    ],
    [
      'a certificate without a key',
      () => read(['--tls-cert', '/cert.pem']),
      'Settings tlsCert and tlsKey: expected both or neither.',
    ],
    [
      'a key without a certificate',
      () => read([], { FORETYPE_EDGE_TLS_KEY: '/key.pem' }),
      'Settings tlsCert and tlsKey: expected both or neither.',
    ],
    [
      'no family',
      () => read(['--family', delimiter]),
      `Setting family: expected a directory, got ${JSON.stringify(delimiter)}.`,
    ],
    [
      'a placement that is none',
      () => read(['--placement', 'fifo']),
      'Flag --placement: expected one of hits-per-byte, lru, got "fifo".',
    ],
    [
      'more prompts than a batch has tokens',
      () => read(['--sequences', '33']),
      'Flag --sequences: expected an integer from 1 to 32, got 33.',
    ],
    [
      'a file with a list',
      () => read(['--config=/c'], {}, { '/c': '[]' }),
      'Config file /c: expected a JSON object, got an array.',
    ],
    [
      'a file with nothing',
      () => read(['--config=/c'], {}, { '/c': 'null' }),
      'Config file /c: expected a JSON object, got null.',
    ],
  ];
  for (const [name, run, message] of cases) {
    it(name, () => assert.throws(run, { name: 'StartError', code: 'usage', message }));
  }

  it('all at once, in the order of the sources', () => {
    assert.throws(
      () => read(['--config=/c', '--port=x'], { FORETYPE_EDGE_SEQUENCES: 'y' }, { '/c': '{"host":1}' }),
      {
        message: [
          'Config file /c, key "host": expected a text that is not empty, got 1.',
          'Environment variable FORETYPE_EDGE_SEQUENCES: expected an integer from 1 to 32, got "y".',
          'Flag --port: expected an integer from 0 to 65535, got "x".',
        ].join('\n'),
      },
    );
  });
});
