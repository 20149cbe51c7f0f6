import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openAccounts } from '../../edge-node/src/accounts.ts';

const now = () => new Date('2026-01-02T03:04:05Z');
const random = (size: number) => new Uint8Array(size).fill(7);
const plain = `ft_${Buffer.alloc(32, 7).toString('base64url')}`;

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'edge-accounts-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return join(made, 'a', 'b');
}

describe('accounts', () => {
  it('begin with one token, which is given out once and then known by its hash only', async (t) => {
    const state = await directory(t);
    const { accounts, created } = await openAccounts({ directory: state, random, now });
    assert.equal(created, plain);
    assert.deepEqual(accounts.verify(plain), { name: 'first' });

    const file = await readFile(join(state, 'tokens.json'), 'utf8');
    assert.ok(!file.includes(plain) && !file.includes(plain.slice(3)));
    assert.match(file, /"created": "2026-01-02T03:04:05.000Z"/);
    assert.deepEqual(await readdir(state), ['tokens.json']);

    const again = await openAccounts({ directory: state, random: () => assert.fail('no second token'), now });
    assert.equal(again.created, undefined);
    assert.deepEqual(again.accounts.verify(plain), { name: 'first' });
  });

  it('know no other token', async (t) => {
    const { accounts } = await openAccounts({ directory: await directory(t), random, now });
    for (const token of ['', 'ft_', plain.slice(0, -1), `${plain}A`, plain.toLowerCase(), plain.slice(3)]) {
      assert.equal(accounts.verify(token), undefined, token);
    }
  });

  it('are files for this user only', async (t) => {
    const state = await directory(t);
    await openAccounts({ directory: state, random, now });
    assert.equal((await stat(state)).mode & 0o777, 0o700);
    assert.equal((await stat(join(state, 'tokens.json'))).mode & 0o777, 0o600);
  });

  const damages: [string, string, string][] = [
    ['cut short', '{"format":1,', 'it is not JSON'],
    ['empty', '', 'it is not JSON'],
    ['of another form', '{"format":2,"tokens":[]}', 'it is not a list of tokens'],
    ['without tokens', '{"format":1,"tokens":[]}', 'it is not a list of tokens'],
    [
      'with a hash that is none',
      '{"format":1,"tokens":[{"name":"a","created":"b","sha256":"c"}]}',
      'it is not a list of tokens',
    ],
  ];
  for (const [name, text, why] of damages) {
    it(`in a file ${name} are refused in one sentence, and the file is left as it is`, async (t) => {
      const state = await directory(t);
      await openAccounts({ directory: state, random, now });
      const path = join(state, 'tokens.json');
      await writeFile(path, text);
      await assert.rejects(openAccounts({ directory: state, random, now }), {
        name: 'StartError',
        code: 'state-invalid',
        message: `The token file ${path} is damaged (${why}); restore it, or delete it to have a new token made at the next start.`,
      });
      assert.equal(await readFile(path, 'utf8'), text);
    });
  }

  it('in a directory that cannot be read or written are refused in one sentence', async (t) => {
    const state = await directory(t);
    await openAccounts({ directory: state, random, now });
    const inside = join(state, 'tokens.json', 'more');
    await assert.rejects(openAccounts({ directory: inside, random, now }), {
      code: 'state-invalid',
      message: /^The token file .* cannot be read \(ENOTDIR\); .*\.$/,
    });
    const other = await directory(t);
    await mkdir(join(other, 'tokens.json.new'), { recursive: true });
    await assert.rejects(openAccounts({ directory: other, random, now }), {
      code: 'state-invalid',
      message: /^The state directory .* cannot be written \(EISDIR\); .*--state\.$/,
    });
  });
});
