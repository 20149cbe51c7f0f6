import { backboneSpec, EMBEDDED_FAMILY, loadFamily, startEngine } from '@foretype/models';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { realPrompts } from '../support/prompts.ts';
import { makeWidenedFamily } from '../support/widened-family.ts';

const directory = mkdtempSync(join(tmpdir(), 'foretype-widened-'));
after(() => rmSync(directory, { recursive: true }));

it('a widened model writes what the narrow one writes, bit for bit as surely', async () => {
  const narrow = await loadFamily(EMBEDDED_FAMILY);
  const options = { id: 'widened', widths: { embedding: 1024, feedForward: 736 } };
  const wide = await makeWidenedFamily(narrow, directory, options);
  assert.ok(wide.backbone.bytes > 2 * narrow.backbone.bytes);

  const engines = [narrow, wide].map((family) =>
    startEngine(backboneSpec(family, { sequences: 1, threads: 1 })),
  );
  try {
    for (const context of await realPrompts(engines[0]!, narrow, 6, 5)) {
      const request = { adapter: '', context, limit: 12 };
      const [few, many] = await Promise.all(engines.map((engine) => Array.fromAsync(engine.write(request))));
      assert.deepEqual(many, few);
    }
  } finally {
    await Promise.all(engines.map((engine) => engine.dispose()));
  }
});
