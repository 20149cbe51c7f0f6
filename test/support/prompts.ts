import { fimPrompt, fitParts, type Engine, type Family, type Token } from '@foretype/models';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Real source files of packages that the lockfile pins, so that every machine takes the same. */
const SOURCES = ['fastify/lib/*.js', 'undici/lib/**/*.js', 'ws/lib/*.js', 'typebox/build/type/**/*.mjs'];

/** The same sequence of numbers from 0 to 1 for the same seed (a linear congruential generator; Knuth's constants). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `count` places in real source files, spread over the files by `seed`. */
export function realPlaces(count: number, seed: number): { text: string; offset: number }[] {
  const random = chance(seed);
  return Array.from({ length: count }, () => placeBy(random));
}

function placeBy(random: () => number): { text: string; offset: number } {
  const files = SOURCES.flatMap((pattern) => globSync(join(root, 'node_modules', pattern))).sort();
  const text = readFileSync(files[Math.floor(random() * files.length)]!, 'utf8');
  return { text, offset: Math.floor(random() * text.length) };
}

/** FIM prompts at `count` places in real source files, spread over the files by `seed`. */
export async function realPrompts(
  engine: Engine,
  family: Family,
  count: number,
  seed: number,
): Promise<Token[][]> {
  const random = chance(seed);
  const prompts: Token[][] = [];
  while (prompts.length < count) {
    const { text, offset: cursor } = placeBy(random);
    const [prefix, suffix] = await Promise.all([
      engine.tokenize(text.slice(Math.max(0, cursor - 1500), cursor)),
      engine.tokenize(text.slice(cursor, cursor + 500)),
    ]);
    // Lengths differ, so that the prompts end at every place of a prefill batch.
    const budget = 40 + Math.floor(random() * (family.context - 100));
    prompts.push(fimPrompt(family.fim, fitParts({ prefix, suffix }, budget, 0.25), family.tokenizer.bos));
  }
  return prompts;
}
