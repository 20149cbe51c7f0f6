/** What a tokenizer is known by, and the tokens in it, as a GGUF file has them. */
import { createHash } from 'node:crypto';
import type { Gguf, GgufValue } from './gguf.ts';

const PREFIX = 'tokenizer.ggml.';
/** Tables with one entry for each token. */
const BY_TOKEN = ['tokens', 'token_type', 'scores'];

/**
 * SHA-256 over the tokenizer's tables, keys sorted: see `ModelFacts.tokenizer`. Models of one tokenizer that differ in
 * size fill their vocabularies up with tokens that mean nothing (`[PAD151665]`) to rows that their matrices are fast with;
 * those do not count.
 */
export function fingerprintOf(gguf: Pick<Gguf, 'metadata'>): string {
  return fingerprintOfTables(tablesOf(gguf));
}

/** The same of the tables themselves, by their names without `tokenizer.ggml.`. */
export function fingerprintOfTables(tables: Iterable<readonly [string, unknown]>): string {
  const sorted = [...withoutPadding(new Map(tables))].sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

/** Names of the tables in which two tokenizers differ. */
export function differingTables(one: Pick<Gguf, 'metadata'>, other: Pick<Gguf, 'metadata'>): string[] {
  const [ones, others] = [tablesOf(one), tablesOf(other)];
  return [...new Set([...ones.keys(), ...others.keys()])].filter(
    (key) => JSON.stringify(ones.get(key)) !== JSON.stringify(others.get(key)),
  );
}

function tablesOf({ metadata }: Pick<Gguf, 'metadata'>): ReadonlyMap<string, unknown> {
  const tables = [...metadata].filter(([key]) => key.startsWith(PREFIX));
  return withoutPadding(new Map(tables.map(([key, value]) => [key.slice(PREFIX.length), value])));
}

function withoutPadding(tables: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const tokens = tables.get('tokens');
  const padding = Array.isArray(tokens) ? paddingOf(tokens) : 0;
  if (padding === 0) return tables;
  return new Map(
    [...tables].map(([name, value]) => {
      const padded = BY_TOKEN.includes(name) && Array.isArray(value);
      return [name, padded ? value.slice(0, -padding) : value];
    }),
  );
}

/** The text of each token, by id; byte-level ones in the alphabet of GPT-2. */
export function tokensOf({ metadata }: Pick<Gguf, 'metadata'>): readonly GgufValue[] {
  const tokens = metadata.get(`${PREFIX}tokens`);
  return Array.isArray(tokens) ? (tokens as readonly GgufValue[]) : [];
}

/** How many tokens at the end are there only to fill a matrix, as `convert_hf_to_gguf.py` of llama.cpp names them. */
function paddingOf(tokens: readonly unknown[]): number {
  let count = 0;
  while (count < tokens.length && tokens[tokens.length - 1 - count] === `[PAD${tokens.length - 1 - count}]`)
    count++;
  return count;
}
