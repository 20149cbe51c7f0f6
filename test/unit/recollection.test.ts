import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Recollection } from '../../server/src/recollection.ts';
import { FakeEngine } from '../support/fake-engine.ts';

const at = (name: string) => ({ uri: `file:///${name}`, text: `the text of ${name}`, offset: 3 });
const completed = { text: 'x', verified: true };
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A recollection that was in each of the documents, one after the other. */
async function after(names: readonly string[], hidden: ReadonlySet<string>) {
  const engine = new FakeEngine();
  const recollection = new Recollection(engine, (uri) => Promise.resolve(!hidden.has(uri)));
  for (const name of names) {
    recollection.keep(at(name), completed);
    await settle();
  }
  const othersThan = (name: string) =>
    recollection.othersThan(at(name).uri).map((tokens) => Buffer.from([...tokens]).toString());
  return { recollection, othersThan };
}

describe('documents that drafts are copied from', () => {
  it('are those worked on before, the latest last', async () => {
    const { othersThan } = await after(['a.ts', 'b.ts', 'c.ts'], new Set());
    assert.deepEqual(othersThan('c.ts'), ['the text of a.ts', 'the text of b.ts']);
  });

  it('are none that may not be shown to others', async () => {
    const { othersThan } = await after(['a.ts', '.env', 'c.ts'], new Set(['file:///.env']));
    assert.deepEqual(othersThan('c.ts'), ['the text of a.ts']);
  });

  it('are forgotten when they may not be shown any more', async () => {
    const hidden = new Set<string>();
    const { othersThan } = await after(['a.ts', 'b.ts', 'c.ts'], hidden);
    hidden.add('file:///a.ts');
    othersThan('c.ts');
    await settle();
    assert.deepEqual(othersThan('c.ts'), ['the text of b.ts']);
  });

  it('are none of which nobody can tell whether they may', async () => {
    const recollection = new Recollection(new FakeEngine(), () => Promise.reject(new Error('no disk')));
    for (const name of ['a.ts', 'b.ts']) {
      recollection.keep(at(name), completed);
      await settle();
    }
    assert.deepEqual(recollection.othersThan('file:///c.ts'), []);
  });
});
