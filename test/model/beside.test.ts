/**
 * Prompts that begin with other files, with real weights through a real node: what is verified is what the target alone
 * writes there, and what stands in front is read once. The embedded family was not trained to read several files; its
 * tokenizer has the markers all the same, which is enough for this.
 */
import {
  backboneSpec,
  COMPLETION_LIMIT,
  continuationOf,
  draftSpec,
  EMBEDDED_FAMILY,
  firstLine,
  frontOf,
  loadFamily,
  promptFor,
  startEngine,
  tokensOf,
  windowAt,
  type Place,
} from '@foretype/models';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Channel } from '../../server/src/channel.ts';
import { complete } from '../../server/src/completion.ts';
import { Control } from '../../server/src/control.ts';
import { connectedTo } from '../support/connected.ts';
import { EdgeNode } from '../support/node.ts';
import { realPlaces } from '../support/prompts.ts';

const PLACES = process.env['FORETYPE_FULL'] ? 60 : 10;

const embedded = await loadFamily(EMBEDDED_FAMILY);
/** As the training gave out ids: what stands for a project is 7, and what stands between files 8. */
const family = { ...embedded, fim: { ...embedded.fim, files: { separator: 8, repository: 7 } } };
const resources = { sequences: 1, threads: 1 };
const now = () => performance.now();
const never = new AbortController().signal;

describe('a prompt that begins with other files', () => {
  const target = startEngine(backboneSpec(family, resources));
  const draft = startEngine(draftSpec(family, resources));
  const node = new EdgeNode();
  let channel: Channel;

  before(async () => {
    await node.start(['--sequences', '2']);
    channel = await connectedTo(node, family);
  });
  after(async () => {
    channel.dispose();
    await Promise.all([node.dispose(), target.dispose(), draft.dispose()]);
  });

  /** Some lines of another real file for each place. */
  async function placesWithFronts(): Promise<(Place & { readonly front: readonly number[] })[]> {
    const places = realPlaces(PLACES + 1, 20_261_122);
    return Promise.all(
      places.slice(1).map(async (place, at) => {
        const { text, offset } = places[at]!;
        const { prefix, suffix } = windowAt(text, offset, { before: 250, after: 150 });
        const others = [prefix, suffix].map((part, index) => ({ name: `lib/other${index}.js`, text: part }));
        const { tokens } = await frontOf({ family, tokenizer: target }, { name: 'lib/main.js', others });
        return { ...place, front: tokens };
      }),
    );
  }

  it(`is verified to the letter at ${PLACES} places`, async (t) => {
    const sum = { texts: 0, accepted: 0, differsWithout: 0, mismatches: 0 };
    const parts = { family, tokenizer: target };
    const written = async (place: Place) => {
      const prompt = await promptFor(parts, place);
      const request = {
        context: prompt.context,
        leading: prompt.leading.text,
        limit: COMPLETION_LIMIT + prompt.leading.tokens.length,
        until: 'line' as const,
      };
      return firstLine(await continuationOf(parts, prompt, await tokensOf(target.write(request))));
    };
    for (const place of await placesWithFronts()) {
      assert.ok(place.front.length > 20);
      const alone = await written(place);
      const { text, offset } = place;
      if ((await written({ text, offset })) !== alone) sum.differsWithout++;
      const control = new Control({ now, jPerHour: () => Infinity });
      const edge = { verifier: channel, control };
      for await (const candidate of complete(
        { family, draft, edge, now },
        { ...place, adapter: '' },
        never,
      )) {
        if (candidate.report.path !== 'speculated') continue;
        sum.texts++;
        sum.accepted += candidate.report.accepted;
        if (candidate.text !== alone) sum.mismatches++;
      }
    }
    t.diagnostic(JSON.stringify(sum));
    assert.equal(sum.mismatches, 0);
    assert.ok(sum.texts >= PLACES * 0.8 && sum.accepted > 0);
    assert.ok(sum.differsWithout > 0, 'what stands in front is read');
  });

  it('is read once while somebody types', async (t) => {
    const [place] = await placesWithFronts();
    const { text, offset, front } = place!;
    const typed = 'const value = other(first);';
    const before = `${text.slice(0, offset)}\n`;
    const evaluated: number[] = [];
    for (let at = 1; at <= typed.length; at++) {
      const now = before + typed.slice(0, at) + text.slice(offset);
      const key = { text: now, offset: before.length + at, front };
      const { context } = await promptFor({ family, tokenizer: target }, key);
      for await (const first of target.write({ context, limit: 1 })) evaluated.push(first.evaluated);
    }
    t.diagnostic(`${front.length} tokens in front; evaluated at each key: ${evaluated.join(' ')}`);
    assert.ok(evaluated[0]! > front.length);
    const later = evaluated.slice(1);
    assert.ok(later.filter((count) => count > 16).length <= 1, later.join(' '));
  });
});
