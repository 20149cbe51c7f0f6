/** Another family while the language server runs. */
import { EMBEDDED_FAMILY, type EngineSpec } from '@foretype/models';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { CompletionService } from '../../server/src/service.ts';
import { readSettings } from '../../server/src/settings.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { FakeNode } from '../support/fake-node.ts';

const DEFAULTS = readSettings({}).settings;

/** A service that drafts with the embedded family, beside which `another` is installed. */
async function serving(t: TestContext, given: Partial<typeof DEFAULTS> = {}) {
  const families = await mkdtemp(join(tmpdir(), 'foretype-families-'));
  t.after(() => rm(families, { recursive: true }));
  await mkdir(join(families, 'another'));
  const manifest = JSON.parse(await readFile(join(EMBEDDED_FAMILY, 'family.json'), 'utf8')) as object;
  await writeFile(join(families, 'another', 'family.json'), JSON.stringify({ ...manifest, id: 'another' }));
  const started: { readonly spec: EngineSpec; readonly engine: FakeEngine }[] = [];
  const settings = { ...DEFAULTS, ...given };
  const service = new CompletionService({
    family: EMBEDDED_FAMILY,
    families,
    settings,
    onStatus: () => undefined,
    log: () => undefined,
    engine: (spec, onState) => {
      const engine = new FakeEngine();
      started.push({ spec, engine });
      onState?.({ status: 'ready', reason: null });
      return engine;
    },
  });
  t.after(() => service.dispose());
  service.start();
  await t.waitFor(() => assert.equal(service.status.draft, 'ready'));
  return { service, settings, families, started };
}

describe('a family that is set', () => {
  it('is drafted with at once, and the other one ends', async (t) => {
    const { service, settings, families, started } = await serving(t);
    assert.equal(service.families.used, EMBEDDED_FAMILY);
    const scope = service.scopeOf('file:///a.ts').model;
    service.configure({ ...settings, family: 'another' });
    await t.waitFor(() => assert.equal(started.length, 2));
    assert.equal(service.families.used, join(families, 'another'));
    assert.ok(started[0]!.engine.disposed);
    assert.ok(started[1]!.spec.weights.path.startsWith(join(families, 'another')));
    await t.waitFor(() => assert.equal(service.status.draft, 'ready'));
    // What was written by the other is not this one's.
    assert.notEqual(service.scopeOf('file:///a.ts').model, scope);
    service.configure({ ...settings, family: '' });
    await t.waitFor(() => assert.equal(started.length, 3));
    assert.equal(started[2]!.spec.weights.path, started[0]!.spec.weights.path);
  });

  it('is loaded once, however often the settings are sent', async (t) => {
    const { service, settings, started } = await serving(t);
    service.configure({ ...settings, family: 'another' });
    await t.waitFor(() => assert.equal(started.length, 2));
    service.configure({ ...settings, family: 'another', automatic: false });
    await service.dispose();
    assert.equal(started.length, 2);
  });

  it('that is not there is said in a sentence, and mended by another setting', async (t) => {
    const { service, settings, started } = await serving(t);
    service.configure({ ...settings, family: 'none' });
    await t.waitFor(() => assert.equal(service.status.draft, 'failed'));
    assert.match(service.status.reason!, /^The family manifest .*none.family\.json cannot be read; .*\.$/);
    service.configure(settings);
    await t.waitFor(() => assert.equal(service.status.draft, 'ready'));
    assert.equal(service.status.reason, null);
    assert.equal(started.length, 2);
  });

  it('is taken anew when its files were made good', async (t) => {
    const { service, started } = await serving(t);
    service.reload();
    await t.waitFor(() => assert.equal(started.length, 2));
    assert.ok(started[0]!.engine.disposed);
  });

  it('has the edge node asked again whether it is the same one', async (t) => {
    const node = await FakeNode.start(t);
    const { service, settings } = await serving(t, { edgeUrl: node.url, edgeToken: 'ft_token' });
    await node.welcomed();
    await t.waitFor(() => assert.equal(service.status.edge, 'connected'));
    service.configure({ ...settings, family: 'another' });
    const peer = await node.peer();
    const hello = await peer.next();
    assert.ok(hello.case === 'hello');
    assert.equal(hello.value.family, 'another');
  });

  it('that cannot be read leaves no connection for the other one', async (t) => {
    const node = await FakeNode.start(t);
    const { service, settings } = await serving(t, { edgeUrl: node.url, edgeToken: 'ft_token' });
    await node.welcomed();
    await t.waitFor(() => assert.equal(service.status.edge, 'connected'));
    service.configure({ ...settings, family: 'none' });
    await t.waitFor(() => assert.equal(service.status.draft, 'failed'));
    assert.equal(service.status.edge, 'off');
    assert.equal(service.verifies, false);
  });
});
