import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helpText, parseCommand } from '../../edge-node/src/command.ts';
import {
  flagName,
  readConfig,
  settingsOf,
  settingsSchema,
  variableName,
  type Config,
} from '../../edge-node/src/config.ts';

const schema = settingsSchema({ cores: 8, stateHome: '/home/dev/.local/state', family: '/opt/family' });

function read(argv: string[], env: Record<string, string> = {}, files: Record<string, string> = {}): Config {
  const command = parseCommand(argv, schema);
  assert.equal(command.name, 'serve');
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
      family: '/opt/family',
      state: '/home/dev/.local/state/foretype-edge',
      threads: 4,
      sequences: 4,
      logLevel: 'info',
    });
    const single = settingsSchema({ cores: 1, stateHome: '/s', family: '/f' });
    assert.equal(settingsOf(single).get('threads')!.default, 1);
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
        `Default: ${setting.default}`,
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
      'Flag --prot: expected one of --host, --port, --family, --state, --threads, --sequences, --log-level, --config, --help, --version.',
    ],
    [
      'an unknown command',
      () => read(['server']),
      'Command "server": expected serve; see foretype-edge --help.',
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
      'Environment variable FORETYPE_EDGE_PROT: expected one of FORETYPE_EDGE_HOST, FORETYPE_EDGE_PORT, FORETYPE_EDGE_FAMILY, FORETYPE_EDGE_STATE, FORETYPE_EDGE_THREADS, FORETYPE_EDGE_SEQUENCES, FORETYPE_EDGE_LOG_LEVEL, FORETYPE_EDGE_CONFIG.',
    ],
    [
      'a key of the wrong type',
      () => read(['--config=/c'], {}, { '/c': '{"port":"80"}' }),
      'Config file /c, key "port": expected an integer from 0 to 65535, got "80".',
    ],
    [
      'an unknown key',
      () => read(['--config=/c'], {}, { '/c': '{"prot":80}' }),
      'Config file /c, key "prot": expected one of host, port, family, state, threads, sequences, logLevel.',
    ],
    [
      'a file that is not there',
      () => read(['--config=/c']),
      'Config file /c: expected a JSON object, got no readable file (ENOENT).',
    ],
    [
      'a file that is not JSON',
      () => read(['--config=/c'], {}, { '/c': '{' }),
      'Config file /c: expected a JSON object, got text that is not JSON.',
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

describe('the command line', () => {
  it('asks for help or the version before anything else', () => {
    assert.equal(parseCommand(['serve', '--help'], schema).name, 'help');
    assert.equal(parseCommand(['-h'], schema).name, 'help');
    assert.equal(parseCommand(['--version'], schema).name, 'version');
  });
});
