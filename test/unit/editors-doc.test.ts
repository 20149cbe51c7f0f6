/** `docs/editors.md` against the code that it tells of. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { givenIn } from '../../server/src/configuration.ts';
import { traitsOf } from '../../server/src/editors.ts';
import { KEYS, readSettings, SETTING_NAMES } from '../../server/src/settings.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/editors.md'), 'utf8');
const cells = (row: string) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replace(/^`(.*)`$/u, '$1'));
/** The rows of the table whose head begins with these columns. */
function table(...columns: string[]): string[][] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => columns.every((column, at) => cells(line)[at] === column));
  const end = lines.findIndex((line, at) => at > head && !line.startsWith('|'));
  return lines.slice(head + 2, end).map(cells);
}

describe('docs/editors.md', () => {
  it('has every setting with its key, its name and its default, in the order of the schema', () => {
    const defaults = readSettings({}).settings as Readonly<Record<string, unknown>>;
    assert.deepEqual(
      table('key', 'name', 'default').map(([key, name, standard]) => [key, name, standard]),
      SETTING_NAMES.map((name) => [
        (KEYS as Partial<Record<string, string>>)[name] ?? name,
        name,
        JSON.stringify(defaults[name]),
      ]),
    );
  });

  it('has what a client may say of itself, with its default', () => {
    // The table may have what other parts of the server read there.
    const options = new Map(table('option', 'default').map(([name, standard]) => [name, standard]));
    for (const [name, standard] of Object.entries(traitsOf({})))
      assert.equal(options.get(name), String(standard), name);
  });

  it('has every message that LSP does not have', () => {
    const sources = globSync('server/src/**/*.ts', { cwd: root });
    const messages = sources.flatMap((file) => [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /\b(?:Notification|Request)Type0?(?:<[^']*>)?\(\s*'(foretype\/\w+)'/gu,
      ),
    ]);
    assert.ok(messages.length > 4);
    const named = table('message', 'from').map(([name]) => name!);
    assert.deepEqual(named.toSorted(), messages.map(([, name]) => name!).toSorted());
  });

  it('has configurations of which the server understands every word', () => {
    const [coc, jetBrains] = [...page.matchAll(/```json\n(.*?)```/gsu)].map(
      ([, json]) => JSON.parse(json!) as Record<string, Record<string, { settings: object }>>,
    );
    const expected = { edgeUrl: 'http://127.0.0.1:4717', edgeTokenFile: '~/.config/foretype/token' };
    assert.deepEqual(givenIn(coc!['languageserver']!['foretype']!.settings), expected);
    assert.deepEqual(givenIn(jetBrains), expected);
    const [, lisp] = /```elisp\n(.*?)```/su.exec(page)!;
    const set = [...lisp!.matchAll(/\("(foretype\.[\w.]+)" "([^"]*)"\)/gu)].map(([, key, value]) => [
      key,
      value,
    ]);
    assert.deepEqual(givenIn(Object.fromEntries(set)), expected);
    const [, lua] = /edge = \{ (url = .*?) \}/u.exec(page)!;
    const nested = [...lua!.matchAll(/(\w+) = '([^']*)'/gu)].map(([, key, value]) => [key, value]);
    assert.deepEqual(givenIn({ edge: Object.fromEntries(nested) as object }), expected);
  });
});
