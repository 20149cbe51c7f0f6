/**
 * The trap under the promise of exactness: kernels that round differently for different batch sizes. This test looks
 * at the logits themselves, through the native library, since choices hide small differences until they matter.
 */
import { EMBEDDED_FAMILY, loadFamily } from '@foretype/models';
import { getLlama, LlamaLogLevel, type LlamaContextSequence, type Token } from 'node-llama-cpp';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EXACT_BATCH } from '../../models/src/engine/llama-slot.ts';
import { chance } from '../support/prompts.ts';

const SOURCE = join(import.meta.dirname, '../../node_modules/fastify/lib/reply.js');

const family = await loadFamily(EMBEDDED_FAMILY);
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: family.backbone.path });
const context = await model.createContext({ contextSize: 512, batchSize: 512, threads: 1 });
const sequence = context.getSequence();
const tokens = model.tokenize(readFileSync(SOURCE, 'utf8'), false).slice(300, 700);

describe('logits do not depend on how the context was chunked', () => {
  after(() => llama.dispose());

  for (const size of [2, 3, 7, 16, 31, EXACT_BATCH]) {
    it(`chunks of ${size} against one token at a time: bit-equal`, async () => {
      assert.equal(await difference(() => size), 0);
    });
  }

  it('chunks of every size drawn by lot: bit-equal', async () => {
    const random = chance(11);
    for (let run = 0; run < 5; run++) {
      assert.equal(await difference(() => 1 + Math.floor(random() * EXACT_BATCH)), 0);
    }
  });

  it('says what larger chunks do on this machine', async (t) => {
    for (const size of [63, 64, 128, 512]) t.diagnostic(`chunks of ${size}: ${await difference(() => size)}`);
  });
});

let reference: Promise<Float32Array> | undefined;

/** The largest difference of a logit between this chunking and one token at a time. */
async function difference(chunk: () => number): Promise<number> {
  reference ??= logits(() => 1);
  const [expected, found] = [await reference, await logits(chunk)];
  return found.reduce((largest, logit, id) => Math.max(largest, Math.abs(logit - expected[id]!)), 0);
}

/** Logits after all tokens, the last of them evaluated by itself. */
async function logits(chunk: () => number): Promise<Float32Array> {
  await sequence.clearHistory();
  await evaluate(sequence, tokens.slice(0, -1), chunk);
  const [result] = await sequence.controlledEvaluate([[tokens.at(-1)!, { generateNext: { logits: true } }]]);
  const found = new Float32Array(model.fileInfo.metadata.tokenizer.ggml.tokens.length);
  for (const [id, logit] of result!.next.logits!) found[id] = logit;
  return found;
}

async function evaluate(into: LlamaContextSequence, all: Token[], chunk: () => number): Promise<void> {
  for (let at = 0; at < all.length;) {
    const next = all.slice(at, at + chunk());
    await into.controlledEvaluate(next);
    at += next.length;
  }
}
